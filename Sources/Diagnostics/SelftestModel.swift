import Inference
import Models
import Stages
import Support
import Training

/// A random language model of two layers with everything that is needed to train it and to sample from it.
struct SelftestModel {
  static let architecture = Architecture.gpt2(
    layers: 2, dModel: 48, heads: 4, vocabulary: 300, context: 96)

  let memory: PPOMemory
  private let models: RandomModels

  /// PPO has one minibatch, so that the first update sees the policy that sampled.
  init(threads: Int, precision: RolloutPrecision = .float32) throws {
    models = try RandomModels(Self.architecture)
    var options = PPOOptions()
    options.miniBatches = 1
    options.pretrainingCoefficient = 0.5
    memory = try PPOMemory(
      models.ppo, PPOMemory.Sizes(batch: 24, longest: 64, documents: 4), options: options,
      precision: precision, threads: threads)
    memory.trainer.value.parameters.copy(from: models.ppo.reward)
    // Larger weights make the policy far from uniform, so that differences become visible.
    for set in [models.policy, models.reference] {
      for (tensor, base) in set.tensors where tensor.dims.count > 1 {
        for i in 0..<tensor.count { base[i] *= 6 }
      }
    }
  }

  static func tokens(_ count: Int, stream: Int) -> [Int32] {
    var random = RandomStream(seed: 5, purpose: "selftest/tokens", index: UInt64(stream))
    return (0..<count).map { _ in Int32(4 + random.below(architecture.vocabulary - 4)) }
  }

  func rollout() throws -> Episodes {
    let prompts = (0..<24).map { Self.tokens(5 + $0 % 7, stream: $0) }
    var options = SamplingOptions()
    options.maxNewTokens = 40
    options.endTokens = [0]
    let samples = try memory.generator.run(
      prompts.enumerated().map { .init(prompt: $1, stream: UInt64($0)) },
      weights: memory.rolloutWeights(), options: options, seed: 7, purpose: "selftest")
    return Episodes(prompts: prompts, samples: samples)
  }

  /// Runs one PPO iteration and returns its metrics.
  func learn(_ episodes: Episodes) throws -> [Metric: Double] {
    var random = RandomStream(seed: 7, purpose: "selftest/minibatches")
    return try memory.trainer.learn(from: episodes, learningRate: 1e-3, random: &random) {
      (0..<4).map { TrainingSequence(tokens: Self.tokens(30 + $0, stream: 100 + $0)) }
    }
  }

  /// Policy and value with their optimizers, as stored in a training checkpoint.
  var snapshot: Snapshot {
    Snapshot(memory.trainer, threads: 1)
  }

  /// The bits of the log-probabilities of whole sequences.
  func logprobs(_ sequences: [[Int32]]) throws -> [[UInt32]] {
    try memory.runtime.inferencePass()
      .logprobs(memory.trainer.policy.weights, sequences.map { TrainingSequence(tokens: $0) })
      .map { $0.map(\.bitPattern) }
  }

  /// The bits of parameters and moments of policy and value.
  var bits: [UInt32] {
    [memory.trainer.policy, memory.trainer.value].flatMap { model in
      [model.parameters, model.optimizer.m, model.optimizer.v].flatMap { set in
        set.buffers.flatMap {
          UnsafeBufferPointer(start: $0.base, count: $0.count).map(\.bitPattern)
        }
      }
    }
  }
}
