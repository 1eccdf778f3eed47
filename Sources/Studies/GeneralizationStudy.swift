import Evaluation
import Inference
import Statistics
import World

/// Tests whether post-training generalises to a category of prompts that is not in its data (InstructGPT, section 4.3:
/// the model also follows kinds of instructions that are rare in the fine-tuning data).
struct GeneralizationStudy: Study {
  let name = "generalization"
  let question =
    "Do SFT, the reward model and PPO also improve in a category of prompts that is not in the post-training data?"
  let seeds = 3
  let columns = [
    "model", "category", "prompts", "gold", "win_rate_vs_sft", "win_rate_vs_sft_ties", "contests",
    "reward_accuracy", "reward_pairs",
  ]

  private static let models = ["base", "sft", "ppo"]
  private static let shown = "all shown"
  private static let heldOut = Category.extraction.rawValue

  func measure(_ laboratory: Laboratory) throws -> [StudyRow] {
    let (sft, _, reward) = try laboratory.rewarded()
    let ppo = try laboratory.ppo("ppo", from: sft, reward: reward).file
    let world = laboratory.world
    let count = laboratory.settings.count(.evaluationPrompts)
    let items = [Split.evaluation, .heldOutCategory].flatMap { split in
      (0..<count).map { world.item(split, $0) }
    }
    let samples = laboratory.settings.count(.evaluationSamples)
    let asked = try zip(Self.models, [laboratory.base, sft, ppo]).map { model, file in
      try laboratory.gradedAnswers(model, of: file, to: items, samples: samples)
    }
    // The reward model scores SFT's answers, because it was trained on those.
    let scores = try laboratory.scores(
      try laboratory.scorer(reward), items, asked[1].map { $0.map(\.text) })
    let categories = Category.allCases.map { category in
      (category.rawValue, items.indices.filter { items[$0].category == category })
    }
    let groups = [(Self.shown, Array(0..<count))] + categories.filter { !$0.1.isEmpty }
    return zip(Self.models, asked).flatMap { model, answers in
      groups.map { category, chosen in
        row(
          model, category: category, chosen.map { answers[$0] }, sft: chosen.map { asked[1][$0] },
          scores: model == "sft" ? chosen.map { scores[$0] } : [], laboratory)
      }
    }
  }

  private func row(
    _ model: String, category: String, _ asked: [[GradedText]], sft: [[GradedText]], scores: [[Double]],
    _ laboratory: Laboratory
  ) -> StudyRow {
    let rate = StudyEvaluation.winRate(asked.grades, against: sft.grades)
    let judged = Tally(scores, orderedBy: sft.map { $0.map(\.gold) })
    return StudyRow(
      ["model": model, "category": category],
      [
        "prompts": Double(asked.count), "gold": asked.flatMap { $0 }.map(\.gold).mean,
        "win_rate_vs_sft": rate.mean, "win_rate_vs_sft_ties": rate.tieShare,
        "contests": Double(rate.comparisons), "reward_accuracy": judged.share,
        "reward_pairs": judged.share == nil ? nil : judged.count,
      ])
  }

  /// PPO's gain in the held-out category minus its gain in the other categories.
  private func learntBehind(_ rows: StudyRows) -> Estimate? {
    rows.overSeeds { own in
      func gain(_ category: String) -> Double? {
        own.with(["model": "ppo", "category": category])
          .lead("gold", over: own.with(["model": "sft", "category": category]))
      }
      guard let heldOut = gain(Self.heldOut), let shown = gain(Self.shown) else { return nil }
      return heldOut - shown
    }
  }

  private func verdict(_ gain: Estimate?, behind: Estimate?) -> String {
    if let gain, gain.isClear { return gain.mean > 0 ? "PPO's gain carries over" : "PPO loses there" }
    guard let behind, behind.isClear, behind.mean < 0 else {
      return "these seeds cannot tell whether PPO's gain carries over"
      }
    return "PPO gains only in what it was trained on"
  }

  func conclude(_ rows: StudyRows) -> StudyFinding {
    func at(_ model: String, category: String) -> StudyRows {
      rows.with(["model": model, "category": category])
    }
    func both(_ figure: (String) -> Estimate?) -> (shown: Estimate?, heldOut: Estimate?) {
      (figure(Self.shown), figure(Self.heldOut))
    }
    let tuned = both { at("sft", category: $0).difference("gold", to: at("base", category: $0)) }
    let learnt = both { at("ppo", category: $0).difference("gold", to: at("sft", category: $0)) }
    let rates = both { at("ppo", category: $0).estimate("win_rate_vs_sft") }
    let judged = both { at("sft", category: $0).estimate("reward_accuracy") }
    func parts(_ category: String) -> String { at("ppo", category: category).parts("win_rate_vs_sft") }
    func pairs(_ category: String) -> String { at("sft", category: category).sized("reward_pairs", unit: "pairs") }
    let verdict = verdict(learnt.heldOut, behind: learntBehind(rows))
    let text = """
      In the categories of the post-training data, SFT raises the gold score by \(tuned.shown.text(3)) over the base \
      and PPO by \(learnt.shown.text(3)) over SFT; in \(Self.heldOut), which is not in these data, by \
      \(tuned.heldOut.text(3)) and \(learnt.heldOut.text(3)). PPO's win rate against SFT, with ties as half, is \
      \(rates.shown.percent)\(parts(Self.shown)) in the former and \
      \(rates.heldOut.percent)\(parts(Self.heldOut)) in the latter; the \
      reward model orders \(judged.shown.percent)\(pairs(Self.shown)) and \
      \(judged.heldOut.percent)\(pairs(Self.heldOut)) of pairs as the rubric does. So \
      \(verdict). InstructGPT (section 4.3) reports that its models follow kinds of instructions that are rare in the \
      fine-tuning data, but gives no figure.
      """
    return StudyFinding(
      text: text,
      figures: [
        .init("gold, SFT less base, shown", tuned.shown),
        .init("gold, SFT less base, \(Self.heldOut)", tuned.heldOut),
        .init("gold, PPO less SFT, shown", learnt.shown),
        .init("gold, PPO less SFT, \(Self.heldOut)", learnt.heldOut),
        .init("win rate of PPO, shown", rates.shown),
        .init("win rate of PPO, \(Self.heldOut)", rates.heldOut),
        .init("reward model's pairs, shown", judged.shown),
        .init("reward model's pairs, \(Self.heldOut)", judged.heldOut),
      ],
      charts: Self.models.map { model in
        .dots(
          "Gold score: \(model)", unit: "graded rubric, 0 to 1", rows.with(["model": model]), by: "category",
          column: "gold")
      })
  }
}
