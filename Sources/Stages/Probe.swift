import Dialogues
import Evaluation
import Inference
import Models
import Runs
import Support
import Training
import World

/// Measures PPO's current result during training: the rubric's grade of its answers to validation prompts, the reward
/// model's score, and KL. It does not influence training.
public struct Probe {
  static let gold = Metric(
    RunRecords.probeMetrics.gold, unit: "0 to 1", better: .higher,
    chart: .init(
      "Gold score", axis: "on validation prompts, 0 to 1", place: 30, line: "gold", colour: "gold", isMarked: true))
  static let proxy = Metric(RunRecords.probeMetrics.proxy, unit: "reward", better: .higher)
  static let kl = Metric(RunRecords.probeMetrics.kl, unit: "nats per sequence", better: .lower)

  let world: World
  let items: [WorldItem]
  let samples: Int
  private let looks: Int

  /// - Parameters:
  ///   - samples: answers per prompt.
  ///   - looks: approximate number of measurements, at most about twice as many are made; the first and the last
  ///     iteration are always measured.
  public init(_ world: World, prompts: Int = 48, samples: Int = 1, looks: Int = 12) {
    self.world = world
    self.samples = samples
    self.looks = looks
    items = (0..<prompts).map { world.item(.validation, $0) }
  }

  /// Whether to measure after iteration `step` of the `total` iterations of this round; all rounds together have
  /// `whole`.
  func isDue(after step: Int, of total: Int, whole: Int) -> Bool {
    step % max(1, whole / looks) == 0 || step == total - 1
  }

  /// Measures `eval/gold`, `eval/proxy` and `eval/kl` [nats per answer] of the trainer's result.
  func run(
    _ trainer: PPOTrainer, _ generator: Generator, options: SamplingOptions, model: Model, seed: UInt64
  ) throws -> [Metric: Double] {
    let answers = try Sampler(
      generator: generator, weights: trainer.resultWeights, tokenizer: model.tokenizer,
      options: options, seed: seed, purpose: "ppo/probe"
    ).answers(try items.map { try model.tokenizer.encode(prompt: $0.prompt) }, samples: samples).flatMap { $0 }
    var episodes = Episodes(prompts: answers.map(\.prompt), samples: answers.map { [$0.sample] })
    trainer.scoreResult(&episodes)
    var kl = KLEstimates()
    kl.add(logprobs: episodes.logprobs, reference: episodes.reference)
    let n = Double(answers.count)
    return [
      Self.gold: gold(answers.map(\.text)),
      Self.proxy: episodes.scores.reduce(0) { $0 + Double($1) } / n, Self.kl: kl.k1 / n,
    ]
  }

  /// The mean grade of answers; the answers to each prompt follow each other.
  func gold(_ answers: [String]) -> Double {
    let rubric = Rubric(world)
    let sum = answers.enumerated().reduce(0) { sum, answer in
      sum + rubric.grade(answer.element, for: items[answer.offset / samples]).gold
    }
    return sum / Double(answers.count)
  }
}
