import Models
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
    let transformer = try bench.inference()
    trainer = try LanguageModelTrainer(transformer, arena: bench.arena)
    weights = try bench.weights(of: model, precision: precision, on: transformer)
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
