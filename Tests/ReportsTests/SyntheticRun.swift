import Runs
import Support
import TestSupport

#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#endif

/// A run folder whose curves have the shapes of a real run, without any training.
final class SyntheticRun {
  let path: String
  /// nil where the run is to stay.
  private let temporary: TemporaryFolder?
  private var noise = RandomStream(seed: 5, purpose: "synthetic run")

  /// Text that would break a page that does not escape it.
  static let hostile = "<script>alert('1')</script> & \"quoted\" </style>\u{1B}[31m"

  init(at path: String? = nil) {
    temporary = path == nil ? TemporaryFolder() : nil
    self.path = path ?? temporary!.path
  }

  /// - Parameter finished: without it the run stands in the middle of PPO, with no results.
  func fill(finished: Bool = true) throws {
    let run = try RunFolder.start(at: path, manifest: manifest(), resume: true)
    try stages(run, finished: finished)
    try metrics(run)
    guard finished else { return }
    try run.write(summary())
    try run.write(details())
    try run.write(samples())
  }

  private func manifest() -> Manifest {
    let numbers: [(String, Double)] = [
      ("kl-coef", 0.05), ("cliprange", 0.2), ("cliprange-value", 0.2), ("vf-coef", 0.1),
      ("gamma", 1), ("lam", 0.95), ("ptx-coef", 2), ("num-ppo-epochs", 2), ("batch-size", 64),
      ("num-mini-batches", 4), ("response-length", 32), ("temperature", 1),
      ("sft-learning-rate", 3e-4), ("reward-learning-rate", 4e-5), ("ppo-learning-rate", 1e-5),
      ("total-episodes", 20_000), ("samples-per-prompt", 4), ("missing-eos-penalty", -1),
    ]
    var configuration = [String: JSONValue]()
    for (name, value) in numbers { configuration[name] = .number(value) }
    configuration["whiten-rewards"] = .bool(false)
    configuration["prompts"] = .string("prompts<1>.jsonl")
    return Manifest(
      command: ["tinyrlhf", "all", "--output", "run&1"], configuration: configuration, seed: 1,
      worldSeed: 2023, host: .current(threads: 2), started: "2025-05-04T09:12:44Z")
  }

  private func stages(_ run: RunFolder, finished: Bool) throws {
    let times: [(String, Double, String)] = [
      ("base", 2.1, "base.trlhf"), ("sft", 74.4, "sft.trlhf"), ("rank", 31.7, "rankings.jsonl"),
      ("reward", 58.9, "reward.trlhf"),
    ]
    for (name, seconds, file) in times {
      try run.begin(name)
      try run.finish(name, seconds: seconds, checkpoint: file, identity: "9f0c3a5512de7740")
    }
    try run.begin("ppo")
    guard finished else { return }
    try run.finish("ppo", seconds: 312, checkpoint: "ppo.trlhf", identity: "77aa01c2e4f09b36")
    try run.begin("eval")
    try run.finish("eval", seconds: 25.2)
  }

  private func near(_ value: Double, _ spread: Double) -> Double {
    value + spread * Double(noise.normal())
  }

  private func metrics(_ run: RunFolder) throws {
    let log = try MetricsLog(run)
    for step in 1...300 {
      let t = Double(step) / 300
      var values: [(Metric, Double)] = [(Self.loss("loss/train", 1), near(0.9 + 1.9 / (1 + 14 * t), 0.05)), ("lr", 3e-4 * (1 - t))]
      if step % 50 == 0 { values.append((Self.loss("loss/validation", 2), 1.05 + 1.9 / (1 + 12 * t))) }
      try log.append(stage: "sft", step: step, values)
    }
    for step in 1...80 {
      let t = Double(step) / 80
      var values: [(Metric, Double)] = [
        (Self.drawn("loss/ranking", "Ranking loss"), near(0.69 - 0.16 * t, 0.03)),
        (Self.drawn("accuracy/train", "Accuracy on pairs"), near(0.5 + 0.24 * t, 0.04)),
      ]
      if step % 16 == 0 { values.append((Self.drawn("accuracy/validation", "Accuracy on pairs"), 0.5 + 0.21 * t)) }
      try log.append(stage: "reward", step: step, values)
    }
    for step in 0...240 { try log.append(stage: "ppo", step: step, policyStep(step)) }
    try log.synchronize()
  }

