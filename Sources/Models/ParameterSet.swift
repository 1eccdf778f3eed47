import Support
import Tensors

/// The float32 parameters of one model, or other values of the same shape: gradients, moments, an average.
///
/// It is a view of a mapped file or an arena; `owners` keep that memory alive.
public struct ParameterSet: StoredParameters, @unchecked Sendable {
  public let layout: ParameterLayout
  public let trunk: UnsafeMutablePointer<Float>
  public let head: UnsafeMutablePointer<Float>?
  private let owners: [AnyObject]

  public init(
    _ layout: ParameterLayout, trunk: UnsafeMutablePointer<Float>,
    head: UnsafeMutablePointer<Float>?, owner: AnyObject?
  ) {
    self.init(layout, trunk: trunk, head: head, owners: owner.map { [$0] } ?? [])
  }

  private init(
    _ layout: ParameterLayout, trunk: UnsafeMutablePointer<Float>,
    head: UnsafeMutablePointer<Float>?, owners: [AnyObject]
  ) {
    precondition(layout.hasScalarHead == (head != nil), "layout and buffers must agree on the scalar head")
    self.layout = layout
    self.trunk = trunk
    self.head = head
    self.owners = owners
  }

  /// Allocates all tensors in the arena, filled with zeroes.
  public init(_ layout: ParameterLayout, name: String, arena: Arena) throws {
    self.init(
      layout, trunk: try arena.floats(name, layout.trunkCount),
      head: layout.hasScalarHead ? try arena.floats("\(name), head", layout.headCount) : nil,
      owner: arena)
  }

  /// This language model, or this adapter, with an additional scalar head. The head is allocated in the arena and
  /// filled with zeroes; the trunk is shared, not copied.
  public func addingScalarHead(name: String, arena: Arena) throws -> ParameterSet {
    precondition(layout.hasUnembedding || layout.adapter != nil, "no language model to add a scalar head to")
    let both = layout.withHead
    return ParameterSet(
      both, trunk: trunk, head: try arena.floats(name, both.headCount), owners: owners + [arena])
  }

  /// The language model, or the adapter, without its scalar head.
  public var languageModel: ParameterSet {
    precondition(layout.hasUnembedding || layout.adapter != nil, "no language model")
    return ParameterSet(layout.withoutHead, trunk: trunk, head: nil, owners: owners)
  }

  /// Each buffer with its element count.
  public var buffers: [(base: UnsafeMutablePointer<Float>, count: Int)] {
    var buffers = [(base: trunk, count: layout.trunkCount)]
    if let head { buffers.append((base: head, count: layout.headCount)) }
    return buffers
  }

  /// Each tensor with its values.
  public var tensors: [(tensor: ParameterLayout.Tensor, base: UnsafeMutablePointer<Float>)] {
    layout.trunk.map { ($0, trunk + $0.offset) }
      + layout.head.map { ($0, head! + $0.offset) }
  }

  /// The scalar head's weight [d].
  public var headWeight: UnsafeMutablePointer<Float> { head! + layout.head[0].offset }
  /// The scalar head's bias.
  public var headBias: UnsafeMutablePointer<Float> { head! + layout.head[1].offset }

  public func fillZero() {
    for (base, count) in buffers { base.update(repeating: 0, count: count) }
  }

  /// The parameters of a model that learns: `stored` itself, in place, if it can learn; else a float32 copy of it in
  /// the arena (without values if the arena is a plan).
  public static func learning(from stored: any StoredParameters, name: String, arena: Arena) throws -> ParameterSet {
    if let parameters = stored as? ParameterSet { return parameters }
    let copy = try ParameterSet(stored.layout, name: name, arena: arena)
    if !arena.isPlan {
      copy.copy(from: stored)
      stored.releasePages()
    }
    return copy
  }

  /// Copies the tensors that both have, by name.
  public func copy(from other: any StoredParameters) {
    let work = Work("copying weights", of: layout.trunkCount)
    defer { work.end() }
    for (tensor, base) in tensors {
      if let source = other.stored(tensor.name) { source.read(from: 0, count: tensor.count, into: base) }
      work.advance(by: tensor.count)
    }
  }

  public func stored(_ name: String) -> StoredFloats? { values(name).map { StoredFloats($0) } }

  /// The values of the tensor with that name; nil if there is none.
  public func values(_ name: String) -> UnsafeMutablePointer<Float>? {
    if let tensor = layout.trunk[name] { return trunk + tensor.offset }
    guard let head, let tensor = layout.head[name] else { return nil }
    return head + tensor.offset
  }

  /// GPT-2's initialisation: N(0, 0.02), divided by √(2·layers) for projections into the residual stream; norms 1,
  /// biases 0; a scalar head N(0, 1/√(d + 1)) with bias 0. An adapter starts without any effect: A is uniform, B is 0
  /// (Hu et al. 2021).
  public func initialize(seed: UInt64) {
    fillZero()
    let work = Work("initializing weights", of: layout.trunkCount)
    defer { work.end() }
    for (number, (tensor, base)) in tensors.enumerated() {
      defer { work.advance(by: tensor.count) }
      var random = RandomStream(seed: seed, purpose: "initialize", index: UInt64(number))
      func draw(_ deviation: Float) {
        for i in 0..<tensor.count { base[i] = deviation * random.normal() }
      }
      switch tensor.role {
      case .normWeight:
        base.update(repeating: layout.architecture.normUnitOffset ? 0 : 1, count: tensor.count)
      case .tokenEmbedding, .positionEmbedding, .unembedding: draw(0.02)
      case .projection(let projection):
        let depth = Float(2 * layout.architecture.layers).squareRoot()
        draw(projection.entersResidual ? 0.02 / depth : 0.02)
      case .adapterInput:
        // U(−1/√inputs, 1/√inputs), as in `peft`.
        let bound = 1 / Float(tensor.dims[1]).squareRoot()
        for i in 0..<tensor.count { base[i] = bound * (2 * random.uniform() - 1) }
      case .adapterOutput, .bias, .headWeight, .headBias: break
      }
    }
    if head != nil { initializeHead(seed: seed) }
  }

  /// Head ~ N(0, 1/√(d + 1)), bias 0 (Stiennon et al. 2020).
  public func initializeHead(seed: UInt64) {
    var random = RandomStream(seed: seed, purpose: "initialize/head")
    let width = layout.architecture.dModel
    let deviation = 1 / Float(width + 1).squareRoot()
    for i in 0..<width { headWeight[i] = deviation * random.normal() }
    headBias[0] = 0
  }
}
