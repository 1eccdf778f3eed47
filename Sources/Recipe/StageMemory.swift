import Models
import Tensors
import Training

/// The memory of each stage, laid out here for the run and for `plan` alike, so that prediction and
/// run cannot drift apart. Blocks cost memory only when they are first written; those of an arena that plans,
/// none.

/// Pretraining and SFT.
struct LanguageModelMemory {
  let bench: Workbench
  let model: TrainableModel
  let trainer: LanguageModelTrainer

  /// - Parameters:
  ///   - parameters: trained where they lie; nil for zeroes in the arena.
  ///   - tokens: the most tokens of one optimizer step.
  init(
    _ architecture: Architecture, parameters: ParameterSet?, options: AdamW.Options = .init(),
    tokens: Int, name: String, threads: Int, arena: Arena = Arena()
  ) throws {
    bench = try Workbench(architecture, threads: threads, arena: arena)
    model = try TrainableModel(
      try parameters
        ?? ParameterSet(
          ParameterLayout(architecture, scalarHead: false), name: "parameters", arena: bench.arena),
      options: options, tokens: tokens, name: name, arena: bench.arena)
    trainer = try LanguageModelTrainer(try bench.training(), arena: bench.arena)
  }
}

/// Beside SFT: the sampling and the scoring of answers by which an epoch is chosen.
struct JudgingMemory {
  let generator: Generator
  let scorer: RewardTrainer

  /// - Parameters:
  ///   - bench: of the model that learns.
  ///   - longest: tokens of the longest prompt with its answer.
  init(_ bench: Workbench, reward: Architecture, longest: Int) throws {
    let transformer = try bench.inference()
    generator = try bench.generator(transformer, .float32, capacity: longest)
    scorer = try RewardTrainer(
      reward == bench.architecture ? transformer : try bench.inference(of: reward),
      arena: bench.arena)
  }
}

/// The reward model's training.
struct RewardMemory {
  let bench: Workbench
  let model: TrainableModel
  let trainer: RewardTrainer

  /// - Parameters:
  ///   - groups: tokens of each prompt's answers together.
  ///   - batch: prompts of one optimizer step.
  init(
    _ architecture: Architecture, groups: [Int], batch: Int, threads: Int, arena: Arena = Arena()
  ) throws {
    bench = try Workbench(architecture, threads: threads, arena: arena)
    model = try TrainableModel(
      try ParameterSet(
        ParameterLayout(architecture, scalarHead: true), name: "reward parameters",
        arena: bench.arena),
      options: AdamW.Options(), tokens: Encoder.largestStep(groups, batch: batch), name: "reward",
      arena: bench.arena)
    trainer = try RewardTrainer(
      try bench.training(longest: groups.max() ?? 0), arena: bench.arena)
  }
}

/// PPO: policy, value, reference and reward model, and the sampler. A value head on the policy's trunk
/// takes the place of the value model with its parameters and moments.
struct PPOMemory {
  /// Frozen models and the policy, where they lie.
  struct Models {
    let policy: ParameterSet
    let reference: ParameterSet
    let reward: ParameterSet
    let normalization: RewardNormalization
  }

  /// What the sizes follow from.
  struct Sizes {
    /// Episodes of an iteration.
    var batch: Int
    /// Tokens of the longest prompt with its answer.
    var longest: Int
    /// Pretraining documents of one update.
    var documents: Int
    /// Tokens of the longest of them; nil for the context.
    var longestDocument: Int?
    /// Sequences generated at a time.
    var slots = 32
  }

  let bench: Workbench
  /// The parameters of its value model, or of the policy's value head, are zeroes.
  let trainer: PPOTrainer
  private(set) var generator: Generator
  private(set) var quantized: QuantizedWeights?
  private let inference: Transformer
  private let slots: Int

