import Support

/// Sums over the updates of one iteration; `metrics` returns the means.
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

  private static let policyGradient = Metric("policy/gradient_norm")
  private static let valueGradient = Metric("value/gradient_norm")
  private static let mixLoss = Metric("ptx/loss", unit: "nats per token", better: .lower)
  private static let mixGradient = Metric("ptx/gradient_norm")
  private static let skippedUpdates = Metric("policy/skipped_updates", unit: "updates", better: .lower)

  /// - Parameter total: updates that were skipped since the stage began.
  func metrics(skipped total: Int) -> [Metric: Double] {
    let updates = Double(max(1, policyUpdates))
    var metrics = policy.metrics.merging(value.metrics) { own, _ in own }
    metrics[Self.policyGradient] = policyNorm / updates
    if valueUpdates > 0 { metrics[Self.valueGradient] = valueNorm / Double(valueUpdates) }
    metrics[Self.mixLoss] = pretrainingLoss / updates
    metrics[Self.mixGradient] = pretrainingNorm / updates
    metrics[Self.skippedUpdates] = Double(total)
    return metrics
  }
}
