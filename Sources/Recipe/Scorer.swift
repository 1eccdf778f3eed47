import Models
import Support
import Tensors
import Training

/// Log-probabilities of given completions: what `logprobs` does.
public final class LogProbabilityScorer {
  private let model: Model
  private let trainer: LanguageModelTrainer
  private let weights: TransformerWeights

  /// - Parameter precision: an int8 checkpoint is int8 in either case.
  public init(_ model: Model, threads: Int, precision: RolloutPrecision) throws {
    try model.require(.base, .sft, .ppo, toBe: "a language model")
    self.model = model
    let bench = try Workbench(model.architecture, threads: threads)
    trainer = try LanguageModelTrainer(try bench.inference(), arena: bench.arena)
    weights = try bench.weights(of: model, precision: precision)
  }

  /// - Parameter trainer: of the model's architecture.
  init(_ model: Model, _ trainer: LanguageModelTrainer) throws {
    self.model = model
    self.trainer = trainer
    weights = try model.weights()
  }

  /// log π of every completion token, in nats.
  public func logprobs(_ pairs: [(prompt: [Int32], completion: [Int32])]) -> [[Float]] {
    trainer.logprobs(weights, pairs)
  }
}

extension LanguageModelTrainer {
  /// log π of every completion token, in nats.
  func logprobs(
    _ weights: TransformerWeights, _ pairs: [(prompt: [Int32], completion: [Int32])]
  ) -> [[Float]] {
    logprobs(
      weights, pairs.map { TrainingSequence(prompt: $0.prompt, completion: $0.completion) })
  }
}

/// Normalised rewards of prompts with completions: what `score` does.
public final class RewardScorer {
  let model: Model
  private let trainer: RewardTrainer
  private let parameters: ParameterSet
  private let weights: TransformerWeights
  private let normalization: RewardNormalization

  /// - Throws: `Failure(.badData)` for a model of another kind, and for one that is not normalised.
  public convenience init(_ model: Model, threads: Int) throws {
    let bench = try Workbench(model.architecture, threads: threads)
    try self.init(model, try RewardTrainer(try bench.inference(), arena: bench.arena))
  }

  /// - Parameter trainer: of the model's architecture.
  init(_ model: Model, _ trainer: RewardTrainer) throws {
    try model.require(.reward, toBe: "a reward model")
    self.model = model
    self.trainer = trainer
    normalization = try model.normalization()
    parameters = try model.parameters()
    weights = TransformerWeights(parameters)
  }

  /// gain · r + bias of each sequence, a prompt followed by its completion.
  public func scores(_ sequences: [[Int32]]) -> [Float] {
    rawScores(sequences).map(normalization.apply)
  }

  /// r of each sequence, as it was trained.
  func rawScores(_ sequences: [[Int32]]) -> [Float] {
    trainer.scores(parameters, weights, sequences)
  }
}

extension Workbench {
  /// A language model's weights for computing, quantised here if they must be.
  func weights(of model: Model, precision: RolloutPrecision) throws -> TransformerWeights {
    guard precision == .int8 && !model.file.isInt8 else { return try model.weights() }
    return try QuantizedWeights(model.file.layout, arena: arena)
      .update(from: try model.parameters(), compute: compute)
  }
}