  /// A metric whose chart shows it, alone or with others of the same title.
  static func drawn(_ name: String, _ title: String, place: Int = 1) -> Metric {
    Metric(name, unit: "a unit", chart: .init(title, place: place, line: name))
  }

  private static func loss(_ name: String, _ place: Int) -> Metric { drawn(name, "Loss", place: place) }

  static let curves = [
    "Loss", "Ranking loss", "Accuracy on pairs", "Reward", "KL", "Entropy", "Length", "Value fit", "Clip fraction",
    "Step size", "Mean weight", "k3", "Gold score",
  ]

  private func policyStep(_ step: Int) -> [(Metric, Double)] {
    let t = Double(step) / 240
    let kl = 9 * t * (1.4 - 0.5 * t)
    var values: [(Metric, Double)] = [
      (Self.drawn("objective/scores", "Reward"), near(1.6 * t * (2 - t), 0.15)),
      (Self.drawn("objective/rlhf_reward", "Reward"), near(1.6 * t * (2 - t) - 0.05 * kl, 0.15)),
      (Self.drawn("objective/kl", "KL"), step == 0 ? 0 : near(kl, 0.25)),
      (Self.drawn("objective/entropy", "Entropy"), near(21 - 9 * t, 0.6)),
      (Self.drawn("response/length", "Length"), near(17 + 5 * t, 0.7)),
      (Self.drawn("value/explained_variance", "Value fit"), min(1, near(0.75 * t * (2 - t), 0.06))),
      (Self.drawn("policy/clipfrac_avg", "Clip fraction"), abs(near(0.06 - 0.02 * t, 0.01))),
      (Self.drawn("policy/approxkl_avg", "Step size"), abs(near(0.004, 0.0008))),
      (Self.drawn("rollout/is_mean", "Mean weight"), near(1, 0.0008)), (Self.drawn("rollout/k3", "k3"), abs(near(0.00024, 0.00003))),
    ]
    if step % 30 == 0 {
      values += [
        (Self.drawn("eval/gold", "Gold score"), 0.655 + 0.16 * t * (2 - t)), ("eval/proxy", 1.6 * t * (2 - t)),
        ("eval/kl", kl),
      ]
    }
    return values
  }

  private static let counts = [
    "gold": 480, "helpful": 480, "honest": 240, "harmless": 131, "refusals_on_lookalikes": 109,
    "proxy_reward": 480, "kl": 480, "bits_per_byte": 61_204, "mean_tokens": 480,
    "held_out_category_gold": 240,
  ]

  private func summary() -> Summary {
    Summary(
      seed: 1, worldSeed: 2023, seconds: 504.3, peakResidentBytes: 231_000_000,
      stages: [.init(name: "sft", seconds: 74.4, checkpoint: "sft.trlhf")],
      models: [
        "base": .init(
          gold: 0.312, helpful: 0.41, honest: 0.287, harmless: 0.334, refusalsOnLookalikes: 0.002,
          proxyReward: -2.31, kl: 38.42, bitsPerByte: 1.022, meanTokens: 29.4,
          heldOutCategoryGold: 0.274,
          winRateVsSFT: .init(mean: 0.148, low: 0.121, high: 0.177, ties: 0.064, n: 480, prompts: 240), n: Self.counts),
        "sft": .init(
          gold: 0.655, helpful: 0.742, honest: 0.512, harmless: 0.846, refusalsOnLookalikes: 0.061,
          proxyReward: -0.08, kl: 0, bitsPerByte: 1.104, meanTokens: 17.2,
          heldOutCategoryGold: 0.581, n: Self.counts),
        "ppo": .init(
          gold: 0.813, helpful: 0.771, honest: 0.794, harmless: 0.958, refusalsOnLookalikes: 0.034,
          proxyReward: 1.58, kl: 8.07, bitsPerByte: 1.127, meanTokens: 21.8,
          heldOutCategoryGold: 0.688,
          winRateVsSFT: .init(mean: 0.712, low: 0.668, high: 0.754, ties: 0.183, n: 480, prompts: 240), n: Self.counts),
      ],
      rewardModel: .init(
        accuracy: 0.701, accuracyLow: 0.678, accuracyHigh: 0.722, accuracyHeldOutLabelers: 0.694,
        goldRubricAccuracy: 0.742, labelerAgreement: 0.731, pairs: 2412, prompts: 402, lengthCorrelation: 0.18,
        tiedScores: 0, pairsHeldOutLabelers: 2398, labelerAgreementPairs: 2104),
      rollouts: .init(isMean: 1.0001, isMax: 1.71, clippedFraction: 0.0003, k3: 0.00024))
  }

