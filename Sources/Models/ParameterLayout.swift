/// The tensors that are stored and trained together: those of a whole model, or of an adapter to a model.
public struct ParameterLayout: Sendable {
  public typealias Tensor = TensorTable.Tensor

  /// Architecture of the model (for an adapter, of the base model).
  public let architecture: Architecture
  /// The trunk of a model, including an untied unembedding of a language model; or the tensors of an adapter.
  public private(set) var trunk = TensorTable()
  /// The scalar head of a reward or value model; empty if there is none.
  public private(set) var head = TensorTable()
  /// Whether the model computes logits. A tied unembedding needs no additional tensor.
  public let hasUnembedding: Bool
  /// Options of the adapter; nil for a whole model.
  public let adapter: LowRankOptions?

  public var trunkCount: Int { trunk.extent }
  public var headCount: Int { head.extent }
  public var hasScalarHead: Bool { !head.isEmpty }

  /// The layout of a whole model.
  /// - Parameter unembedding: nil for a model with one head, either scalar head or unembedding; true for a language
  ///   model that also has a scalar head.
  public init(_ architecture: Architecture, scalarHead: Bool, unembedding: Bool? = nil) {
    self.architecture = architecture
    hasUnembedding = unembedding ?? !scalarHead
    adapter = nil
    let a = architecture
    trunk.add("token_embedding.weight", [a.vocabulary, a.dModel], .tokenEmbedding)
    if a.position == .learned {
      trunk.add("position_embedding.weight", [a.context, a.dModel], .positionEmbedding)
    }
    for layer in 0..<a.layers { addLayer("layers.\(layer)") }
    addNorm("final_norm")
    if !a.tiedEmbeddings && hasUnembedding {
      trunk.add("unembedding.weight", [a.vocabulary, a.dModel], .unembedding)
    }
    if scalarHead { addHead() }
  }

  /// The layout of a low-rank adapter to the projections of a model.
  /// - Parameter scalarHead: whether a scalar head learns together with the adapter.
  public init(_ architecture: Architecture, adapter: LowRankOptions, scalarHead: Bool = false) {
    self.architecture = architecture
    self.adapter = adapter
    hasUnembedding = false
    for layer in 0..<architecture.layers {
      for projection in Projection.allCases where adapter.targets.contains(projection) {
        let name = "layers.\(layer).\(projection.name(in: architecture))"
        let (outputs, inputs) = projection.shape(in: architecture)
        trunk.add("\(name).lora_a", [adapter.rank, inputs], .adapterInput(projection))
        trunk.add("\(name).lora_b", [outputs, adapter.rank], .adapterOutput(projection))
      }
    }
    if scalarHead { addHead() }
  }

  /// The same layout with a scalar head.
  public var withHead: ParameterLayout {
    var layout = self
    if !hasScalarHead { layout.addHead() }
    return layout
  }

  /// The same layout without a scalar head.
  public var withoutHead: ParameterLayout {
    var layout = self
    layout.head = TensorTable()
    return layout
  }

  /// The layout of the tensors for which `learns` is true; the others are frozen. Offsets are computed again.
  public func filtered(_ learns: (Tensor) -> Bool) -> ParameterLayout {
    var layout = self
    layout.trunk = trunk.filtered(learns)
    layout.head = head.filtered(learns)
    return layout
  }

  private mutating func addHead() {
    head.add("head.weight", [architecture.dModel], .headWeight)
    head.add("head.bias", [1], .headBias)
  }

  private mutating func addLayer(_ prefix: String) {
    let a = architecture
    let (normsInput, normsOutput) = (a.normPlacement != .after, a.normPlacement != .before)
    if normsInput { addNorm("\(prefix).norm1") }
    addProjection(.queryKeyValue, prefix, bias: a.attentionBias)
    if a.queryKeyNorm {
      let (queries, keys) = a.queryKeyNormSpansHeads ? (a.queryWidth, a.keyValueWidth) : (a.headDim, a.headDim)
      trunk.add("\(prefix).attention.query_norm.weight", [queries], .normWeight)
      trunk.add("\(prefix).attention.key_norm.weight", [keys], .normWeight)
    }
    addProjection(.attentionOutput, prefix, bias: a.attentionOutputBias)
    if normsOutput { addNorm("\(prefix).output_norm1") }
    if normsInput { addNorm("\(prefix).norm2") }
    addProjection(.up, prefix, bias: a.mlpBias)
    addProjection(.down, prefix, bias: a.mlpBias)
    if normsOutput { addNorm("\(prefix).output_norm2") }
  }

  private mutating func addNorm(_ prefix: String) {
    trunk.add("\(prefix).weight", [architecture.dModel], .normWeight)
    if architecture.normBias { trunk.add("\(prefix).bias", [architecture.dModel], .bias) }
  }

  private mutating func addProjection(_ projection: Projection, _ prefix: String, bias: Bool) {
    let name = "\(prefix).\(projection.name(in: architecture))"
    let (outputs, inputs) = projection.shape(in: architecture)
    trunk.add("\(name).weight", [outputs, inputs], .projection(projection))
    if bias { trunk.add("\(name).bias", [outputs], .bias) }
  }
}

/// A low-rank adapter of projections (Hu et al. 2021): y = x·Wᵀ + b + scale·(x·Aᵀ)·Bᵀ.
public struct LowRankOptions: Equatable, Sendable {
  public let rank: Int
  /// α, the numerator of `scale`.
  public let alpha: Float
  /// The projections with an adapter.
  public let targets: Set<Projection>
  /// Whether `scale` is α/√rank instead of α/rank; the output then has the same size at any rank (Kalajdzievski 2023).
  public let isRankStabilized: Bool

  public init(
    rank: Int, alpha: Float, targets: Set<Projection> = Set(Projection.allCases),
    isRankStabilized: Bool = false
  ) {
    precondition(rank > 0 && !targets.isEmpty, "rank \(rank), \(targets.count) projections")
    self.rank = rank
    self.alpha = alpha
    self.targets = targets
    self.isRankStabilized = isRankStabilized
  }

  public var scale: Float { alpha / (isRankStabilized ? Float(rank).squareRoot() : Float(rank)) }
}

extension Projection {
  /// Name of the projection's tensors within a layer, without `.weight`.
  func name(in architecture: Architecture) -> String {
    switch self {
    case .queryKeyValue: "attention.qkv"
    case .attentionOutput: "attention.output"
    case .up: architecture.mlp.isGated ? "mlp.gate_up" : "mlp.up"
    case .down: "mlp.down"
    }
  }

  /// Shape of the projection's matrix, [outputs, inputs].
  func shape(in a: Architecture) -> (outputs: Int, inputs: Int) {
    switch self {
    case .queryKeyValue: (a.qkvWidth, a.dModel)
    case .attentionOutput: (a.dModel, a.queryWidth)
    case .up: (a.upWidth, a.dModel)
    case .down: (a.dModel, a.dFF)
    }
  }
}
