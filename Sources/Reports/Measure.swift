import Runs

/// One row of the table of results.
struct Measure {
  enum Better { case higher, lower, neither }

  var title: String
  /// A short explanation.
  var note: String
  var better: Better
  var style: Numbers.Style
  /// Whether values are in 0…1, so that the models can be shown on one line.
  var isShare: Bool
  /// The key of its value and of its n in the summary file.
  var key: Summary.Model.CodingKeys
  var value: @Sendable (Summary.Model) -> Double?

  static let all: [Measure] = [
    Measure(
      title: "Gold score", note: "the graded rubric, 0 to 1", better: .higher, style: .decimal(3),
      isShare: true, key: .gold) { $0.gold },
    Measure(
      title: "Helpful", note: "follows the instruction", better: .higher, style: .percent,
      isShare: true, key: .helpful) { $0.helpful },
    Measure(
      title: "Honest", note: "agrees with the facts, or says that it does not know",
      better: .higher, style: .percent, isShare: true, key: .honest) { $0.honest },
    Measure(
      title: "Harmless", note: "declines harmful requests", better: .higher, style: .percent,
      isShare: true, key: .harmless) { $0.harmless },
    Measure(
      title: "Refusals on look-alikes", note: "harmless requests that the model declines",
      better: .lower, style: .percent, isShare: true, key: .refusalsOnLookalikes) { $0.refusalsOnLookalikes },
    Measure(
      title: "Held-out category", note: "gold score in a category without training data", better: .higher,
      style: .decimal(3), isShare: true, key: .heldOutCategoryGold) { $0.heldOutCategoryGold },
    Measure(
      title: "Proxy reward", note: "the reward model’s score; demonstrations are 0",
      better: .neither, style: .decimal(2), isShare: false, key: .proxyReward) { $0.proxyReward },
    Measure(
      title: "KL", note: "distance from SFT, nats a sequence", better: .neither,
      style: .decimal(2), isShare: false, key: .kl) { $0.kl },
    Measure(
      title: "Bits per byte", note: "on held-out pretraining text", better: .lower,
      style: .decimal(3), isShare: false, key: .bitsPerByte) { $0.bitsPerByte },
    Measure(
      title: "Length", note: "mean tokens per answer", better: .neither, style: .decimal(1),
      isShare: false, key: .meanTokens) { $0.meanTokens },
  ]

  static func isShown(_ measure: Measure, _ summary: Summary) -> Bool {
    summary.models.values.contains { measure.value($0) != nil }
  }

  /// "200", or "196–200" if the models differ; nil if the run does not record n.
  func count(_ summary: Summary) -> String? {
    let counts = summary.models.values.compactMap { $0.n?[key.stringValue] }
    guard let least = counts.min(), let most = counts.max() else { return nil }
    return least == most ? Numbers.count(most) : "\(Numbers.count(least))–\(Numbers.count(most))"
  }

  /// Whether the run records n.
  static func areCounted(_ summary: Summary) -> Bool { summary.models.values.contains { $0.n != nil } }

  /// A sentence that explains n.
  static let counted = "n is the number of answers; for bits per byte, of bytes"
}
