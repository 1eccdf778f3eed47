import Tensors

/// Parameters as the computation sees them: projections and norms by name, float32 or int8.
public struct TransformerWeights: @unchecked Sendable {
  public struct Layer: @unchecked Sendable {
    public let norm1: Norm
    public let qkv: Linear
    public let queryNorm: HeadNorm?
    public let keyNorm: HeadNorm?
    /// What an int8 cache multiplies keys by, [kvHeads, headDim]; nil for 1.
    public let keyFactors: UnsafePointer<Float>?
    public let output: Linear
    public let norm2: Norm
    public let up: Linear
    public let down: Linear
  }

  public let architecture: Architecture
  public let tokenEmbedding: EmbeddingTable
  public let positionEmbedding: UnsafeMutablePointer<Float>?
  public let layers: [Layer]
  public let finalNorm: Norm
  /// nil for a reward or value model that had none.
  public let unembedding: Linear?

  /// Float32 projections that lie in `parameters`.
  public init(_ parameters: ParameterSet) {
    self.init(
      parameters.layout.architecture, values: parameters.values,
      tokenEmbedding: .float32(parameters.values("token_embedding.weight")!), keyFactors: nil,
      hasUnembedding: parameters.layout.hasUnembedding
    ) { name in
      .float32(parameters.values(name)!)
    }
  }

  /// - Parameters:
  ///   - values: norms, biases and a table of positions by name.
  ///   - keyFactors: of all layers, [layers, kvHeads, headDim].
  ///   - hasUnembedding: false for a reward or value model.
  ///   - weight: projections by name.
  init(
    _ a: Architecture, values: (String) -> UnsafeMutablePointer<Float>?,
    tokenEmbedding: EmbeddingTable, keyFactors: UnsafePointer<Float>?, hasUnembedding: Bool, weight: (String) -> Linear.Weight
  ) {
    func norm(_ name: String) -> Norm {
      Norm(
        width: a.dModel, gamma: values("\(name).weight")!, beta: values("\(name).bias"),
        epsilon: a.normEpsilon, isRMS: a.norm == .rmsNorm)
    }
    func linear(_ name: String, _ inputs: Int, _ outputs: Int) -> Linear {
      Linear(
        inputs: inputs, outputs: outputs, weight: weight("\(name).weight"),
        bias: values("\(name).bias"))
    }
    func headNorm(_ name: String, _ heads: Int) -> HeadNorm? {
      values("\(name).weight").map {
        HeadNorm(heads: heads, headDim: a.headDim, gamma: $0, epsilon: a.normEpsilon)
      }
    }
    architecture = a
    self.tokenEmbedding = tokenEmbedding
    positionEmbedding = values("position_embedding.weight")
    layers = (0..<a.layers).map { layer in
      let prefix = "layers.\(layer)"
      return Layer(
        norm1: norm("\(prefix).norm1"),
        qkv: linear("\(prefix).attention.qkv", a.dModel, a.qkvWidth),
        queryNorm: headNorm("\(prefix).attention.query_norm", a.heads),
        keyNorm: headNorm("\(prefix).attention.key_norm", a.kvHeads),
        keyFactors: keyFactors.map { $0 + layer * a.keyValueWidth },
        output: linear("\(prefix).attention.output", a.queryWidth, a.dModel),
        norm2: norm("\(prefix).norm2"),
        up: linear("\(prefix).mlp.\(a.mlp == .swiglu ? "gate_up" : "up")", a.dModel, a.upWidth),
        down: linear("\(prefix).mlp.down", a.dFF, a.dModel))
    }
    finalNorm = norm("final_norm")
    let name = a.tiedEmbeddings ? "token_embedding" : "unembedding"
    unembedding = hasUnembedding ? linear(name, a.dModel, a.vocabulary) : nil
  }
}
