import Checkpoints

/// The role of a tensor in a model. The code decides by the role, never by the name, how to treat a tensor.
public enum TensorRole: Hashable, Sendable {
  case tokenEmbedding
  case positionEmbedding
  /// The factors of a norm; they start at 1.
  case normWeight
  /// The bias of a norm or a projection.
  case bias
  case projection(Projection)
  case unembedding
  case headWeight
  case headBias
  /// A of a projection's low-rank adapter, [rank, inputs].
  case adapterInput(Projection)
  /// B of a projection's low-rank adapter, [outputs, rank].
  case adapterOutput(Projection)
}

/// The projections of a layer.
public enum Projection: String, CaseIterable, Sendable {
  case queryKeyValue
  case attentionOutput
  /// The MLP's first projection: up, or gate and up.
  case up
  case down

  /// Whether its output is added to the residual stream.
  public var entersResidual: Bool { self == .attentionOutput || self == .down }
}

/// The layout of float32 tensors in one buffer: names, dims, roles and offsets.
///
/// Tensors are in order, each at the next multiple of 256 bytes. A checkpoint's section follows the same rule, so a
/// mapped section can be used as the buffer. Parameters, gradients, moments and averages are buffers with one table.
public struct TensorTable: RandomAccessCollection, Sendable {
  public struct Tensor: Sendable {
    public let name: String
    public let dims: [Int]
    public let role: TensorRole
    /// Offset from the start of the buffer, in elements.
    public let offset: Int
    public var count: Int { dims.reduce(1, *) }
    /// Whether weight decay applies: only to matrices, not to norms and biases.
    public var decays: Bool { dims.count > 1 }
  }

  private var tensors: [Tensor] = []
  private var index: [String: Int] = [:]
  /// Number of elements in the buffer.
  public private(set) var extent = 0

  public init() {}

  public var startIndex: Int { tensors.startIndex }
  public var endIndex: Int { tensors.endIndex }
  public subscript(position: Int) -> Tensor { tensors[position] }

  /// The tensor with that name; nil if there is none.
  public subscript(name: String) -> Tensor? { index[name].map { tensors[$0] } }

  func filtered(_ isIncluded: (Tensor) -> Bool) -> TensorTable {
    var table = TensorTable()
    for tensor in tensors where isIncluded(tensor) { table.add(tensor.name, tensor.dims, tensor.role) }
    return table
  }

  mutating func add(_ name: String, _ dims: [Int], _ role: TensorRole) {
    let offset = Format.roundUp(extent, to: Format.tensorAlignment / MemoryLayout<Float>.size)
    index[name] = tensors.count
    tensors.append(Tensor(name: name, dims: dims, role: role, offset: offset))
    extent = offset + tensors[tensors.count - 1].count
  }
}
