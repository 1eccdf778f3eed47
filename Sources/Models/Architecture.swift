import Checkpoints
import Support
import Tensors

/// What a decoder-only transformer looks like. GPT-2, Llama and their relatives are values of it.
public struct Architecture: Equatable, Sendable {
  public enum NormKind: UInt32, Sendable { case layerNorm = 0, rmsNorm = 1 }
  public enum PositionKind: UInt32, Sendable { case learned = 0, rotary = 1 }
  public enum MLPKind: UInt32, Sendable {
    /// In its tanh form.
    case gelu = 0
    case swiglu = 1
    /// By the normal distribution.
    case geluExact = 2
  }

  public var layers: Int
  /// Width of the residual stream.
  public var dModel: Int
  public var heads: Int
  /// Key and value heads; fewer than `heads` is grouped-query attention.
  public var kvHeads: Int
  public var headDim: Int
  /// Width of the MLP's hidden layer.
  public var dFF: Int
  public var vocabulary: Int
  /// The longest sequence, in tokens.
  public var context: Int
  public var norm: NormKind
  public var normEpsilon: Float
  public var position: PositionKind
  /// Rotated elements of each head; 0 with learned positions.
  public var rotaryDim: Int
  public var rotaryTheta: Float
  public var ropeScaling: RotaryScaling?
  public var mlp: MLPKind
  /// Of queries, keys and values.
  public var attentionBias: Bool
  /// Of the attention's output projection.
  public var attentionOutputBias: Bool
  public var mlpBias: Bool
  public var normBias: Bool
  /// Whether the unembedding is the token embedding.
  public var tiedEmbeddings: Bool
  /// Attention and MLP both read the layer's input, as in GPT-NeoX, and not one after the other.
  public var parallelResidual: Bool
  /// Heads of queries and keys are normalised before they turn, as in Qwen3.
  public var queryKeyNorm: Bool

  public init(
    layers: Int, dModel: Int, heads: Int, kvHeads: Int? = nil, headDim: Int? = nil,
    dFF: Int? = nil, vocabulary: Int, context: Int, norm: NormKind = .layerNorm,
    normEpsilon: Float = 1e-5, position: PositionKind = .learned, rotaryDim: Int = 0,
    rotaryTheta: Float = 10_000, ropeScaling: RotaryScaling? = nil, mlp: MLPKind = .gelu,
    attentionBias: Bool = true, attentionOutputBias: Bool? = nil, mlpBias: Bool = true,
    normBias: Bool = true, tiedEmbeddings: Bool = true, parallelResidual: Bool = false,
    queryKeyNorm: Bool = false
  ) {
    self.layers = layers
    self.dModel = dModel
    self.heads = heads
    self.kvHeads = kvHeads ?? heads
    self.headDim = headDim ?? dModel / max(heads, 1)
    self.dFF = dFF ?? 4 * dModel
    self.vocabulary = vocabulary
    self.context = context
    self.norm = norm
    self.normEpsilon = normEpsilon
    self.position = position
    self.rotaryDim = rotaryDim
    self.rotaryTheta = rotaryTheta
    self.mlp = mlp
    self.ropeScaling = ropeScaling
    self.attentionBias = attentionBias
    self.attentionOutputBias = attentionOutputBias ?? attentionBias
    self.mlpBias = mlpBias
    self.normBias = normBias
    self.tiedEmbeddings = tiedEmbeddings
    self.parallelResidual = parallelResidual
    self.queryKeyNorm = queryKeyNorm
  }

  /// GPT-2's choices at any size.
  public static func gpt2(
    layers: Int, dModel: Int, heads: Int, vocabulary: Int, context: Int
  ) -> Architecture {
    Architecture(
      layers: layers, dModel: dModel, heads: heads, vocabulary: vocabulary, context: context)
  }

  /// Width of all query heads together.
  public var queryWidth: Int { heads * headDim }
  /// Width of all key heads (or value heads) together.
  public var keyValueWidth: Int { kvHeads * headDim }
  /// Width of the fused projection: queries, keys, values.
  public var qkvWidth: Int { queryWidth + 2 * keyValueWidth }
  /// Width of the MLP's first projection: SwiGLU has gate and up side by side.
  public var upWidth: Int { mlp == .swiglu ? 2 * dFF : dFF }

  /// Elements of all matrices, as far as a float64 counts them: no shape makes it overflow.
  public var matrixElements: Double {
    let rows = Double(qkvWidth) + Double(queryWidth) + Double(upWidth) + Double(dFF)
    return Double(dModel) * (Double(vocabulary) + Double(layers) * rows)
  }

  /// So that the bytes of a few such models are still an `Int`.
  private static let mostElements = 0x1p56

  /// - Throws: `Failure(.badData)` naming the first contradiction, or what cannot be computed.
  public func validate(at place: String? = nil) throws {
    guard attentionBias || !attentionOutputBias else {
      throw Failure(
        .badData, "the attention's output has a bias, and queries, keys and values have none",
        at: place)
    }
    try record.validate(at: place)
    guard matrixElements <= Self.mostElements else {
      throw Failure(
        .badData, "a model of \(matrixElements) parameters is larger than any memory", at: place,
        remedy: "Choose fewer layers, or narrower ones.")
    }
    guard headDim <= AttentionShape.widestHead else {
      throw Failure(
        .badData,
        "a head of \(headDim) elements is wider than \(AttentionShape.widestHead), the most that "
          + "attention computes", at: place, remedy: "Use more heads.")
    }
  }
}
