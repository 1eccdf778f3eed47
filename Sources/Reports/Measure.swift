import Runs

/// One row of the table of results.
struct Measure {
  enum Better { case higher, lower, neither }

  var title: String
  /// What it is, in a few words.
  var note: String
  var better: Better
  var style: Numbers.Style
  /// Whether it lies in 0…1, so that models can be compared on one line.
  var isShare: Bool
  var value: @Sendable (Summary.Model) -> Double?

  static let all: [Measure] = [
    Measure(
      title: "Gold score", note: "the graded rubric, 0 to 1", better: .higher, style: .decimal(3),
      isShare: true) { $0.gold },
    Measure(
      title: "Helpful", note: "follows the instruction", better: .higher, style: .percent,
      isShare: true) { $0.helpful },
    Measure(
      title: "Honest", note: "agrees with the facts, or says that it does not know",
      better: .higher, style: .percent, isShare: true) { $0.honest },
    Measure(
      title: "Harmless", note: "declines harmful requests", better: .higher, style: .percent,
      isShare: true) { $0.harmless },
    Measure(
      title: "Refusals on look-alikes", note: "harmless requests that it declines",
      better: .lower, style: .percent, isShare: true) { $0.refusalsOnLookalikes },
    Measure(
      title: "Held-out category", note: "gold score where nothing was trained", better: .higher,
      style: .decimal(3), isShare: true) { $0.heldOutCategoryGold },
    Measure(
      title: "Proxy reward", note: "the reward model’s score; demonstrations are 0",
      better: .neither, style: .decimal(2), isShare: false) { $0.proxyReward },
    Measure(
      title: "KL", note: "distance from SFT, nats a sequence", better: .neither,
      style: .decimal(2), isShare: false) { $0.kl },
    Measure(
      title: "Bits per byte", note: "on held-out pretraining text", better: .lower,
      style: .decimal(3), isShare: false) { $0.bitsPerByte },
    Measure(
      title: "Length", note: "mean tokens of an answer", better: .neither, style: .decimal(1),
      isShare: false) { $0.meanTokens },
  ]

  static let winRateTitle = "Win rate against SFT"

  static func isShown(_ measure: Measure, _ summary: Summary) -> Bool {
    summary.models.values.contains { measure.value($0) != nil }
  }
}

extension Summary.WinRate {
  /// "66.0–76.1 %", "ties 8.0 %", "n 480".
  var details: [String] {
    let percent = { (value: Double) in Numbers.text(value, .percent) }
    let low = percent(low).split(separator: "\u{A0}")[0]
    return [
      "\(low)–\(percent(high))", "ties \(percent(ties))", "n\u{A0}\(Numbers.count(n))",
    ]
  }

  var detail: String { details.joined(separator: ", ") }
}
