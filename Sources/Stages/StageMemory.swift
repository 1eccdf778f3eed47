import Inference
import Models
import Tensors
import Training

/// The memory of each stage. The run and `plan` use the same code, so that the prediction and the run cannot differ.
/// Blocks use memory only when they are first written; blocks of a planning arena never do.

/// The memory of pretraining and SFT.
package struct LanguageModelMemory {
  package let runtime: ModelRuntime
  package let model: TrainableModel
  package let trainer: LanguageModelTrainer

  /// - Parameters:
  ///   - parameters: trained in place, or as a float32 copy in the arena; nil for new parameters, all 0.
  ///   - tokens: maximum number of tokens of an optimizer step.
  package init(
    _ architecture: Architecture, parameters: (any StoredParameters)?, options: AdamW.Options = .init(),
    tokens: Int, name: String, threads: Int, arena: Arena = Arena()
  ) throws {
    runtime = try ModelRuntime(architecture, threads: threads, arena: arena)
    let learning =
      if let parameters {
        try ParameterSet.learning(from: parameters, name: "parameters", arena: arena)
      } else {
        try ParameterSet(ParameterLayout(architecture, scalarHead: false), name: "parameters", arena: arena)
      }
    model = try TrainableModel(
      learning, options: options, tokens: tokens, name: name, arena: runtime.arena)
    trainer = try LanguageModelTrainer(try runtime.trainingTransformer(), arena: runtime.arena)
  }
}

/// Additional memory of SFT for sampling and scoring the answers by which an epoch is chosen.
package struct JudgingMemory {
  package let generator: Generator
  package let scorer: SequencePass

  /// - Parameters:
  ///   - runtime: the runtime of the model that is trained.
  ///   - longest: tokens of the longest prompt with its answer.
  package init(_ runtime: ModelRuntime, reward: Architecture, longest: Int) throws {
    let transformer = try runtime.inferenceTransformer()
    generator = try runtime.generator(transformer, .float32, capacity: longest)
    scorer = try SequencePass(
      reward == runtime.architecture ? transformer : try runtime.inferenceTransformer(of: reward),
      arena: runtime.arena)
  }
}

/// The memory of reward training.
package struct RewardMemory {
  package let runtime: ModelRuntime
  package let model: TrainableModel
  package let trainer: RewardTrainer

  /// - Parameters:
  ///   - groups: tokens of each prompt with all its answers.
  ///   - batch: prompts per optimizer step.
  package init(
    _ architecture: Architecture, groups: [Int], batch: Int, threads: Int, arena: Arena = Arena()
  ) throws {
    runtime = try ModelRuntime(architecture, threads: threads, arena: arena)
    model = try TrainableModel(
      try ParameterSet(
        ParameterLayout(architecture, scalarHead: true), name: "reward parameters",
        arena: runtime.arena),
      options: AdamW.Options(), tokens: ContextFit.largestStep(groups, batch: batch), name: "reward",
      arena: runtime.arena)
    trainer = try RewardTrainer(
      try runtime.trainingTransformer(longest: groups.max() ?? 0), arena: runtime.arena)
  }
}

