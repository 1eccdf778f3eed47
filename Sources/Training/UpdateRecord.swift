/// Sums over the updates of one iteration; `metrics` returns the means by name.
struct UpdateRecord {
  private var policy = PPOPolicyLoss.Sums()
  private var value = PPOValueLoss.Sums()
  private var policyNorm = 0.0
  private var valueNorm = 0.0
  private var policyUpdates = 0
  private var valueUpdates = 0
  var pretrainingLoss = 0.0
  var pretrainingNorm = 0.0
  private(set) var skipped = 0
  /// The sums of the last skipped update.
  private(set) var lastSkipped = PPOPolicyLoss.Sums()

  mutating func add(_ sums: PPOPolicyLoss.Sums, norm: Double) {
    policy += sums
    policyNorm += norm
    policyUpdates += 1
  }

  mutating func skip(_ sums: PPOPolicyLoss.Sums) {
    skipped += 1
    lastSkipped = sums
  }

  /// - Parameter norm: nil if the value head is on the policy's trunk; its gradient is then part of the policy's.
  mutating func add(_ sums: PPOValueLoss.Sums, norm: Double?) {
    value += sums
    guard let norm else { return }
    valueNorm += norm
    valueUpdates += 1
  }

  func metrics(skipped total: Int) -> [String: Double] {
    let updates = Double(max(1, policyUpdates))
    var metrics = Dictionary(
      uniqueKeysWithValues: (policy.metrics + value.metrics).map { ($0.name, $0.value) })
    metrics["policy/gradient_norm"] = policyNorm / updates
    if valueUpdates > 0 { metrics["value/gradient_norm"] = valueNorm / Double(valueUpdates) }
    metrics["ptx/loss"] = pretrainingLoss / updates
    metrics["ptx/gradient_norm"] = pretrainingNorm / updates
    metrics["policy/skipped_updates"] = Double(total)
    return metrics
  }
}
