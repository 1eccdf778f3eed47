import Models

/// Rewards of prompts with completions, normalised where the model has a normalisation: what `score` does.
public final class RewardScorer {
  package let model: Model
  private let pass: SequencePass
  private let weights: SequencePass.Model
  private let normalization: RewardNormalization?
  private let padToken: Int32?

  /// - Throws: `Failure(.badData)` for a model of another kind.
  public convenience init(_ model: Model, threads: Int) throws {
    try self.init(model, try ModelRuntime(model.architecture, threads: threads).inferencePass())
  }

  /// - Parameter pass: of the model's architecture.
  package init(_ model: Model, _ pass: SequencePass) throws {
    try model.requireRewardModel()
    self.model = model
    self.pass = pass
    normalization = try model.normalization()
    padToken = try model.padToken()
    let parameters = try model.parameters()
    weights = SequencePass.Model(weights: TransformerWeights(parameters), head: parameters)
  }

  /// gain · r + bias of each sequence, a prompt followed by its completion; r itself of a model without a
  /// normalisation.
  public func scores(_ sequences: [[Int32]]) -> [Float] {
    let raw = rawScores(sequences)
    return normalization.map { raw.map($0.apply) } ?? raw
  }

  /// r of each sequence, as it was trained.
  package func rawScores(_ sequences: [[Int32]]) -> [Float] {
    pass.scores(weights, sequences.map { RankedSequences.withoutPadding($0, padToken) })
  }
}