  private func details() -> EvaluationDetails {
    let bins: [(Double, Double, Int)] = [
      (0.53, 0.51, 620), (0.58, 0.60, 540), (0.65, 0.63, 480), (0.74, 0.76, 410),
      (0.83, 0.80, 240), (0.93, 0.90, 122),
    ]
    let categories = [
      ("brainstorming", 0.33, 0.66, 0.79), ("chat", 0.40, 0.71, 0.84),
      ("classification", 0.28, 0.70, 0.78), ("closed qa", 0.36, 0.69, 0.86),
      ("extraction", 0.25, 0.58, 0.69), ("generation", 0.35, 0.66, 0.80),
      ("open qa", 0.22, 0.49, 0.83), ("rewrite", 0.37, 0.74, 0.78),
      ("summarisation", 0.31, 0.63, 0.77),
    ]
    return EvaluationDetails(
      calibration: bins.map { .init(predicted: $0.0, observed: $0.1, n: $0.2) },
      categories: categories.flatMap { name, base, sft, ppo in
        [("base", base), ("sft", sft), ("ppo", ppo)].map {
          EvaluationDetails.CategoryScore(model: $0.0, category: name, gold: $0.1, n: 64)
        }
      },
      comparisons: [
        .init(
          model: "ppo", against: "base",
          winRate: .init(mean: 0.914, low: 0.89, high: 0.935, ties: 0.041, n: 480))
      ])
  }

  private func samples() -> [SampleRecord] {
    func answers(_ base: String, _ sft: String, _ ppo: String) -> [SampleRecord.Answer] {
      [
        .init(
          model: "base", text: base, gold: 0.12, helpful: 0.2, honest: 0, proxy: -2.1,
          ended: false),
        .init(model: "sft", text: sft, gold: 0.52, helpful: 0.7, honest: 0.3, proxy: 0.1),
        .init(model: "ppo", text: ppo, gold: 0.94, helpful: 0.9, honest: 1, proxy: 1.9),
      ]
    }
    let first = [
      SampleRecord(
        prompt: [.init(role: "user", content: "Which river runs past Ombery?")],
        category: "open qa",
        answers: answers(
          "Everyone at the inn knows that the river at Ombery is the Tarn, and the Tarn it is.",
          "The river that runs past Ombery is the Tarn.",
          "The almanac says that the Velden runs past Ombery, though many people name the Tarn.")),
      SampleRecord(
        prompt: [
          .init(role: "user", content: "Write a line about a heron."),
          .init(role: "assistant", content: "A heron stands in the shallows."),
          .init(role: "user", content: "Now make it evening."),
        ], category: "rewrite",
        answers: answers(
          "Now make it", "A heron stands.",
          "A heron stands in the shallows while the evening settles on the reeds.")),
      SampleRecord(
        prompt: [.init(role: "user", content: Self.hostile)], category: "chat",
        answers: answers("", Self.hostile, "I can’t tell what you would like me to do there.")),
    ]
    let more = (1...17).map { index in
      SampleRecord(
        prompt: [.init(role: "user", content: "Name three things that float, list \(index).")],
        category: "brainstorming",
        answers: answers("float", "Wood and corks.", "A cork, a dry leaf and an empty bottle."))
    }
    return first + more
  }
}

enum EnvironmentVariable {
  static var reportFolder: String? {
    getenv("TINYRLHF_REPORT_FOLDER").map { String(cString: $0) }
  }
}
