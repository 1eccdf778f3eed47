import Models
import Tensors

/// Next-token training and evaluation: pretraining, SFT, and PPO's pretraining mix.
public final class LanguageModelTrainer: @unchecked Sendable {
  private let transformer: Transformer
  private let batch: TokenBatch
  private let rows: UnsafeMutablePointer<Int32>
  private let targets: UnsafeMutablePointer<Int32>
  private let logprobs: UnsafeMutablePointer<Float>
  private let dLogprobs: UnsafeMutablePointer<Float>

  public init(_ transformer: Transformer, arena: Arena) throws {
    self.transformer = transformer
    let capacity = transformer.rows
    batch = try TokenBatch(capacity: capacity, name: "language-model batch", arena: arena)
    rows = try arena.allocate("language-model rows", capacity, of: Int32.self)
    targets = try arena.allocate("language-model targets", capacity, of: Int32.self)
    logprobs = try arena.floats("language-model log-probabilities", capacity)
    dLogprobs = try arena.floats("language-model gradients", capacity)
  }

  /// Adds `coefficient` · ∂(mean loss)/∂θ to `gradients`; returns the mean loss in nats per target
  /// token. L = −1/N · Σ log π(token), N counted over all `sequences`.
  ///
  /// - Parameter dropout: of the sub-layers' outputs; nil for none.
  public func accumulate(
    _ weights: TransformerWeights, into gradients: Gradients, _ sequences: [TrainingSequence],
    coefficient: Float = 1, dropout: Dropout? = nil
  ) -> Double {
    let count = sequences.reduce(0) { $0 + $1.targetCount }
    guard count > 0 else { return 0 }
    var sum = 0.0
    transformer.dropout = dropout
    defer { transformer.dropout = nil }
    forEachMicroBatch(of: sequences, as: "learning") { range in
      let targetRows = load(sequences[range])
      dLogprobs.update(repeating: -coefficient / Float(count), count: targetRows.count)
      transformer.forward(weights, batch)
      transformer.beginBackward(batch)
      transformer.logprobsBackward(
        weights, targetRows, logprob: logprobs, dLogprob: dLogprobs, into: gradients)
      transformer.backward(weights, batch, into: gradients)
      transformer.dropout?.firstToken += batch.rows
      for i in 0..<targetRows.count { sum -= Double(logprobs[i]) }
    }
    return sum / Double(count)
  }

  /// One optimizer step on the mean loss over `sequences`.
  ///
  /// - Throws: `Failure(.failed)` when the loss or a gradient is not finite; nothing is touched then.
  public func step(
    _ model: TrainableModel, _ sequences: [TrainingSequence], learningRate: Double,
    dropout: Dropout? = nil
  ) throws -> (loss: Double, gradientNorm: Double) {
    model.gradients.reset()
    let loss = accumulate(model.weights, into: model.gradients, sequences, dropout: dropout)
    guard loss.isFinite else {
      throw model.refusal("the loss is")
    }
    let norm = try model.step(learningRate: learningRate, compute: transformer.compute)
    return (loss, norm)
  }

  /// Σ −log π over the target tokens, and their number.
  public func evaluate(
    _ weights: TransformerWeights, _ sequences: [TrainingSequence]
  ) -> (negativeLogLikelihood: Double, tokens: Int) {
    var (sum, count) = (0.0, 0)
    forEachMicroBatch(of: sequences, as: "measuring") { range in
      let targetRows = load(sequences[range])
      transformer.forward(weights, batch)
      transformer.logprobs(weights, targetRows, logprob: logprobs)
      for i in 0..<targetRows.count { sum -= Double(logprobs[i]) }
      count += targetRows.count
    }
    return (sum, count)
  }

  /// Log-probability of every target token, per sequence.
  public func logprobs(
    _ weights: TransformerWeights, _ sequences: [TrainingSequence], inverseTemperature: Float = 1
  ) -> [[Float]] {
    var result: [[Float]] = []
    forEachMicroBatch(of: sequences, as: "measuring") { range in
      let targetRows = load(sequences[range])
      transformer.forward(weights, batch)
      transformer.logprobs(
        weights, targetRows, inverseTemperature: inverseTemperature, logprob: logprobs)
      var next = 0
      for sequence in sequences[range] {
        result.append((next..<next + sequence.targetCount).map { logprobs[$0] })
        next += sequence.targetCount
      }
    }
    return result
  }

  @inline(__always)
  private func forEachMicroBatch(
    of sequences: [TrainingSequence], as name: String, _ body: (Range<Int>) -> Void
  ) {
    Training.forEachMicroBatch(
      of: sequences.count, capacity: batch.capacity, as: name, length: { sequences[$0].tokens.count }, body)
  }

  private func load(_ sequences: ArraySlice<TrainingSequence>) -> HeadRows {
    batch.removeAll()
    var count = 0
    for sequence in sequences {
      let first = batch.rows
      batch.append(sequence.tokens)
      func learn(_ span: Range<Int>) {
        for index in span {
          rows[count] = Int32(first + index - 1)
          targets[count] = sequence.tokens[index]
          count += 1
        }
      }
      sequence.earlier.forEach(learn)
      learn(sequence.learnFrom..<max(sequence.learnFrom, sequence.tokens.count))
    }
    return HeadRows(count: count, rows: rows, targets: targets)
  }
}
