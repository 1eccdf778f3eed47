import Checkpoints

/// What a tensor of a model is for. What is done with it follows from this, never from its name.
public enum TensorRole: Hashable, Sendable {
  case tokenEmbedding
  case positionEmbedding
  /// The factors of a norm, which begin at 1.
  case normWeight
  /// What a norm or a projection adds.
  case bias
  case projection(Projection)
  case unembedding
  case headWeight
  case headBias
  /// A of a projection's low-rank adapter, [rank, inputs].
  case adapterInput(Projection)
  /// B of it, [outputs, rank].
  case adapterOutput(Projection)
}

/// The projections of a layer.
public enum Projection: String, CaseIterable, Sendable {
  case queryKeyValue
  case attentionOutput
  /// Into the MLP: up, or gate and up.
  case up
  case down

  /// Whether its output is added to the residual stream.
  public var entersResidual: Bool { self == .attentionOutput || self == .down }
}

/// Float32 tensors in one buffer: names, dims, roles and places.
///
/// Tensors stand in order, each at the next multiple of 256 bytes: the rule of a checkpoint's section, so that a
/// mapped section is such a buffer. Parameters, gradients, moments and averages are buffers of one table.
public struct TensorTable: RandomAccessCollection, Sendable {
  public struct Tensor: Sendable {
    public let name: String
    public let dims: [Int]
    public let role: TensorRole
    /// In elements from the start of the buffer.
    public let offset: Int
    public var count: Int { dims.reduce(1, *) }
    /// Weight decay is for matrices; norms and biases keep their size.
    public var decays: Bool { dims.count > 1 }
  }

  private var tensors: [Tensor] = []
  private var index: [String: Int] = [:]
  /// Elements of the buffer.
  public private(set) var extent = 0

  public init() {}

  public var startIndex: Int { tensors.startIndex }
  public var endIndex: Int { tensors.endIndex }
  public subscript(position: Int) -> Tensor { tensors[position] }

  /// The tensor of that name.
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
