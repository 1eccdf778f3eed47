import Inference
import Runs
import Statistics

/// Measures the effect of int8 rollouts on a policy that is trained in float32, with and without the correction by
/// truncated importance weights.
struct PrecisionStudy: Study {
  let name = "precision"
  let question =
    "Does a policy whose rollouts are int8 become as good as one whose rollouts are float32, and does the correction matter?"
  let seeds = 3
  let columns = [
    "arm", "gold", "proxy", "kl", "win_rate_vs_float32", "k3", "is_max", "clipped_fraction",
  ]

  func measure(_ laboratory: Laboratory) throws -> [StudyRow] {
    let (sft, _, reward) = try laboratory.rewarded()
    var exact: StudyEvaluation?
    return try [
      ("float32", RolloutPrecision.float32, "truncated"), ("int8, corrected", .int8, "truncated"),
      ("int8, uncorrected", .int8, "none"),
    ].map { arm, precision, correction in
      let name = arm.replacing(", ", with: "-")
      var settings = laboratory.settings
      try settings.set(.rolloutCorrection, choice: correction)
      let policy = try laboratory.ppo(
        name, settings, from: sft, reward: reward, precision: precision)
      let examined = try laboratory.evaluate(name, model: policy.file, reward: reward, reference: sft)
      let gap = try laboratory.rolloutGap(name)
      exact = exact ?? examined
      return StudyRow(
        ["arm": arm],
        [
          "gold": examined.gold(), "proxy": examined.figures.proxyReward,
          "kl": examined.figures.kl,
          "win_rate_vs_float32": examined.winRate(against: exact!).mean,
          "k3": gap.k3, "is_max": gap.largest, "clipped_fraction": gap.clipped,
        ])
    }
  }

  func conclude(_ rows: StudyRows) -> StudyFinding {
    func arm(_ name: String) -> StudyRows { rows.with(["arm": name]) }
    let (exact, corrected, plain) = (arm("float32"), arm("int8, corrected"), arm("int8, uncorrected"))
    guard let gold = exact.estimate("gold"), let difference = corrected.difference("gold", to: exact),
      let uncorrected = plain.difference("gold", to: exact),
      let between = corrected.difference("gold", to: plain), let k3 = corrected.estimate("k3"),
      let largest = corrected.values("is_max").max()
    else { preconditionFailure("rows of an arm are missing") }
    let text = """
      With float32 rollouts the policy reaches a gold score of \(gold.text(3)). Corrected int8 rollouts differ from \
      that by \(difference.text(3)), uncorrected ones by \(uncorrected.text(3)): \
      \(Self.verdict(difference, "corrected int8")), \(Self.verdict(uncorrected, "uncorrected int8")). The \
      correction itself is worth \(between.text(3)). int8 and float32 are \(Wording.fixed(1e3 * k3.mean, 2))·10⁻³ \
      nats per token apart (k3), and the largest importance weight was \(Wording.fixed(largest, 2)). FlashRL (Liu, Yao \
      et al. 2025) found that large models trained on uncorrected int8 rollouts are worse, and that truncated \
      importance sampling closes the gap\(k3.mean < 1e-3 ? "; here the gap is too small to need much correction" : "").
      """
    return StudyFinding(
      text: text,
      figures: [
        .init("gold, float32 rollouts", gold), .init("gold, corrected int8 less float32", difference),
        .init("gold, uncorrected int8 less float32", uncorrected),
        .init("gold, corrected less uncorrected", between),
        .init("k3, int8 against float32, nats a token", k3),
        .init("largest importance weight", largest),
      ],
      charts: [
        .dots("Gold score", unit: "graded rubric, 0 to 1", rows, by: "arm", column: "gold"),
        .dots("Proxy reward", unit: "reward model’s units", rows, by: "arm", column: "proxy"),
        .dots("KL", unit: "from SFT, nats an answer", rows, by: "arm", column: "kl"),
      ])
  }

  private static func verdict(_ difference: Estimate, _ name: String) -> String {
    guard difference.low != nil else { return "one seed cannot show whether \(name) is worse" }
    return difference.isClear
      ? "\(name) is \(difference.mean < 0 ? "worse" : "better"), beyond the noise of the seeds"
      : "\(name) is level within the noise of the seeds"
  }
}

/// The difference between int8 rollouts and the float32 trainer.
struct RolloutGap {
  /// The mean of k3 over iterations [nats per token].
  var k3: Double?
  /// The largest importance weight.
  var largest: Double?
  /// The mean share of importance weights that were cut at the cap.
  var clipped: Double?
}

extension Laboratory {
  /// Reads the rollout gap of a policy that this laboratory trained.
  func rolloutGap(_ name: String) throws -> RolloutGap {
    let lines = try RunRecords.read(context.run.file(name)).metrics
    func values(_ metric: String) -> [Double] { lines.compactMap { $0.values[metric] } }
    return RolloutGap(
      k3: values("rollout/k3").mean, largest: values("rollout/is_max").max(),
      clipped: values("rollout/clipped_frac").mean)
  }
}
