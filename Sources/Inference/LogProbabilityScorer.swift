import Models

/// Computes log-probabilities of given completions, for the command `logprobs` and for the KL of an evaluation.
public final class LogProbabilityScorer {
  /// Keeps the file mapped in which the weights are.
  private let model: Model
  private let pass: SequencePass
  private let weights: TransformerWeights

  /// - Parameter precision: ignored for an int8 checkpoint, which always computes in int8.
  public init(_ model: Model, threads: Int, precision: RolloutPrecision) throws {
    try model.requireLanguageModel()
    self.model = model
    let runtime = try ModelRuntime(model.architecture, threads: threads)
    pass = try runtime.inferencePass()
    weights = try runtime.weights(of: model, precision: precision, on: pass.transformer)
  }

  /// - Parameter pass: a pass of the model's architecture.
  package init(_ model: Model, _ pass: SequencePass) throws {
    self.model = model
    self.pass = pass
    weights = try model.weights()
  }

  /// log π of every completion token, in nats.
  public func logprobs(_ pairs: [(prompt: [Int32], completion: [Int32])]) -> [[Float]] {
    pass.logprobs(weights, pairs)
  }
}
