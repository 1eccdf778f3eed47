import Support
import Tensors

/// The weights that a transformer computes with: projections (float32, 16 bits or int8), norms and embeddings, by layer.
public struct TransformerWeights: @unchecked Sendable {
  public struct Layer: @unchecked Sendable {
    /// The norm on the attention's input; nil if there is none.
    public let norm1: Norm?
    public internal(set) var qkv: Linear
    public let queryNorm: HeadNorm?
    public let keyNorm: HeadNorm?
    /// An int8 cache multiplies keys by these factors, [kvHeads, headDim]; nil for 1.
    public let keyFactors: UnsafePointer<Float>?
    public internal(set) var output: Linear
    /// The norm on the attention's output; nil if there is none.
    public let outputNorm1: Norm?
    /// The norms on the MLP's input and output, likewise.
    public let norm2: Norm?
    public internal(set) var up: Linear
    public internal(set) var down: Linear
    public let outputNorm2: Norm?

    subscript(projection: Projection) -> Linear {
      get {
        switch projection {
        case .queryKeyValue: qkv
        case .attentionOutput: output
        case .up: up
        case .down: down
        }
      }
      set {
        switch projection {
        case .queryKeyValue: qkv = newValue
        case .attentionOutput: output = newValue
        case .up: up = newValue
        case .down: down = newValue
        }
      }
    }
  }

  public let architecture: Architecture
  public let tokenEmbedding: WeightMatrix
  public let positionEmbedding: UnsafeMutablePointer<Float>?
  public private(set) var layers: [Layer]
  public let finalNorm: Norm
  /// nil for a reward or value model without one.
  public let unembedding: Linear?

  /// Weights that point into `parameters`.
  public init(_ parameters: any StoredParameters) {
    self.init(
      parameters.layout.architecture, values: { parameters.stored($0)?.floats },
      tokenEmbedding: .floats(parameters.stored("token_embedding.weight")!), keyFactors: nil,
      hasUnembedding: parameters.layout.hasUnembedding
    ) { name in
      .floats(parameters.stored(name)!)
    }
  }

  /// These weights with a low-rank adapter on their projections.
  /// - Parameter adapter: parameters with the layout of an adapter.
  public func adapted(by adapter: ParameterSet) -> TransformerWeights {
    guard let options = adapter.layout.adapter, adapter.layout.architecture == architecture else {
      preconditionFailure("the adapter is not for this architecture")
    }
    var weights = self
    for layer in layers.indices {
      for projection in Projection.allCases {
        weights.layers[layer][projection].adapter = LowRank(
          projection, layer: layer, architecture, options, values: adapter.values)
      }
    }
    return weights
  }

  /// - Parameters:
  ///   - values: returns norms, biases and the position table by name.
  ///   - keyFactors: the key factors of all layers, [layers, kvHeads, headDim].
  ///   - hasUnembedding: false for a reward or value model.
  ///   - weight: returns the projections by name.
  init(
    _ a: Architecture, values: (String) -> UnsafeMutablePointer<Float>?,
    tokenEmbedding: WeightMatrix, keyFactors: UnsafePointer<Float>?, hasUnembedding: Bool,
    weight: (String) -> WeightMatrix
  ) {
    func norm(_ name: String) -> Norm? { Norm(name, a, values: values) }
    func linear(_ name: String, _ shape: (outputs: Int, inputs: Int)) -> Linear {
      Linear(
        inputs: shape.inputs, outputs: shape.outputs, weight: weight("\(name).weight"),
        bias: values("\(name).bias"))
    }
    architecture = a
    self.tokenEmbedding = tokenEmbedding
    positionEmbedding = values("position_embedding.weight")
    layers = (0..<a.layers).map { layer in
      let prefix = "layers.\(layer)"
      func projection(_ projection: Projection) -> Linear {
        linear("\(prefix).\(projection.name(in: a))", projection.shape(in: a))
      }
      return Layer(
        norm1: norm("\(prefix).norm1"),
        qkv: projection(.queryKeyValue),
        queryNorm: HeadNorm("\(prefix).attention.query_norm", heads: a.heads, a, values: values),
        keyNorm: HeadNorm("\(prefix).attention.key_norm", heads: a.kvHeads, a, values: values),
        keyFactors: keyFactors.map { $0 + layer * a.keyValueWidth },
        output: projection(.attentionOutput), outputNorm1: norm("\(prefix).output_norm1"),
        norm2: norm("\(prefix).norm2"), up: projection(.up), down: projection(.down),
        outputNorm2: norm("\(prefix).output_norm2"))
    }
    finalNorm = norm("final_norm")!
    let name = a.tiedEmbeddings ? "token_embedding" : "unembedding"
    unembedding = hasUnembedding ? linear(name, (a.vocabulary, a.dModel)) : nil
  }
}

extension Norm {
  /// The norm with that name, of parameters or gradients; nil if there is none.
  init?(_ name: String, _ architecture: Architecture, values: (String) -> UnsafeMutablePointer<Float>?) {
    guard let gamma = values("\(name).weight") else { return nil }
    self.init(
      width: architecture.dModel, gamma: gamma, beta: values("\(name).bias"),
      epsilon: architecture.normEpsilon, isRMS: architecture.norm == .rmsNorm,
      hasUnitOffset: architecture.normUnitOffset)
  }
}

extension HeadNorm {
  /// The norm with that name, of parameters or gradients; nil if there is none. A norm that spans all heads is that of
  /// one wide head.
  init?(
    _ name: String, heads: Int, _ architecture: Architecture,
    values: (String) -> UnsafeMutablePointer<Float>?
  ) {
    guard let gamma = values("\(name).weight") else { return nil }
    let spans = architecture.queryKeyNormSpansHeads
    self.init(
      heads: spans ? 1 : heads, headDim: spans ? heads * architecture.headDim : architecture.headDim, gamma: gamma,
      epsilon: architecture.normEpsilon, hasUnitOffset: architecture.normUnitOffset)
  }
}
