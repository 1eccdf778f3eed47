import Runs
import Stages
import Statistics

/// Compares running stages 2 and 3 once with running them in rounds that share the same budget. Each round samples from
/// the newest policy, ranks, trains the reward model anew, and continues PPO (InstructGPT, section 3.1; Stiennon et al.
/// 2020; Bai et al. 2022).
struct RoundsStudy: Study {
  let name = "rounds"
  let question =
    "Is it better to rank all answers at once, or in rounds that each sample from the newest policy?"
  let seeds = 3
  let columns = [
    "arm", "rounds", "gold", "proxy", "kl", "honest", "harmless", "reward_accuracy",
    "win_rate_vs_one_round",
  ]

  private static let arms = [
    ("one round", 1, "random"), ("2 rounds", 2, "random"), ("4 rounds", 4, "random"),
    ("4 rounds, chosen", 4, "disagreement"),
  ]
  /// Number of reward heads; the last arm ranks the prompts on which they disagree most.
  private static let heads = 4.0

  func measure(_ laboratory: Laboratory) throws -> [StudyRow] {
    var once: StudyEvaluation?
    return try Self.arms.map { arm, rounds, selection in
      var settings = laboratory.settings
      try settings.set(.rounds, Double(rounds))
      try settings.set(.labelSelection, choice: selection)
      if selection == "disagreement" { try settings.set(.rewardHeads, Self.heads) }
      let name = "rounds-\(rounds)-\(selection)"
      let run = try laboratory.recipe(name, settings)
      let examined = try laboratory.evaluate(
        name, model: run.file(PPOStage.file), reward: run.file(RewardStage.file),
        reference: run.file(SFTStage.file),
        splits: [.evaluation, .truthfulness, .harmlessness])
      once = once ?? examined
      return StudyRow(
        ["arm": arm],
        [
          "rounds": Double(rounds), "gold": examined.gold(),
          "proxy": examined.figures.proxyReward, "kl": examined.figures.kl,
          "honest": examined.figures.honest, "harmless": examined.figures.harmless,
          "reward_accuracy": try RunRecords.read(run.path).summary?.rewardModel?.accuracy,
          "win_rate_vs_one_round": examined.winRate(against: once!).mean,
        ])
    }
  }

  func conclude(_ rows: StudyRows) -> StudyFinding {
    let once = rows.with(["arm": "one round"])
    guard let gold = once.estimate("gold") else { preconditionFailure("no run of one round") }
    let others = rows.distinctLabels("arm").dropFirst().compactMap { arm in
      rows.with(["arm": arm]).difference("gold", to: once).map {
        (arm: arm, gain: $0, kl: rows.with(["arm": arm]).estimate("kl"))
      }
    }
    let better = others.filter { $0.gain.isClear && $0.gain.mean > 0 }.map(\.arm)
    let worse = others.filter { $0.gain.isClear && $0.gain.mean < 0 }.map(\.arm)
    let verdict: String
    if others.contains(where: { $0.gain.low == nil }) {
      verdict = "one seed cannot show what is noise"
    } else if better.isEmpty && worse.isEmpty {
      verdict = "at this budget there is no difference beyond the noise of the seeds"
    } else {
      verdict = [
        better.isEmpty ? nil : "\(better.joined(separator: " and ")) do better",
        worse.isEmpty ? nil : "\(worse.joined(separator: " and ")) do worse",
      ].compactMap { $0 }.joined(separator: ", ") + ", beyond the noise of the seeds"
    }
    let text = """
      With all prompts ranked at once, the policy reaches a gold score of \(gold.text(3)). If the same numbers of \
      ranked prompts and episodes are split over rounds, that changes by \
      \(others.map { "\($0.gain.text(3)) with \($0.arm) (KL \($0.kl?.text(2) ?? "–") nats)" }
      .joined(separator: ", by ")): \(verdict). The prompts of the last arm are chosen from four times as many: those \
      on which \(Int(Self.heads)) reward heads disagree most. Adam's moments and the value model start anew in each \
      round. InstructGPT and Stiennon et al. iterate, mostly on answers of the SFT model and some of PPO's, without a \
      comparison at equal budget; Bai et al. (2022) report that online rounds improve their models, also with more \
      data.
      """
    return StudyFinding(
      text: text,
      figures: [.init("gold, one round", gold)]
        + others.map { .init("gold, \($0.arm) less one round", $0.gain) },
      charts: [
        .dots("Gold score", unit: "graded rubric, 0 to 1", rows, by: "arm", column: "gold"),
        .dots("KL", unit: "from SFT, nats an answer", rows, by: "arm", column: "kl"),
        .dots(
          "Reward model", unit: "share of its held-out pairs in the labelers’ order", rows, by: "arm",
          column: "reward_accuracy"),
      ])
  }
}