  init(
    _ models: Models, _ sizes: Sizes, options: PPOOptions, precision: RolloutPrecision,
    threads: Int, arena: Arena = Arena()
  ) throws {
    let architecture = models.policy.layout.architecture
    bench = try Workbench(architecture, threads: threads, arena: arena)
    let updateTokens = options.miniBatch(of: sizes.batch) * sizes.longest
    inference = try bench.inference()
    let sharesTrunk = options.valueModel == .shared
    let policy = try TrainableModel(
      sharesTrunk
        ? try models.policy.addingScalarHead(name: "value head, parameters", arena: bench.arena)
        : models.policy,
      options: AdamW.Options(), tokens: updateTokens, name: "policy", arena: bench.arena)
    trainer = try PPOTrainer(
      policy: policy,
      values: sharesTrunk
        ? .sharedTrunk : .separate(try Self.valueModel(sharingGradientsOf: policy, bench.arena)),
      reference: models.reference, reward: models.reward, normalization: models.normalization,
      options: options, pretrainingTokens: sizes.documents * (sizes.longestDocument ?? architecture.context),
      training: try bench.training(beside: inference), inference: inference, arena: bench.arena)
    slots = sizes.slots
    generator = try bench.generator(
      inference, precision, slots: slots, capacity: min(sizes.longest, architecture.context))
    quantized =
      precision == .int8
      ? try QuantizedWeights(models.policy.layout, arena: bench.arena) : nil
  }

  private static func valueModel(sharingGradientsOf policy: TrainableModel, _ arena: Arena) throws
    -> TrainableModel
  {
    let layout = ParameterLayout(policy.parameters.layout.architecture, scalarHead: true)
    return try TrainableModel(
      try ParameterSet(layout, name: "value parameters", arena: arena), options: AdamW.Options(),
      sharingGradientsOf: policy, name: "value", arena: arena)
  }
}

extension PPOMemory {
  /// Chooses what balances the channels of an int8 policy: by the one that the stage begins with, before it learns
  /// or is restored.
  func balance() throws {
    try quantized?.balance(by: trainer.policy.parameters, on: inference)
  }

  /// From here on rollouts are float32.
  mutating func leaveInt8() throws {
    quantized = nil
    generator = try bench.generator(inference, .float32, slots: slots, capacity: generator.capacity)
  }

  var precision: RolloutPrecision { quantized == nil ? .float32 : .int8 }

  /// The policy as it samples now: quantised anew, where rollouts are int8.
  func rolloutWeights() -> TransformerWeights {
    quantized?.update(from: trainer.policy.parameters, compute: bench.compute)
      ?? trainer.policy.weights
  }
}

/// Sampling answers to be ranked.
struct SamplingMemory {
  let bench: Workbench
  let generator: Generator
  private let transformer: Transformer
  private let quantized: QuantizedWeights
  /// What the prompts are chosen by; nil where they are not.
  let scorer: RewardTrainer?

  init(
    _ layout: ParameterLayout, choosing: Bool = false, threads: Int, arena: Arena = Arena()
  ) throws {
    bench = try Workbench(layout.architecture, threads: threads, arena: arena)
    transformer = try bench.inference()
    generator = try bench.generator(transformer, .int8)
    quantized = try QuantizedWeights(layout, arena: bench.arena)
    scorer = choosing ? try RewardTrainer(transformer, arena: bench.arena) : nil
  }

  /// A model as it samples: balanced and quantised.
  func weights(of parameters: ParameterSet) throws -> TransformerWeights {
    try quantized.balance(by: parameters, on: transformer)
    return quantized.update(from: parameters, compute: bench.compute)
  }
}

/// Evaluation: answers, log-probabilities and scores.
package struct EvaluationMemory {
  package let bench: Workbench
  package let generator: Generator
  package let languageModel: LanguageModelTrainer
  package let scorer: RewardTrainer

  package init(_ architecture: Architecture, threads: Int, arena: Arena = Arena()) throws {
    bench = try Workbench(architecture, threads: threads, arena: arena)
    let transformer = try bench.inference()
    generator = try bench.generator(transformer, .float32, slots: 48)
    languageModel = try LanguageModelTrainer(transformer, arena: bench.arena)
    scorer = try RewardTrainer(transformer, arena: bench.arena)
  }
}
