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

  /// Scalars at the given rows of each sequence, laid end to end. All sequences fit one pass.
  func forward(
    _ parameters: ParameterSet, _ weights: TransformerWeights,
    sequences: [(tokens: [Int32], rows: Range<Int>)]
  ) -> UnsafeBufferPointer<Float> {
    batch.removeAll()
    count = 0
    for (tokens, wanted) in sequences {
      let start = batch.rows
      batch.append(tokens)
      for row in wanted {
        rows[count] = Int32(start + row)
        count += 1
      }
    }
    transformer.forward(weights, batch)
    transformer.scores(parameters, rows: rows, count: count, to: outputs)
    return UnsafeBufferPointer(start: outputs, count: count)
  }

  /// The same for any number of sequences.
  func values(
    _ parameters: ParameterSet, _ weights: TransformerWeights,
    _ sequences: [(tokens: [Int32], rows: Range<Int>)]
  ) -> [Float] {
    microBatches(sequences.map(\.tokens.count), capacity: transformer.rows).flatMap { range in
      Array(forward(parameters, weights, sequences: Array(sequences[range])))
    }
  }

  /// The backward pass of the latest `forward`, with ∂L/∂scalar in `gradients`.
  func backward(_ model: TrainableModel) {
    transformer.beginBackward(batch)
    transformer.scoresBackward(
      model.parameters, rows: rows, count: count, dScores: gradients, into: model.gradients)
    transformer.backward(model.weights, batch, into: model.gradients)
  }
}
