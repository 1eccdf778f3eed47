/// Where each tensor of a model lies in its buffer.
///
/// Tensors stand in this order, each at the next multiple of 256 bytes: the rule of a checkpoint's
/// section, so a mapped section is such a buffer.
public struct ParameterLayout: Sendable {
  public struct Tensor: Sendable {
    public let name: String
    public let dims: [Int]
    /// In elements from the start of the buffer.
    public let offset: Int
    public var count: Int { dims.reduce(1, *) }
    /// Weight decay is for matrices; norms and biases keep their size.
    public var decays: Bool { dims.count > 1 }
  }

  public let architecture: Architecture
  /// Trunk, and the unembedding of a language model that does not tie it.
  public private(set) var trunk: [Tensor] = []
  /// The scalar head of a reward or value model; empty for a language model that has none beside its
  /// unembedding.
  public private(set) var head: [Tensor] = []
  public private(set) var trunkCount = 0
  public private(set) var headCount = 0
  public let hasScalarHead: Bool
  /// Whether it gives logits; a tied embedding serves without a tensor more.
  public let hasUnembedding: Bool
  private var index: [String: Int] = [:]

  private static let alignment = 64  // float32 elements: 256 bytes

  /// - Parameter unembedding: nil for the one head or the other; true for a language model whose trunk
  ///   has a scalar head, too.
  public init(_ architecture: Architecture, scalarHead: Bool, unembedding: Bool? = nil) {
    self.architecture = architecture
    hasScalarHead = scalarHead
    hasUnembedding = unembedding ?? !scalarHead
    let a = architecture
    add("token_embedding.weight", a.vocabulary, a.dModel)
    if a.position == .learned { add("position_embedding.weight", a.context, a.dModel) }
    for layer in 0..<a.layers { addLayer("layers.\(layer)") }
    addNorm("final_norm")
    if !a.tiedEmbeddings && hasUnembedding { add("unembedding.weight", a.vocabulary, a.dModel) }
    if scalarHead {
      head = [
        Tensor(name: "head.weight", dims: [a.dModel], offset: 0),
        Tensor(name: "head.bias", dims: [1], offset: Self.align(a.dModel)),
      ]
      headCount = Self.align(a.dModel) + 1
    }
  }

  private mutating func addLayer(_ prefix: String) {
    let a = architecture
    addNorm("\(prefix).norm1")
    addLinear("\(prefix).attention.qkv", a.qkvWidth, a.dModel, bias: a.attentionBias)
    if a.queryKeyNorm {
      add("\(prefix).attention.query_norm.weight", a.headDim)
      add("\(prefix).attention.key_norm.weight", a.headDim)
    }
    addLinear("\(prefix).attention.output", a.dModel, a.queryWidth, bias: a.attentionOutputBias)
    addNorm("\(prefix).norm2")
    let up = a.mlp == .swiglu ? "gate_up" : "up"
    addLinear("\(prefix).mlp.\(up)", a.upWidth, a.dModel, bias: a.mlpBias)
    addLinear("\(prefix).mlp.down", a.dModel, a.dFF, bias: a.mlpBias)
  }

  private mutating func addNorm(_ prefix: String) {
    add("\(prefix).weight", architecture.dModel)
    if architecture.normBias { add("\(prefix).bias", architecture.dModel) }
  }

  private mutating func addLinear(_ prefix: String, _ outputs: Int, _ inputs: Int, bias: Bool) {
    add("\(prefix).weight", outputs, inputs)
    if bias { add("\(prefix).bias", outputs) }
  }

  private mutating func add(_ name: String, _ dims: Int...) {
    let tensor = Tensor(name: name, dims: dims, offset: Self.align(trunkCount))
    index[name] = trunk.count
    trunk.append(tensor)
    trunkCount = tensor.offset + tensor.count
  }

  private static func align(_ count: Int) -> Int { (count + alignment - 1) / alignment * alignment }

  /// The trunk's tensor of that name.
  func tensor(_ name: String) -> Tensor? { index[name].map { trunk[$0] } }
}
