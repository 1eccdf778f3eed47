import Models

/// Computes rewards of prompts with completions, normalised if the model has a normalisation. Used by `score`.
public final class RewardScorer {
  package let model: Model
  private let pass: SequencePass
  private let weights: SequencePass.Model
  private let normalization: RewardNormalization?
  private let padToken: Int32?

  /// - Throws: `Failure(.badData)` if the model is not a reward model.
  public convenience init(_ model: Model, threads: Int) throws {
    try self.init(model, try ModelRuntime(model.architecture, threads: threads).inferencePass())
  }

  /// - Parameter pass: a pass of the model's architecture.
  package init(_ model: Model, _ pass: SequencePass) throws {
    try model.requireRewardModel()
    self.model = model
    self.pass = pass
    normalization = try model.normalization()
    padToken = try model.padToken()
    let parameters = try model.parameters()
    weights = SequencePass.Model(weights: TransformerWeights(parameters), head: parameters.scalarHead)
  }

  /// The reward gain · r + bias of each sequence, which is a prompt followed by its completion; r if the model has no
  /// normalisation.
  public func scores(_ sequences: [[Int32]]) -> [Float] {
    let raw = rawScores(sequences)
    return normalization.map { raw.map($0.apply) } ?? raw
  }

  /// The reward r of each sequence, before normalisation.
  package func rawScores(_ sequences: [[Int32]]) -> [Float] {
    pass.scores(weights, sequences.map { RankedSequences.withoutPadding($0, padToken) })
  }
}
