import Tensors

/// The gradients of a transformer, by layer and tensor. Tensors that do not learn have no gradient (nil or `.none`).
struct TransformerGradients {
  struct Layer {
    let norm1: Norm?
    let qkv: LinearGradient
    let queryNorm: HeadNorm?
    let keyNorm: HeadNorm?
    let output: LinearGradient
    let outputNorm1: Norm?
    let norm2: Norm?
    let up: LinearGradient
    let down: LinearGradient
    let outputNorm2: Norm?

    /// Whether any tensor of the layer learns.
    var isLearnt: Bool {
      [qkv, output, up, down].contains(where: \.isLearnt) || queryNorm != nil || keyNorm != nil
        || [norm1, outputNorm1, norm2, outputNorm2].contains { $0 != nil }
    }
  }

  let tokenEmbedding: UnsafeMutablePointer<Float>?
  let positionEmbedding: UnsafeMutablePointer<Float>?
  let layers: [Layer]
  let finalNorm: Norm?
  let unembedding: LinearGradient
  /// The lowest layer that the backward pass must reach: below it, no layer and no embedding learns.
  let lowestLayer: Int

  init(_ parameters: ParameterSet) {
    let layout = parameters.layout
    let a = layout.architecture
    for tensor in layout.trunk where tensor.role == .bias {
      precondition(
        layout.trunk["\(tensor.name.dropLast(4))weight"] != nil,
        "\(tensor.name) cannot learn without its weight")
    }
    func norm(_ name: String) -> Norm? { Norm(name, a, values: parameters.values) }
    func headNorm(_ name: String, _ heads: Int) -> HeadNorm? {
      HeadNorm(name, heads: heads, a, values: parameters.values)
    }
    func full(_ name: String, _ shape: (outputs: Int, inputs: Int)) -> LinearGradient {
      parameters.values("\(name).weight").map {
        .full(
          Linear(
            inputs: shape.inputs, outputs: shape.outputs, weight: .float32($0),
            bias: parameters.values("\(name).bias")))
      } ?? .none
    }
    tokenEmbedding = parameters.values("token_embedding.weight")
    positionEmbedding = parameters.values("position_embedding.weight")
    layers = (0..<a.layers).map { layer in
      let prefix = "layers.\(layer)"
      func gradient(_ projection: Projection) -> LinearGradient {
        guard let options = layout.adapter else {
          return full("\(prefix).\(projection.name(in: a))", projection.shape(in: a))
        }
        return LowRank(projection, layer: layer, a, options, values: parameters.values)
          .map { .lowRank($0) } ?? .none
      }
      return Layer(
        norm1: norm("\(prefix).norm1"), qkv: gradient(.queryKeyValue),
        queryNorm: headNorm("\(prefix).attention.query_norm", a.heads),
        keyNorm: headNorm("\(prefix).attention.key_norm", a.kvHeads), output: gradient(.attentionOutput),
        outputNorm1: norm("\(prefix).output_norm1"), norm2: norm("\(prefix).norm2"), up: gradient(.up),
        down: gradient(.down), outputNorm2: norm("\(prefix).output_norm2"))
    }
    finalNorm = norm("final_norm")
    unembedding =
      layout.hasUnembedding
      ? full(a.tiedEmbeddings ? "token_embedding" : "unembedding", (a.vocabulary, a.dModel)) : .none
    lowestLayer =
      tokenEmbedding != nil || positionEmbedding != nil
      ? 0 : layers.firstIndex(where: \.isLearnt) ?? layers.count
  }
}

extension LowRank {
  /// The adapter of one projection, or the adapter's gradient; nil if the projection has none.
  init?(
    _ projection: Projection, layer: Int, _ architecture: Architecture, _ options: LowRankOptions,
    values: (String) -> UnsafeMutablePointer<Float>?
  ) {
    let name = "layers.\(layer).\(projection.name(in: architecture))"
    guard let a = values("\(name).lora_a"), let b = values("\(name).lora_b") else { return nil }
    let (outputs, inputs) = projection.shape(in: architecture)
    self.init(rank: options.rank, inputs: inputs, outputs: outputs, a: a, b: b, scale: options.scale)
  }
}
