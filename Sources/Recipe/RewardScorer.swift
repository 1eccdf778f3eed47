import Models
import Training

/// Normalised rewards of prompts with completions: what `score` does.
public final class RewardScorer {
  package let model: Model
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
  package func rawScores(_ sequences: [[Int32]]) -> [Float] {
    trainer.scores(parameters, weights, sequences)
  }
}
