import Models
import Training

/// Computes rewards of prompts with completions, normalised if the model has a normalisation. Used by `score`.
public final class RewardScorer {
  package let model: Model
  private let trainer: RewardTrainer
  private let parameters: ParameterSet
  private let weights: TransformerWeights
  private let normalization: RewardNormalization?
  private let padToken: Int32?

  /// - Throws: `Failure(.badData)` if the model is not a reward model.
  public convenience init(_ model: Model, threads: Int) throws {
    let bench = try Workbench(model.architecture, threads: threads)
    try self.init(model, try RewardTrainer(try bench.inference(), arena: bench.arena))
  }

  /// - Parameter trainer: a trainer of the model's architecture.
  init(_ model: Model, _ trainer: RewardTrainer) throws {
    try model.require(.reward, toBe: "a reward model")
    self.model = model
    self.trainer = trainer
    normalization = try model.normalization()
    padToken = try model.padToken()
    parameters = try model.parameters()
    weights = TransformerWeights(parameters)
  }

  /// The reward gain · r + bias of each sequence, which is a prompt followed by its completion; r if the model has no
  /// normalisation.
  public func scores(_ sequences: [[Int32]]) -> [Float] {
    let raw = rawScores(sequences)
    return normalization.map { raw.map($0.apply) } ?? raw
  }

  /// The reward r of each sequence, before normalisation.
  package func rawScores(_ sequences: [[Int32]]) -> [Float] {
    trainer.scores(parameters, weights, sequences.map { RankedSequences.withoutPadding($0, padToken) })
  }
}
