import Datasets
import Recipe
import Runs
import Support
import Training
import World

/// What the same labelling minutes buy: more demonstrations for SFT, or rankings for a reward model that best-of-n or PPO
/// then follows (InstructGPT's question in section 5.1).
struct BudgetStudy: Study {
  let name = "budget"
  let question =
    "For the same labelling minutes, is it better to write more demonstrations or to rank answers?"
  let seeds = 2
  let columns = [
    "arm", "demonstrations", "rankings", "prompts_per_demonstration", "gold", "honest", "harmless",
    "win_rate_vs_sft",
  ]

  /// Prompts whose answers are ranked in the time in which one demonstration is written.
  private static let exchange = [4.0, 16, 64]
  private static let bestOf = 16

  func measure(_ laboratory: Laboratory) throws -> [StudyRow] {
    let settings = laboratory.settings
    let few = settings.count(.sftDemonstrations)
    let ranked = settings.count(.rankingPrompts)
    let sft = try laboratory.sft()
    let rankings = try laboratory.rankings(of: sft)
    let reward = try laboratory.reward(from: sft, rankings.training, heldOut: rankings.heldOut)
    let policy = try laboratory.ppo("ppo", from: sft, reward: reward)
    let start = try laboratory.examine("sft", sft, splits: Self.splits)
    func row(
      _ arm: String, _ examined: Examination, demonstrations: Int, rankings: Int = 0,
      exchange: Double? = nil
    ) -> StudyRow {
      StudyRow(
        ["arm": arm],
        [
          "demonstrations": Double(demonstrations), "rankings": Double(rankings),
          "prompts_per_demonstration": exchange, "gold": examined.gold(),
          "honest": examined.figures.honest, "harmless": examined.figures.harmless,
          "win_rate_vs_sft": examined.winRate(against: start, seed: laboratory.seed).mean,
        ])
    }
    var rows = [row("sft", start, demonstrations: few)]
    for exchange in Self.exchange.reversed() {
      let count = few + max(1, Int(Double(ranked) / exchange))
      let more = try laboratory.sft(
        "sft-\(count)", demonstrations: RecipeData.demonstrations(laboratory.world, count))
      rows.append(
        row(
          "more demonstrations", try laboratory.examine("sft-\(count)", more, splits: Self.splits),
          demonstrations: count, exchange: exchange))
    }
    rows.append(
      row(
        "best-of-\(Self.bestOf)",
        try laboratory.examine(
          "best-of", sft, reward: reward, bestOf: Self.bestOf, splits: Self.splits),
        demonstrations: few, rankings: ranked))
    rows.append(
      row(
        "ppo", try laboratory.examine("ppo", policy.file, splits: Self.splits),
        demonstrations: few, rankings: ranked))
    return rows
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
    let points = more.distinct("demonstrations").compactMap { count -> (Double, Double, Estimate)? in
      let here = more.with("demonstrations", count)
      guard let gold = here.estimate("gold"), let rate = here.values("prompts_per_demonstration").first
      else { return nil }
      return (rate, count, gold)
    }
    let lines = points.map {
      "\(Int($0.1)) demonstrations (if one takes as long as ranking \(Int($0.0)) prompts) \($0.2.text(3))"
    }
    let losing = points.filter { $0.2.mean < policy.mean }.map(\.0).min()
    let verdict: String
    if let losing {
      verdict =
        losing == Self.exchange.min()
        ? "Rankings and PPO win at every price that was tried, from \(Int(losing)) ranked prompts a demonstration on"
        : "Rankings and PPO win where a demonstration takes as long as ranking \(Int(losing)) prompts or more"
    } else {
      verdict = "More demonstrations win at every price that was tried"
    }
    let text = """
      SFT on \(Int(few.mean)) demonstrations has a gold score of \(start.text(3)). The minutes in which \
      \(Int(ranked.mean)) prompts' answers are ranked raise it to \(policy.text(3)) by PPO and to \(chosen.text(3)) \
      by best-of-\(Self.bestOf) against the reward model. Spent on demonstrations instead they give: \
      \(lines.joined(separator: "; ")). \(verdict). InstructGPT found alignment by PPO cheap beside pretraining and \
      its SFT model on many demonstrations still behind PPO; it did not compare them at equal cost, which is what \
      decides here.
      """
    return StudyFinding(
      text: text,
      figures: [
        .init("gold, SFT", start), .init("gold, PPO", policy),
        .init("gold, best-of-\(Self.bestOf)", chosen),
      ] + points.map { .init("gold, SFT on \(Int($0.1)) demonstrations", $0.2) },
      charts: [
        .init(
          title: "Gold score for the same minutes", unit: "graded rubric, 0 to 1",
          dots: [.init("SFT", start)]
            + points.map { .init("SFT, \(Int($0.1))", $0.2) }
            + [.init("best-of-\(Self.bestOf)", chosen), .init("PPO", policy)])
      ] + ["honest", "harmless"].map { column in
        .init(
          title: column == "honest" ? "Honest" : "Harmless", unit: "share of held-out prompts",
          dots: ([("SFT", sft)]
            + points.map { ("SFT, \(Int($0.1))", more.with("demonstrations", $0.1)) }
            + [("best-of-\(Self.bestOf)", best), ("PPO", ppo)]).compactMap { name, rows in
              rows.estimate(column).map { .init(name, $0) }
            })
      })
  }
}
