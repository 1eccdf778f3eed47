/// What models say of whole sequences, for evaluation, rewards and scores: nothing is learnt.
extension SequencePass {
  /// Log-probability of every target token, per sequence, in nats.
  public func logprobs(
    _ weights: TransformerWeights, _ sequences: [TrainingSequence], inverseTemperature: Float = 1
  ) -> [[Float]] {
    let logprobs = targetLogprobs(weights, sequences, inverseTemperature)
    var next = 0
    return sequences.map { sequence in
      defer { next += sequence.targetCount }
      return Array(logprobs[next..<next + sequence.targetCount])
    }
  }

  /// Log-probability of every token of each completion, in nats.
  public func logprobs(
    _ weights: TransformerWeights, _ pairs: [(prompt: [Int32], completion: [Int32])]
  ) -> [[Float]] {
    logprobs(weights, pairs.map { TrainingSequence(prompt: $0.prompt, completion: $0.completion) })
  }

  /// Σ −log π over the target tokens, in nats, and their number.
  public func negativeLogLikelihood(
    _ weights: TransformerWeights, _ sequences: [TrainingSequence]
  ) -> (sum: Double, tokens: Int) {
    let logprobs = targetLogprobs(weights, sequences, 1)
    return (logprobs.reduce(0) { $0 - Double($1) }, logprobs.count)
  }

  private func targetLogprobs(
    _ weights: TransformerWeights, _ sequences: [TrainingSequence], _ inverseTemperature: Float
  ) -> [Float] {
    read(
      .logprobs, of: Model(weights: weights), sequences.map(\.passSequence),
      inverseTemperature: inverseTemperature, as: "measuring"
    ).logprobs
  }

  /// The raw score of each sequence, read at its last token.
  public func scores(_ model: Model, _ sequences: [[Int32]]) -> [Float] {
    read(.scalars, of: model, sequences.map(PassSequence.init(scored:)), as: "scoring").scalars
  }

  /// The scalar head's input at each sequence's last token, [count · d].
  public func features(_ weights: TransformerWeights, _ sequences: [[Int32]]) -> [Float] {
    features(weights, sequences.map(PassSequence.init(scored:)), as: "scoring")
  }
}
