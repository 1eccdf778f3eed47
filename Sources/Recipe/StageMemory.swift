import Models
import Tensors
import Training

/// The memory of each stage. The run and `plan` use the same code, so that the prediction and the run cannot differ.
/// Blocks use memory only when they are first written; blocks of a planning arena never do.

/// The memory of pretraining and SFT.
struct LanguageModelMemory {
  let bench: Workbench
  let model: TrainableModel
  let trainer: LanguageModelTrainer

  /// - Parameters:
  ///   - parameters: trained in place; nil for new parameters in the arena, all 0.
  ///   - tokens: maximum number of tokens of an optimizer step.
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

/// Additional memory of SFT for sampling and scoring the answers by which an epoch is chosen.
struct JudgingMemory {
  let generator: Generator
  let scorer: RewardTrainer

  /// - Parameters:
  ///   - bench: the workbench of the model that is trained.
  ///   - longest: tokens of the longest prompt with its answer.
  init(_ bench: Workbench, reward: Architecture, longest: Int) throws {
    let transformer = try bench.inference()
    generator = try bench.generator(transformer, .float32, capacity: longest)
    scorer = try RewardTrainer(
      reward == bench.architecture ? transformer : try bench.inference(of: reward),
      arena: bench.arena)
  }
}

/// The memory of reward training.
struct RewardMemory {
  let bench: Workbench
  let model: TrainableModel
  let trainer: RewardTrainer

  /// - Parameters:
  ///   - groups: tokens of each prompt with all its answers.
  ///   - batch: prompts per optimizer step.
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

/// The memory of PPO: policy, value model, reference, reward model, and generator. With a value head on the policy's
/// trunk, there is no value model with its own parameters and moments.
struct PPOMemory {
  /// The frozen models and the policy, used in place.
  struct Models {
    let policy: ParameterSet
    let reference: ParameterSet
    let reward: ParameterSet
    let normalization: RewardNormalization
  }

  /// The numbers that determine the memory.
  struct Sizes {
    /// Episodes per iteration.
    var batch: Int
    /// Tokens of the longest prompt with its answer.
    var longest: Int
    /// Pretraining documents per update.
    var documents: Int
    /// Tokens of the longest document; nil for the context.
    var longestDocument: Int?
    /// Sequences generated at a time.
    var slots = 32
  }

  let bench: Workbench
  /// The PPO trainer. At first, the parameters of its value model, or of the policy's value head, are 0.
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
  /// Chooses the balancing factors of an int8 policy's channels. They are chosen for the policy with which the stage
  /// begins, before it is trained or restored.
  func balance() throws {
    try quantized?.balance(by: trainer.policy.parameters, on: inference)
  }

  /// Switches rollouts to float32.
  mutating func leaveInt8() throws {
    quantized = nil
    generator = try bench.generator(inference, .float32, slots: slots, capacity: generator.capacity)
  }

  var precision: RolloutPrecision { quantized == nil ? .float32 : .int8 }

  /// The policy's current weights for rollouts; quantised anew if rollouts are int8.
  func rolloutWeights() -> TransformerWeights {
    quantized?.update(from: trainer.policy.parameters, compute: bench.compute)
      ?? trainer.policy.weights
  }
}

/// The memory for sampling answers to be ranked.
struct SamplingMemory {
  let bench: Workbench
  let generator: Generator
  private let transformer: Transformer
  private let quantized: QuantizedWeights
  /// Scores answers to choose prompts; nil if prompts are not chosen.
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

  /// A model's weights for sampling: balanced and quantised to int8.
  func weights(of parameters: ParameterSet) throws -> TransformerWeights {
    try quantized.balance(by: parameters, on: transformer)
    return quantized.update(from: parameters, compute: bench.compute)
  }
}

/// The memory of evaluation: for answers, log-probabilities and scores.
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
