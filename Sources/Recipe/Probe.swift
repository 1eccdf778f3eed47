import Models
import Training
import World

/// A look at the policy while PPO runs: the rubric's grade of its answers to validation prompts,
/// beside what the reward model thinks of them and how far it has come. Training never sees it.
public struct Probe {
  let world: World
  let items: [WorldItem]

  public init(_ world: World, prompts: Int = 48) {
    self.world = world
    items = (0..<prompts).map { world.item(.validation, $0) }
  }

  /// `eval/gold`, `eval/proxy` and `eval/kl` (nats an answer) of the trainer's policy.
  func run(
    _ trainer: PPOTrainer, _ generator: Generator, _ options: SamplingOptions, _ model: Model,
    seed: UInt64
  ) throws -> [String: Double] {
    let answers = try Sampler(
      generator: generator, weights: trainer.policy.weights, tokenizer: model.tokenizer,
      options: options, seed: seed, purpose: "ppo/probe"
    ).answers(items.map(\.prompt), samples: 1).map { $0[0] }
    var episodes = Episodes(prompts: answers.map(\.prompt), samples: answers.map(\.sample))
    _ = trainer.assess(&episodes)
    var kl = KLEstimates()
    kl.add(logprobs: episodes.logprobs, reference: episodes.reference)
    let n = Double(items.count)
    let rubric = Rubric(world)
    let gold = zip(items, answers).reduce(0) { $0 + rubric.grade($1.1.text, for: $1.0).gold }
    return [
      "eval/gold": gold / n,
      "eval/proxy": episodes.scores.reduce(0) { $0 + Double($1) } / n, "eval/kl": kl.k1 / n,
    ]
  }
}
