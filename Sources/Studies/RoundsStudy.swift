import Recipe
import Runs
import Support

/// Stages 2 and 3 once, or in rounds of the same budget together: sample from the newest policy, rank, train the reward
/// model anew, go on (InstructGPT, section 3.1; Stiennon et al. 2020; Bai et al. 2022).
struct RoundsStudy: Study {
  let name = "rounds"
  let question =
    "Is it better to rank all answers at once, or in rounds that each sample from the newest policy?"
  let seeds = 2
  let columns = [
    "rounds", "gold", "proxy", "kl", "honest", "harmless", "reward_accuracy",
    "win_rate_vs_one_round",
  ]

  private static let rounds = [1, 2, 4]

  func measure(_ laboratory: Laboratory) throws -> [StudyRow] {
    var once: Examination?
    return try Self.rounds.map { rounds in
      var settings = laboratory.settings
      try settings.set(.rounds, Double(rounds))
      let run = try laboratory.recipe("rounds-\(rounds)", settings)
      let examined = try laboratory.examine(
        "rounds-\(rounds)", run.file(PPOStage.file), reward: run.file(RewardStage.file),
        reference: run.file(SFTStage.file),
        splits: [.evaluation, .truthfulness, .harmlessness])
      once = once ?? examined
      return StudyRow(
        [:],
        [
          "rounds": Double(rounds), "gold": examined.gold(),
          "proxy": examined.figures.proxyReward, "kl": examined.figures.kl,
          "honest": examined.figures.honest, "harmless": examined.figures.harmless,
          "reward_accuracy": try RunRecords.read(run.path).summary?.rewardModel?.accuracy,
          "win_rate_vs_one_round": examined.winRate(against: once!, seed: laboratory.seed).mean,
        ])
    }
  }

  func conclude(_ rows: StudyRows) -> StudyFinding {
    let once = rows.with("rounds", 1)
    guard let gold = once.estimate("gold") else { preconditionFailure("no run of one round") }
    let others = rows.distinct("rounds").filter { $0 > 1 }.compactMap { rounds in
      rows.with("rounds", rounds).difference("gold", to: once).map {
        (rounds: Int(rounds), gain: $0, kl: rows.with("rounds", rounds).estimate("kl"))
      }
    }
    let better = others.filter { $0.gain.isClear && $0.gain.mean > 0 }.map { "\($0.rounds)" }
    let worse = others.filter { $0.gain.isClear && $0.gain.mean < 0 }.map { "\($0.rounds)" }
    let verdict: String
    if better.isEmpty && worse.isEmpty {
      verdict = "beyond the noise of the seeds rounds make no difference at this budget"
    } else {
      verdict = [
        better.isEmpty ? nil : "\(better.joined(separator: " and ")) rounds are better",
        worse.isEmpty ? nil : "\(worse.joined(separator: " and ")) rounds are worse",
      ].compactMap { $0 }.joined(separator: ", ") + ", beyond the noise of the seeds"
    }
    let text = """
      With all prompts ranked at once the policy reaches a gold score of \(gold.text(3)). The same number of ranked \
      prompts and of episodes split over rounds changes that by \
      \(others.map { "\($0.gain.text(3)) with \($0.rounds) rounds (KL \($0.kl?.text(2) ?? "–") nats)" }
        .joined(separator: " and by ")): \(verdict). InstructGPT and Stiennon et al. iterate, mostly on answers of the \
      SFT model and some of PPO's, without a comparison at equal budget; Bai et al. (2022) report that online rounds \
      improve their models, with more data as well.
      """
    return StudyFinding(
      text: text,
      figures: [.init("gold, one round", gold)]
        + others.map { .init("gold, \($0.rounds) rounds less one", $0.gain) },
      charts: [
        .init(
          title: "Gold score", unit: "graded rubric, 0 to 1",
          dots: dots(rows, "gold")),
        .init(title: "KL", unit: "from SFT, nats an answer", dots: dots(rows, "kl")),
        .init(
          title: "Reward model", unit: "share of its held-out pairs in the labelers’ order",
          dots: dots(rows, "reward_accuracy")),
      ])
  }

  private func dots(_ rows: StudyRows, _ column: String) -> [StudyRecord.Dot] {
    rows.distinct("rounds").compactMap { rounds in
      rows.with("rounds", rounds).estimate(column).map {
        .init(rounds == 1 ? "one round" : "\(Int(rounds)) rounds", $0)
      }
    }
  }
}
