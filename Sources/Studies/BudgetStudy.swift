import Evaluation
import Inference
import Runs
import Stages
import Statistics
import World

/// Compares two ways to spend the same labelling time: more demonstrations for SFT, or rankings for a reward model that
/// best-of-n or PPO then uses.
struct BudgetStudy: Study {
  let name = "budget"
  let question =
    "For the same labelling minutes, is it better to write more demonstrations or to rank answers?"
  let seeds = 3
  let columns = [
    "arm", "demonstrations", "epochs", "rankings", "prompts_per_demonstration", "gold", "honest", "harmless",
    "win_rate_vs_sft",
  ]

  /// How many prompts' answers are ranked in the time of writing one demonstration.
  private static let exchange = [4.0, 16, 64]
  private static let bestOf = 16

  func measure(_ laboratory: Laboratory) throws -> [StudyRow] {
    let settings = laboratory.settings
    let few = settings.count(.sftDemonstrations)
    let ranked = settings.count(.rankingPrompts)
    let (sft, _, reward) = try laboratory.rewarded()
    let policy = try laboratory.ppo("ppo", from: sft, reward: reward)
    let start = try laboratory.evaluate("sft", model: sft, splits: Self.splits)
    func row(
      _ arm: String, _ examined: StudyEvaluation, demonstrations: Int, epochs: Int? = nil, rankings: Int = 0,
      exchange: Double? = nil
    ) -> StudyRow {
      StudyRow(
        ["arm": arm],
        [
          "demonstrations": Double(demonstrations),
          "epochs": Double(epochs ?? settings.count(.sftEpochs)), "rankings": Double(rankings),
          "prompts_per_demonstration": exchange, "gold": examined.gold(),
          "honest": examined.figures.honest, "harmless": examined.figures.harmless,
          "win_rate_vs_sft": examined.winRate(against: start).mean,
        ])
    }
    var rows = [row("sft", start, demonstrations: few)]
    for exchange in Self.exchange.reversed() {
      let count = few + max(1, Int(Double(ranked) / exchange))
      let more = try tuned(count, laboratory)
      rows.append(
        row(
          "more demonstrations",
          try laboratory.evaluate("sft-\(count)", model: more.file, splits: Self.splits),
          demonstrations: count, epochs: more.epochs, exchange: exchange))
    }
    rows.append(
      row(
        "best-of-\(Self.bestOf)",
        try laboratory.evaluate(
          "best-of", model: sft, reward: reward, bestOf: Self.bestOf, splits: Self.splits),
        demonstrations: few, rankings: ranked))
    rows.append(
      row(
        "ppo", try laboratory.evaluate("ppo", model: policy.file, splits: Self.splits),
        demonstrations: few, rankings: ranked))
    return rows
  }

  /// SFT on more demonstrations. The settings' number of epochs suits few demonstrations, so a quarter of it is tried
  /// too, and the model with the higher rubric grade on validation prompts is kept. So the control does not lose only
  /// because it overfits.
  private func tuned(_ count: Int, _ laboratory: Laboratory) throws -> (file: String, epochs: Int) {
    let usual = laboratory.settings.count(.sftEpochs)
    let tried = try Set([usual, max(1, usual / 4)]).sorted().map { epochs in
      var settings = laboratory.settings
      try settings.set(.sftEpochs, Double(epochs))
      let name = "sft-\(count)-\(epochs)"
      let file = try laboratory.sft(
        name, settings, demonstrations: RecipeData.demonstrations(laboratory.world, count))
      let gold = try laboratory.evaluate("\(name)-validation", model: file, splits: [.validation]).gold()
      return (file: file, epochs: epochs, gold: gold)
    }
    let best = tried.max { $0.gold < $1.gold }!
    return (best.file, best.epochs)
  }

  private static let splits: [Split] = [.evaluation, .truthfulness, .harmlessness]

