import Models
import Training

/// Computes log-probabilities of given completions, for the command `logprobs` and for KL.
public final class LogProbabilityScorer {
  private let model: Model
  private let trainer: LanguageModelTrainer
  private let weights: TransformerWeights

  /// - Parameter precision: ignored for an int8 checkpoint, which always computes in int8.
  public init(_ model: Model, threads: Int, precision: RolloutPrecision) throws {
    try model.require(.base, .sft, .ppo, toBe: "a language model")
    self.model = model
    let bench = try Workbench(model.architecture, threads: threads)
    let transformer = try bench.inference()
    trainer = try LanguageModelTrainer(transformer, arena: bench.arena)
    weights = try bench.weights(of: model, precision: precision, on: transformer)
  }

  /// - Parameter trainer: a trainer of the model's architecture.
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
