import Runs

/// How often each model's answers are better than SFT's, and who judged them. Wins, ties and losses are separate,
/// because a rate that counts ties as half says little if most answers tie.
struct WinRates {
  private let rates: [String: Summary.WinRate]
  /// Whether the reward model is the judge, because there is no rubric.
  let isByRewardModel: Bool
  /// Whether the prompts are those that PPO trained on, because no others exist.
  private let isOnTrainedPrompts: Bool

  /// Returns nil if the summary has no win rates.
  init?(_ summary: Summary) {
    let byRubric = summary.models.compactMapValues(\.winRateVsSFT)
    isByRewardModel = byRubric.isEmpty
    rates = isByRewardModel ? summary.models.compactMapValues(\.proxyWinRateVsSFT) : byRubric
    isOnTrainedPrompts = summary.isOnTrainedPrompts
    if rates.isEmpty { return nil }
  }

  subscript(_ model: String) -> Summary.WinRate? { rates[model] }

  /// The table rows of the shares of wins, ties and losses.
  static let shares: [(title: String, value: @Sendable (Summary.WinRate) -> Double)] = [
    ("Better than SFT", { $0.wins }), ("Tied with SFT", { $0.ties }), ("Worse than SFT", { $0.losses }),
  ]
  static let title = "Win rate, ties half"

  var note: String {
    isByRewardModel ? "by the reward model it was trained against, not by a person" : "by the rubric"
  }

  /// The run's result for one model, in sentences.
  func verdict(_ models: ShownModels) -> String? {
    let model = EvaluatedModel.result.key
    return rates[model].map { rate in
      let percent = { (share: Double) in Numbers.text(share, .percent) }
      let judge = isByRewardModel ? "By the reward model it was trained against, not by a person, " : ""
      let place = isOnTrainedPrompts ? "comparisons on prompts that it trained on" : "held-out comparisons"
      return "\(judge)\(models.name(model)) answers better than SFT on \(percent(rate.wins)) of "
        + "\(Numbers.count(rate.n)) \(place), the same on \(percent(rate.ties)) and worse on "
        + "\(percent(rate.losses)). With ties counted as half a win, its win rate is \(percent(rate.mean)) "
        + "(95\u{A0}% interval\(prompts(rate)) \(percent(rate.low)) to \(percent(rate.high)))."
    }
  }

  private func prompts(_ rate: Summary.WinRate) -> String {
    rate.prompts.map { " over \(Numbers.count($0, "prompt"))" } ?? ""
  }
}

extension Summary {
  /// Whether there were too few user prompts to hold some out, so that the evaluation used trained prompts.
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

  /// `details` with wins, ties and losses, for places where these have no rows of their own.
  var detail: String {
    let percent = { (value: Double) in Numbers.text(value, .percent) }
    return ([details[0], "better \(percent(wins))", "tied \(percent(ties))", "worse \(percent(losses))"]
      + [details[1]]).joined(separator: ", ")
  }
}
