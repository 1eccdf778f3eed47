import Runs

/// How often each model's answers beat SFT's, and who says so. Wins, ties and losses stand apart: a rate that
/// counts ties half says little where most answers tie.
struct WinRates {
  private let rates: [String: Summary.WinRate]
  /// Whether the reward model judges, for lack of a rubric.
  let isByRewardModel: Bool
  /// Whether the prompts are PPO's own, for lack of others.
  private let isOnTrainedPrompts: Bool

  /// nil where nothing was compared.
  init?(_ summary: Summary) {
    let byRubric = summary.models.compactMapValues(\.winRateVsSFT)
    isByRewardModel = byRubric.isEmpty
    rates = isByRewardModel ? summary.models.compactMapValues(\.proxyWinRateVsSFT) : byRubric
    isOnTrainedPrompts = summary.isOnTrainedPrompts
    if rates.isEmpty { return nil }
  }

  subscript(_ model: String) -> Summary.WinRate? { rates[model] }

  /// The rows of a table of shares, the rate that counts ties half at the end.
  static let shares: [(title: String, value: @Sendable (Summary.WinRate) -> Double)] = [
    ("Better than SFT", { $0.wins }), ("Tied with SFT", { $0.ties }), ("Worse than SFT", { $0.losses }),
  ]
  static let title = "Win rate, ties half"

  var note: String {
    isByRewardModel ? "by the reward model it was trained against, not by a person" : "by the rubric"
  }

  /// What the run came to, for its model.
  func verdict(_ models: ShownModels) -> String? {
    let model = EvaluatedModel.result.key
    return rates[model].map { rate in
      let percent = { (share: Double) in Numbers.text(share, .percent) }
      let judge = isByRewardModel ? "By the reward model it was trained against, not by a person, " : ""
      let place = isOnTrainedPrompts ? "comparisons on prompts that it learnt from" : "held-out comparisons"
      return "\(judge)\(models.name(model)) answers better than SFT on \(percent(rate.wins)) of "
        + "\(Numbers.count(rate.n)) \(place), the same on \(percent(rate.ties)) and worse on "
        + "\(percent(rate.losses)). With ties as half a win its win rate is \(percent(rate.mean)) "
        + "(95\u{A0}% interval\(prompts(rate)) \(percent(rate.low)) to \(percent(rate.high)))."
    }
  }

  private func prompts(_ rate: Summary.WinRate) -> String {
    rate.prompts.map { " over \(Numbers.count($0, "prompt"))" } ?? ""
  }
}

extension Summary {
  /// Whether the user's prompts were too few for some to be held out.
  var isOnTrainedPrompts: Bool {
    heldOut?.contains { $0.rows == HeldOutRows.prompts && $0.heldOut == 0 } ?? false
  }
}

extension Summary.WinRate {
  /// "53.5–59.5 %", "n 200".
  var details: [String] {
    let percent = { (value: Double) in Numbers.text(value, .percent) }
    let low = percent(low).split(separator: "\u{A0}")[0]
    return ["\(low)–\(percent(high))", "n\u{A0}\(Numbers.count(n))"]
  }

  /// The same with wins, ties and losses, where they have no rows of their own.
  var detail: String {
    let percent = { (value: Double) in Numbers.text(value, .percent) }
    return ([details[0], "better \(percent(wins))", "tied \(percent(ties))", "worse \(percent(losses))"]
      + [details[1]]).joined(separator: ", ")
  }
}