/// The memory of PPO: policy, value model, reference, reward model, and generator. With a value head on the policy's
/// trunk, there is no value model with its own parameters and moments.
package struct PPOMemory {
  /// The frozen models, used in place, and the policy, used in place if it is float32.
  package struct Models {
    package let policy: any StoredParameters
    package let reference: any StoredParameters
    package let reward: any StoredParameters
    package let normalization: RewardNormalization

    package init(
      policy: any StoredParameters, reference: any StoredParameters, reward: any StoredParameters,
      normalization: RewardNormalization
    ) {
      self.policy = policy
      self.reference = reference
      self.reward = reward
      self.normalization = normalization
    }
  }

  /// The numbers that determine the memory.
  package struct Sizes {
    /// Episodes per iteration.
    package var batch: Int
    /// Tokens of the longest prompt with its answer.
    package var longest: Int
    /// Pretraining documents per update.
    package var documents: Int
    /// Tokens of the longest document; nil for the context.
    package var longestDocument: Int?
    /// Sequences generated at a time.
    package var slots = 32

    package init(batch: Int, longest: Int, documents: Int, longestDocument: Int? = nil, slots: Int = 32) {
      self.batch = batch
      self.longest = longest
      self.documents = documents
      self.longestDocument = longestDocument
      self.slots = slots
    }
  }

  package let runtime: ModelRuntime
  /// The PPO trainer. At first, the parameters of its value model, or of the policy's value head, are 0.
  package let trainer: PPOTrainer
  package private(set) var generator: Generator
  package private(set) var quantized: QuantizedWeights?
  private let inference: Transformer
  private let slots: Int

  package init(
    _ models: Models, _ sizes: Sizes, options: PPOOptions, precision: RolloutPrecision,
    threads: Int, arena: Arena = Arena()
  ) throws {
    let architecture = models.policy.layout.architecture
    runtime = try ModelRuntime(architecture, threads: threads, arena: arena)
    let updateTokens = options.miniBatch(of: sizes.batch) * sizes.longest
    inference = try runtime.inferenceTransformer()
    let sharesTrunk = options.valueModel == .shared
    let learning = try ParameterSet.learning(from: models.policy, name: "policy, parameters", arena: runtime.arena)
    let policy = try TrainableModel(
      sharesTrunk
        ? try learning.addingScalarHead(name: "value head, parameters", arena: runtime.arena) : learning,
      options: AdamW.Options(), tokens: updateTokens, name: "policy", arena: runtime.arena)
    trainer = try PPOTrainer(
      policy: policy,
      values: sharesTrunk
        ? .sharedTrunk : .separate(try Self.valueModel(sharingGradientsOf: policy, runtime.arena)),
      reference: models.reference, reward: models.reward, normalization: models.normalization,
      options: options, pretrainingTokens: sizes.documents * (sizes.longestDocument ?? architecture.context),
      training: try runtime.trainingTransformer(sharingHeadsOf: inference), inference: inference, arena: runtime.arena)
    slots = sizes.slots
    generator = try runtime.generator(
      inference, precision, slots: slots, capacity: min(sizes.longest, architecture.context))
    quantized =
      precision == .int8
      ? try QuantizedWeights(models.policy.layout, arena: runtime.arena) : nil
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
  package func balance() throws {
    try quantized?.balance(by: trainer.policy.parameters, on: inference)
  }

  /// Switches rollouts to float32.
  package mutating func leaveInt8() throws {
    quantized = nil
    generator = try runtime.generator(inference, .float32, slots: slots, capacity: generator.capacity)
  }

  package var precision: RolloutPrecision { quantized == nil ? .float32 : .int8 }

  /// The policy's current weights for rollouts; quantised anew if rollouts are int8.
  package func rolloutWeights() -> TransformerWeights {
    quantized?.update(from: trainer.policy.parameters, compute: runtime.compute)
      ?? trainer.policy.weights
  }
}

/// The memory for sampling answers to be ranked.
package struct SamplingMemory {
  package let runtime: ModelRuntime
  package let generator: Generator
  private let transformer: Transformer
  private let quantized: QuantizedWeights
  /// Scores answers to choose prompts; nil if prompts are not chosen.
  package let scorer: SequencePass?

  package init(
    _ layout: ParameterLayout, choosing: Bool = false, threads: Int, arena: Arena = Arena()
  ) throws {
    runtime = try ModelRuntime(layout.architecture, threads: threads, arena: arena)
    transformer = try runtime.inferenceTransformer()
    generator = try runtime.generator(transformer, .int8)
    quantized = try QuantizedWeights(layout, arena: runtime.arena)
    scorer = choosing ? try SequencePass(transformer, arena: runtime.arena) : nil
  }

  /// A model's weights for sampling: balanced and quantised to int8.
  package func weights(of parameters: any StoredParameters) throws -> TransformerWeights {
    try quantized.balance(by: parameters, on: transformer)
    return quantized.update(from: parameters, compute: runtime.compute)
  }
}
