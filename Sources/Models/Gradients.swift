import Tensors

/// The gradients of one model, summed over the micro-batches of one optimizer step.
///
/// Gradients of embedding outputs are kept as rows and added to the embeddings once, in token order, at the end of the
/// step. A tied embedding also receives the unembedding's product; without this rule, the order of the two sums would
/// depend on the split into micro-batches.
public final class Gradients {
  public let parameters: ParameterSet
  let places: TransformerGradients
  /// The kept rows; nil if no embedding learns.
  private let kept: EmbeddingRows?
  private var count = 0

  // The first product of a step overwrites a matrix, and later products add to it. So only the other, small tensors
  // must be cleared before a step.
  private typealias Region = (base: UnsafeMutablePointer<Float>, count: Int)
  private let projectionRegions: [Region]
  private let unembeddingRegions: [Region]
  private let otherRegions: [Region]
  /// Whether the layers' projections already hold sums of this step.
  var holdsProjections = false
  /// Whether the unembedding already holds sums of this step.
  var holdsUnembedding = false

  /// - Parameter tokens: the most tokens in one optimizer step.
  public convenience init(
    _ layout: ParameterLayout, tokens: Int, name: String, arena: Arena
  ) throws {
    let learnsEmbeddings = layout.trunk.contains { $0.role == .tokenEmbedding || $0.role == .positionEmbedding }
    self.init(
      try ParameterSet(layout, name: name, arena: arena),
      learnsEmbeddings
        ? try EmbeddingRows(tokens: tokens, width: layout.architecture.dModel, name: name, arena: arena) : nil)
  }

  /// Shares the memory of `other`. It is for two models whose steps do not overlap: the gradients that were `reset`
  /// last own the memory. Only the scalar head has its own memory.
  public convenience init(
    _ layout: ParameterLayout, sharing other: Gradients, name: String, arena: Arena
  ) throws {
    let theirs = other.parameters.layout
    precondition(
      layout.trunkCount <= theirs.trunkCount
        && layout.architecture.dModel == theirs.architecture.dModel,
      "\(layout.trunkCount) gradients do not fit the memory of \(theirs.trunkCount)")
    self.init(
      ParameterSet(
        layout, trunk: other.parameters.trunk,
        head: layout.hasScalarHead ? try arena.floats("\(name), head", layout.headCount) : nil,
        owner: arena),
      other.kept)
  }

  private init(_ parameters: ParameterSet, _ kept: EmbeddingRows?) {
    self.parameters = parameters
    places = TransformerGradients(parameters)
    self.kept = kept
    let layout = parameters.layout
    // The first product of the unembedding overwrites a tied embedding.
    let unembedding =
      layout.hasUnembedding
      ? layout.architecture.tiedEmbeddings ? TensorRole.tokenEmbedding : .unembedding : nil
    func regions(_ belongs: (TensorRole) -> Bool) -> [Region] {
      parameters.tensors.filter { belongs($0.tensor.role) }.map { ($0.base, $0.tensor.count) }
    }
    func isProjection(_ role: TensorRole) -> Bool {
      switch role {
      case .projection, .adapterInput, .adapterOutput: true
      default: false
      }
    }
    projectionRegions = regions(isProjection)
    unembeddingRegions = regions { $0 == unembedding }
    otherRegions = regions { !isProjection($0) && $0 != unembedding }
  }

  /// Begins a step.
  public func reset() {
    Self.clear(otherRegions)
    holdsProjections = false
    holdsUnembedding = false
    count = 0
    kept?.user = ObjectIdentifier(self)
  }

  private static func clear(_ regions: [Region]) {
    for (base, count) in regions { base.update(repeating: 0, count: count) }
  }

  /// Whether an embedding learns, so that ∂L/∂(embedding output) is kept.
  var learnsEmbeddings: Bool { kept != nil }

  /// Keeps ∂L/∂(embedding output) of a micro-batch.
  func keep(_ gradient: Matrix, _ batch: TokenBatch) {
    guard let kept else { return }
    precondition(kept.user == ObjectIdentifier(self), "other gradients use this memory since their reset")
    precondition(
      count + batch.rows <= kept.rows.rows,
      "\(count + batch.rows) tokens do not fit a step of \(kept.rows.rows)")
    kept.rows.slice(from: count, count: batch.rows).copy(from: gradient)
    (kept.ids + count).update(from: batch.ids, count: batch.rows)
    (kept.positions + count).update(from: batch.positions, count: batch.rows)
    count += batch.rows
  }

  /// Adds the kept rows to the embeddings' gradients. Call once, after the last micro-batch.
  public func finish(_ compute: Compute) {
    if !holdsProjections { Self.clear(projectionRegions) }
    if !holdsUnembedding { Self.clear(unembeddingRegions) }
    guard let kept else { return }
    let rows = kept.rows.prefix(count)
    if let table = places.tokenEmbedding { compute.scatter(rows, kept.ids, addTo: table) }
    if let table = places.positionEmbedding { compute.scatter(rows, kept.positions, addTo: table) }
    count = 0
  }
}

/// ∂L/∂(embedding output) of a whole step, and the gradients that use it.
private final class EmbeddingRows {
  let rows: Matrix
  let ids: UnsafeMutablePointer<Int32>
  let positions: UnsafeMutablePointer<Int32>
  /// The gradients that were `reset` last.
  var user: ObjectIdentifier?

  init(tokens: Int, width: Int, name: String, arena: Arena) throws {
    rows = Matrix(try arena.floats("\(name), embedding rows", tokens * width), tokens, width)
    ids = try arena.allocate("\(name), embedding ids", tokens, of: Int32.self)
    positions = try arena.allocate("\(name), embedding positions", tokens, of: Int32.self)
  }
}
