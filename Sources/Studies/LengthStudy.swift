import Dialogues
import Evaluation
import Inference
import Runs
import Statistics
import World

/// Measures how much of PPO's win rate is due to length: win rates with length controlled, and a policy whose only
/// reward is length (Singhal et al. 2023, arXiv 2310.03716; Dubois et al. 2024, arXiv 2404.04475).
struct LengthStudy: Study {
  let name = "length"
  let question =
    "How much of a policy's win rate against SFT is due to length, and how often does a length-only policy win?"
  let seeds = 3
  let columns = [
    "policy", "judge", "win_rate", "win_rate_ties", "contests", "length_controlled", "length_effect", "words",
    "words_sft", "gold",
    "reward_length_correlation",
  ]

  private static let policies = ["ppo", "ppo-length"]
  /// The rubric, to which length matters little, and labelers to whom it matters a lot.
  private static let judges = ["rubric", "thorough"]

  func measure(_ laboratory: Laboratory) throws -> [StudyRow] {
    let sft = try laboratory.sft()
    let rankings = try laboratory.rankings(of: sft)
    // A fifth of the rankings is enough to learn a preference for length.
    let longer = rankings.training.prefix(max(8, rankings.training.count / 5)).map(Self.byLength)
    let rewards = [
      try laboratory.reward("reward", from: sft, rankings.training, heldOut: rankings.heldOut),
      try laboratory.reward("reward-length", from: sft, longer),
    ]
    var settings = laboratory.settings
    // Each of the two policies gets half the episodes.
    try settings.set(
      .totalEpisodes, Double(max(1, laboratory.settings.count(.totalEpisodes) / 2)))
    let items = (0..<laboratory.settings.count(.evaluationPrompts)).map {
      laboratory.world.item(.evaluation, $0)
    }
    let samples = laboratory.settings.count(.evaluationSamples)
    let before = try laboratory.gradedAnswers("sft", of: sft, to: items, samples: samples)
    return try zip(Self.policies, rewards).flatMap { policy, reward in
      let file = try laboratory.ppo(policy, settings, from: sft, reward: reward).file
      let after = try laboratory.gradedAnswers(policy, of: file, to: items, samples: samples)
      let correlation = try correlation(laboratory.scorer(reward), items, answers: before, laboratory)
      return Self.judges.compactMap { judge in
        row(
          policy, judge: judge, after: after, before: before, items: items, correlation: correlation, laboratory)
      }
    }
  }

  /// Ranks the answers by length: the longest is the best.
  static func byLength(_ comparison: Comparison) -> Comparison {
    let words = comparison.completions.map { World.phraseWords($0).count }
    return Comparison(
      prompt: comparison.prompt, completions: comparison.completions,
      ranks: words.map { own in 1 + words.count { $0 > own } }, labeler: "length")
  }

  private func correlation(
    _ reward: RewardScorer, _ items: [WorldItem], answers asked: [[GradedText]], _ laboratory: Laboratory
  ) throws -> Double? {
    let scores = try laboratory.scores(reward, items, asked.map { $0.map(\.text) })
    let pairs = zip(scores, asked).flatMap { Array(zip($0, $1)) }
    return SampleStatistics.lengthCorrelation(
      scores: pairs.map { Float($0.0) }, lengths: pairs.map(\.1.words))
  }

  private func row(
    _ policy: String, judge: String, after: [[GradedText]], before: [[GradedText]],
    items: [WorldItem], correlation: Double?, _ laboratory: Laboratory
  ) -> StudyRow? {
    let rubric = Rubric(laboratory.world)
    let group = Labeler.groups.first { $0.name == judge }
    func worth(_ answer: GradedText, _ item: WorldItem) -> Float {
      Float(group?.value(of: answer.text, for: item, by: rubric) ?? answer.gold)
    }
    let contests = items.indices.map { index in
      zip(after[index], before[index]).map { ours, theirs in
        Contest(
          Outcome(worth(ours, items[index]), against: worth(theirs, items[index])),
          extraLength: ours.words - theirs.words)
      }
    }
    let rate = WinRate(contests.map { $0.map(\.outcome) })
    func words(_ asked: [[GradedText]]) -> Double? { asked.flatMap { $0 }.map { Double($0.words) }.mean }
    return LengthControl(contests, resamples: 1, seed: laboratory.seed).map { control in
      StudyRow(
        ["policy": policy, "judge": judge],
        [
          "win_rate": control.uncontrolled.mean, "win_rate_ties": rate.tieShare,
          "contests": Double(rate.comparisons), "length_controlled": control.winRate.mean,
          "length_effect": control.lengthEffect.mean, "words": words(after),
          "words_sft": words(before), "gold": after.flatMap { $0 }.map(\.gold).mean,
          "reward_length_correlation": correlation,
        ])
    }
  }

