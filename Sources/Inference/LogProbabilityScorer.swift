import Models

/// Log-probabilities of given completions: the command `logprobs`, and the KL of an evaluation.
public final class LogProbabilityScorer {
  private let pass: SequencePass
  private let weights: TransformerWeights

  /// - Parameter precision: of a float32 checkpoint; an int8 checkpoint stays int8.
  public init(_ model: Model, threads: Int, precision: RolloutPrecision) throws {
    try model.requireLanguageModel()
    let runtime = try ModelRuntime(model.architecture, threads: threads)
    pass = try runtime.inferencePass()
    weights = try runtime.weights(of: model, precision: precision, on: pass.transformer)
  }

  /// - Parameter pass: of the model's architecture.
  package init(_ model: Model, _ pass: SequencePass) throws {
    self.pass = pass
    weights = try model.weights()
  }

  /// log π of every completion token, in nats.
  public func logprobs(_ pairs: [(prompt: [Int32], completion: [Int32])]) -> [[Float]] {
    pass.logprobs(weights, pairs)
  }
}
