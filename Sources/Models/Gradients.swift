import Tensors

/// The gradients of one model over a whole optimizer step, however many micro-batches it has.
///
/// What scatters into the embeddings is kept as rows and added once, in token order, at the end:
/// a tied embedding also receives the unembedding's product, and the order of the two would
/// otherwise depend on the micro-batch split.
public final class Gradients: @unchecked Sendable {
  public let parameters: ParameterSet
  public let weights: TransformerWeights
  private let rows: Matrix
  private let ids: UnsafeMutablePointer<Int32>
  private let positions: UnsafeMutablePointer<Int32>
  private var count = 0

  /// - Parameter tokens: the most tokens that one optimizer step sees.
  public init(_ layout: ParameterLayout, tokens: Int, name: String, arena: Arena) throws {
    parameters = try ParameterSet(layout, name: name, arena: arena)
    weights = TransformerWeights(parameters)
    let width = layout.architecture.dModel
    rows = Matrix(try arena.floats("\(name), embedding rows", tokens * width), tokens, width)
    ids = try arena.allocate("\(name), embedding ids", tokens, of: Int32.self)
    positions = try arena.allocate("\(name), embedding positions", tokens, of: Int32.self)
  }

  public func reset() {
    parameters.fillZero()
    count = 0
  }

  /// Keeps ∂L/∂(embedding output) of a micro-batch.
  func keep(_ gradient: Matrix, _ batch: TokenBatch) {
    precondition(
      count + batch.rows <= rows.rows, "\(count + batch.rows) tokens in a step of \(rows.rows)")
    rows.slice(count, batch.rows).copy(from: gradient)
    (ids + count).update(from: batch.ids, count: batch.rows)
    (positions + count).update(from: batch.positions, count: batch.rows)
    count += batch.rows
  }

  /// Adds the kept rows to the embeddings' gradients. Call once, after the last micro-batch.
  public func finish(_ compute: Compute) {
    let kept = rows.prefix(count)
    compute.scatter(kept, ids, addTo: weights.tokenEmbedding)
    if let table = weights.positionEmbedding {
      compute.scatter(kept, positions, addTo: table)
    }
    count = 0
  }
}