  func conclude(_ rows: StudyRows) -> StudyFinding {
    let sft = rows.with(["arm": "sft"])
    let ppo = rows.with(["arm": "ppo"])
    let best = rows.with(["arm": "best-of-\(Self.bestOf)"])
    let more = rows.with(["arm": "more demonstrations"])
    guard let start = sft.estimate("gold"), let policy = ppo.estimate("gold"),
      let chosen = best.estimate("gold"), let ranked = ppo.estimate("rankings"),
      let few = sft.estimate("demonstrations")
    else { preconditionFailure("rows of an arm are missing") }
    let points = more.distinct("demonstrations").compactMap { count -> Price? in
      let here = more.with("demonstrations", count)
      guard let gold = here.estimate("gold"), let rate = here.values("prompts_per_demonstration").first,
        let ppo = ppo.difference("gold", to: here), let best = best.difference("gold", to: here)
      else { return nil }
      return Price(rate: Int(rate), demonstrations: Int(count), gold: gold, ppo: ppo, best: best)
    }
    let lines = points.map {
      """
      \($0.demonstrations) demonstrations, if writing one takes as long as ranking \($0.rate) prompts, \
      \($0.gold.text(3)); PPO is \($0.ppo.text(3)) above that
      """
    }
    let text = """
      SFT on \(Int(few.mean)) demonstrations has a gold score of \(start.text(3)). With the answers to \
      \(Int(ranked.mean)) prompts ranked, PPO reaches \(policy.text(3)) and best-of-\(Self.bestOf) with the reward \
      model \(chosen.text(3)). If the same labelling time is spent on demonstrations instead, \
      with the usual epochs or a quarter of them, whichever is better on validation prompts, SFT reaches: \
      \(lines.joined(separator: "; ")). \(Self.verdict("PPO", points, \.ppo)); \
      \(Self.verdict("best-of-\(Self.bestOf)", points, \.best)). In InstructGPT, \
      SFT models on many demonstrations were worse than PPO; it did not compare them at equal labelling cost.
      """
    return StudyFinding(
      text: text,
      figures: [
        .init("gold, SFT", start), .init("gold, PPO", policy),
        .init("gold, best-of-\(Self.bestOf)", chosen),
      ]
        + points.flatMap {
          [
            .init("gold, SFT on \($0.demonstrations) demonstrations", $0.gold),
            .init("gold, PPO less SFT on \($0.demonstrations)", $0.ppo),
            .init("gold, best-of-\(Self.bestOf) less SFT on \($0.demonstrations)", $0.best),
          ]
        },
      charts: [
        .init(
          title: "Gold score for the same minutes", unit: "graded rubric, 0 to 1",
          dots: [.init("SFT", start)]
            + points.map { .init("SFT, \($0.demonstrations)", $0.gold) }
            + [.init("best-of-\(Self.bestOf)", chosen), .init("PPO", policy)])
      ] + ["honest", "harmless"].map { column in
        .init(
          title: column == "honest" ? "Honest" : "Harmless", unit: "share of held-out prompts",
          dots: ([("SFT", sft)]
            + points.map {
              ("SFT, \($0.demonstrations)", more.with("demonstrations", Double($0.demonstrations)))
            }
            + [("best-of-\(Self.bestOf)", best), ("PPO", ppo)]).compactMap { name, rows in
              rows.estimate(column).map { .init(name, $0) }
            })
      })
  }

  /// The result of the labelling time if writing a demonstration takes as long as ranking `rate` prompts.
  private struct Price {
    var rate: Int
    var demonstrations: Int
    var gold: Estimate
    /// PPO's gold score less this one.
    var ppo: Estimate
    /// Best-of-n's gold score less this one.
    var best: Estimate
    }

  private static func verdict(
    _ name: String, _ points: [Price], _ gain: (Price) -> Estimate
  ) -> String {
    func prices(_ isWanted: (Estimate) -> Bool) -> String? {
      let rates = points.filter { isWanted(gain($0)) }.map { "\($0.rate)" }
      return rates.isEmpty ? nil : rates.joined(separator: ", ")
    }
    let parts = [
      prices { $0.isClear && $0.mean > 0 }.map { "wins at a price of \($0)" },
      prices { $0.isClear && $0.mean < 0 }.map { "loses at a price of \($0)" },
      prices { !$0.isClear && $0.low != nil }.map {
        "is level within the noise of the seeds at a price of \($0)"
      },
      prices { $0.low == nil }.map { "has no clear result with one seed at a price of \($0)" },
    ].compactMap { $0 }
    return "\(name) \(parts.joined(separator: ", "))"
  }
}