  func conclude(_ rows: StudyRows) -> StudyFinding {
    func at(_ policy: String, judge: String) -> StudyRows {
      rows.with(["policy": policy, "judge": judge])
    }
    func figure(_ policy: String, judge: String, column: String) -> Estimate? {
      at(policy, judge: judge).estimate(column)
    }
    let (ppo, control) = (Self.policies[0], Self.policies[1])
    let (rubric, fond) = (Self.judges[0], Self.judges[1])
    func rates(_ policy: String, judge: String) -> String {
      "\(figure(policy, judge: judge, column: "win_rate").percent), with ties as half"
        + "\(at(policy, judge: judge).parts("win_rate")), "
        + "\(figure(policy, judge: judge, column: "length_controlled").percent) with length controlled"
    }
    let won = figure(control, judge: rubric, column: "win_rate")
    let brings = won.map { won in
      guard let low = won.low, let high = won.high else { return "an effect that one seed cannot show" }
      return low > 0.5 ? "a gain" : high < 0.5 ? "a loss" : "no effect beyond the noise of the seeds"
      } ?? "no effect that could be measured"
    let controlled = figure(control, judge: rubric, column: "length_controlled")
    let text = """
      By the rubric, PPO's win rate against SFT is \(rates(ppo, judge: rubric)); its answers have \
      \(figure(ppo, judge: rubric, column: "words").text(1)) words, SFT's \
      \(figure(ppo, judge: rubric, column: "words_sft").text(1)), and the \
      correlation of its reward model's scores with length is \
      \(figure(ppo, judge: rubric, column: "reward_length_correlation").text(2)). A policy rewarded for length alone \
      writes \(figure(control, judge: rubric, column: "words").text(1)) words; its win rate is \
      \(rates(control, judge: rubric)). By judges who want \
      long answers, PPO's win rate is \(rates(ppo, judge: fond)), and that of the length-only policy \
      \(rates(control, judge: fond)). Singhal et al. (2023) found that a reward for length alone brings most of PPO's \
      gain on their data; by this rubric it brings \(brings), and the win rate with length controlled is \
      \(controlled.percent). Dubois et al. (2024) control for length because judges reward it: \
      with the judges who reward it, the control changes the win rate of the length-only policy by \
      \(at(control, judge: fond).gap("length_controlled", to: "win_rate").percent).
      """
    return StudyFinding(
      text: text,
      figures: Self.policies.flatMap { policy in
        Self.judges.flatMap { judge -> [StudyRecord.Figure] in
          [
            .init(
              "win rate of \(policy), judge: \(judge)", figure(policy, judge: judge, column: "win_rate")),
            .init(
              "length-controlled, \(policy), judge: \(judge)",
              figure(policy, judge: judge, column: "length_controlled")),
          ]
        } + [.init("words of \(policy)", figure(policy, judge: rubric, column: "words"))]
      },
      charts: Self.judges.flatMap { judge -> [StudyRecord.Chart] in
        [
          .dots(
            "Win rate against SFT, judge: \(judge)", unit: "share of contests", rows.with(["judge": judge]),
            by: "policy", column: "win_rate"),
          .dots(
            "The same with length controlled, judge: \(judge)", unit: "share of contests",
            rows.with(["judge": judge]), by: "policy", column: "length_controlled"),
        ]
      } + [
        .dots(
          "Length of answers", unit: "words", rows.with(["judge": rubric]), by: "policy", column: "words")
      ])
  }
}
