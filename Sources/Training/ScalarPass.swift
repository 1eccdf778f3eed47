import Models
import Tensors

/// The scalar head over whole sequences, read at the rows that matter: the last token for a reward,
/// every token of the answer for a value.
final class ScalarPass {
  let transformer: Transformer
  let batch: TokenBatch
  private let rows: UnsafeMutablePointer<Int32>
  private let outputs: UnsafeMutablePointer<Float>
  let gradients: UnsafeMutablePointer<Float>
  private var count = 0

  init(_ transformer: Transformer, arena: Arena) throws {
    self.transformer = transformer
    let capacity = transformer.rows
    batch = try TokenBatch(capacity: capacity, name: "scalar batch", arena: arena)
    rows = try arena.allocate("scalar rows", capacity, of: Int32.self)
    outputs = try arena.floats("scalar outputs", capacity)
    gradients = try arena.floats("scalar gradients", capacity)
  }

  /// Begins a pass without sequences.
  func removeAll() {
    batch.removeAll()
    count = 0
  }

  /// Appends a sequence that is read at `wanted`. All sequences of a pass fit the transformer.
  func append(_ tokens: [Int32], rows wanted: Range<Int>) {
    read(wanted, after: batch.rows)
    batch.append(tokens)
  }

  /// Appends an episode, read where its answer's tokens are predicted.
  func append(_ episodes: Episodes, _ index: Int) {
    read(episodes.rows(index), after: batch.rows)
    batch.append(episodes.prompts[index], episodes.responses[index])
  }

  private func read(_ wanted: Range<Int>, after start: Int) {
    for row in wanted {
      rows[count] = Int32(start + row)
      count += 1
    }
  }

  /// Scalars at the wanted rows of the sequences, laid end to end.
  func forward(_ parameters: ParameterSet, _ weights: TransformerWeights)
    -> UnsafeBufferPointer<Float>
  {
    transformer.forward(weights, batch)
    transformer.scores(parameters, rows: rows, count: count, to: outputs)
    return UnsafeBufferPointer(start: outputs, count: count)
  }

  /// The same for any number of sequences.
  /// - Parameters:
  ///   - length: tokens of a sequence.
  ///   - add: appends a sequence.
  func values(
    _ parameters: ParameterSet, _ weights: TransformerWeights, of count: Int, length: (Int) -> Int,
    add: (Int) -> Void
  ) -> [Float] {
    var values: [Float] = []
    forEachMicroBatch(of: count, capacity: transformer.rows, as: "scoring", length: length) { range in
      removeAll()
      range.forEach(add)
      values += forward(parameters, weights)
    }
    return values
  }

  /// What the scalar head sees there, [count · d].
  func features(
    _ weights: TransformerWeights, of count: Int, length: (Int) -> Int, add: (Int) -> Void
  ) -> [Float] {
    var features: [Float] = []
    forEachMicroBatch(of: count, capacity: transformer.rows, as: "scoring", length: length) { range in
      removeAll()
      range.forEach(add)
      transformer.forward(weights, batch)
      let values = self.count * transformer.architecture.dModel
      features += [Float](unsafeUninitializedCapacity: values) { buffer, filled in
        transformer.features(rows: rows, count: self.count, to: buffer.baseAddress!)
        filled = values
      }
    }
    return features
  }

  /// The backward pass of the latest `forward`, with ∂L/∂scalar in `gradients`.
  func backward(_ model: TrainableModel) {
    transformer.beginBackward(batch)
    transformer.scoresBackward(
      model.parameters, rows: rows, count: count, dScores: gradients, into: model.gradients)
    transformer.backward(model.weights, batch, into: model.gradients)
  }
}
