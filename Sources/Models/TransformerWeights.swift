import Tensors

/// Parameters as the computation sees them: projections and norms by name, float32 or int8.
public struct TransformerWeights: @unchecked Sendable {
  public struct Layer: @unchecked Sendable {
    public let norm1: Norm
    public let qkv: Linear
    public let output: Linear
    public let norm2: Norm
    public let up: Linear
    public let down: Linear
  }

  public let architecture: Architecture
  public let tokenEmbedding: UnsafeMutablePointer<Float>
  public let positionEmbedding: UnsafeMutablePointer<Float>?
  public let layers: [Layer]
  public let finalNorm: Norm
  /// nil for a reward or value model that had none.
  public let unembedding: Linear?

  /// Float32 projections that lie in `parameters`.
  public init(_ parameters: ParameterSet) {
    self.init(parameters) { name, inputs, outputs in
      .float32(parameters.values("\(name).weight")!)
    }
  }

  /// Projections whose weights `weight` supplies; norms, biases and embeddings lie in `parameters`.
  init(
    _ parameters: ParameterSet,
    weight: (_ name: String, _ inputs: Int, _ outputs: Int) -> Linear.Weight
  ) {
    let a = parameters.layout.architecture
    func norm(_ name: String) -> Norm {
      Norm(
        width: a.dModel, gamma: parameters.values("\(name).weight")!,
        beta: parameters.values("\(name).bias"), epsilon: a.normEpsilon,
        isRMS: a.norm == .rmsNorm)
    }
    func linear(_ name: String, _ inputs: Int, _ outputs: Int) -> Linear {
      Linear(
        inputs: inputs, outputs: outputs, weight: weight(name, inputs, outputs),
        bias: parameters.values("\(name).bias"))
    }
    architecture = a
    tokenEmbedding = parameters.values("token_embedding.weight")!
    positionEmbedding = parameters.values("position_embedding.weight")
    layers = (0..<a.layers).map { layer in
      let prefix = "layers.\(layer)"
      return Layer(
        norm1: norm("\(prefix).norm1"),
        qkv: linear("\(prefix).attention.qkv", a.dModel, a.qkvWidth),
        output: linear("\(prefix).attention.output", a.queryWidth, a.dModel),
        norm2: norm("\(prefix).norm2"),
        up: linear("\(prefix).mlp.\(a.mlp == .swiglu ? "gate_up" : "up")", a.dModel, a.upWidth),
        down: linear("\(prefix).mlp.down", a.dFF, a.dModel))
    }
    finalNorm = norm("final_norm")
    if a.tiedEmbeddings {
      unembedding = linear("token_embedding", a.dModel, a.vocabulary)
    } else if parameters.values("unembedding.weight") != nil {
      unembedding = linear("unembedding", a.dModel, a.vocabulary)
    } else {
      unembedding = nil
    }
  }
}
