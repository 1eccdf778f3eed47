import Models
import Training

/// Rewards of prompts with completions, normalised where the model has a normalisation: what `score` does.
public final class RewardScorer {
  package let model: Model
  private let trainer: RewardTrainer
  private let parameters: ParameterSet
  private let weights: TransformerWeights
  private let normalization: RewardNormalization?
  private let padToken: Int32?

  /// - Throws: `Failure(.badData)` for a model of another kind.
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
    padToken = try model.padToken()
    parameters = try model.parameters()
    weights = TransformerWeights(parameters)
  }

  /// gain · r + bias of each sequence, a prompt followed by its completion; r itself of a model without a
  /// normalisation.
  public func scores(_ sequences: [[Int32]]) -> [Float] {
    let raw = rawScores(sequences)
    return normalization.map { raw.map($0.apply) } ?? raw
  }

  /// r of each sequence, as it was trained.
  package func rawScores(_ sequences: [[Int32]]) -> [Float] {
    trainer.scores(parameters, weights, sequences.map { RankedSequences.withoutPadding($0, padToken) })
  }
}
