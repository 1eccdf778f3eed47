import Checkpoints
import Support
import Tensors

/// The shape and options of a decoder-only transformer, such as GPT-2, Llama and related models.
public struct Architecture: Equatable, Sendable {
  public enum NormKind: UInt32, Sendable { case layerNorm = 0, rmsNorm = 1 }
  public enum PositionKind: UInt32, Sendable { case learned = 0, rotary = 1 }
  public enum MLPKind: UInt32, Sendable {
    /// GELU in the tanh approximation.
    case gelu = 0
    case swiglu = 1
    /// Exact GELU, with the normal distribution function.
    case geluExact = 2
  }

  public var layers: Int
  /// Width of the residual stream.
  public var dModel: Int
  public var heads: Int
  /// Number of key heads and of value heads; fewer than `heads` for grouped-query attention.
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
  /// Number of rotated elements in each head; 0 with learned positions.
  public var rotaryDim: Int
  public var rotaryTheta: Float
  public var ropeScaling: RotaryScaling?
  public var mlp: MLPKind
  /// Whether the query, key and value projections have a bias.
  public var attentionBias: Bool
  /// Whether the attention's output projection has a bias.
  public var attentionOutputBias: Bool
  public var mlpBias: Bool
  public var normBias: Bool
  /// Whether the unembedding is the token embedding.
  public var tiedEmbeddings: Bool
  /// Whether attention and MLP both read the layer's input, as in GPT-NeoX, instead of running one after the other.
  public var parallelResidual: Bool
  /// Whether query and key heads are normalised before the rotary embedding, as in Qwen3.
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

  /// GPT-2's options, with the given size.
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
  /// Width of the MLP's first projection; for SwiGLU it is gate and up together.
  public var upWidth: Int { mlp == .swiglu ? 2 * dFF : dFF }

  /// Number of elements of all matrices, rounded to float64 so that no shape overflows.
  public var matrixElements: Double {
    let rows = Double(qkvWidth) + Double(queryWidth) + Double(upWidth) + Double(dFF)
    return Double(dModel) * (Double(vocabulary) + Double(layers) * rows)
  }

  /// Upper bound of `matrixElements`: the bytes of a few such models still fit an `Int`.
  private static let mostElements = 0x1p56

  /// - Throws: `Failure(.badData)` for the first contradiction or unsupported value.
  public func validate(at place: String? = nil) throws {
    guard attentionBias || !attentionOutputBias else {
      throw Failure(
        .badData, "the attention output has a bias, but queries, keys and values have none",
        at: place)
    }
    try record.validate(at: place)
    guard matrixElements <= Self.mostElements else {
      throw Failure(
        .badData, "a model of \(matrixElements) parameters is larger than any memory", at: place,
        remedy: "Choose fewer or narrower layers.")
    }
    guard headDim <= AttentionShape.widestHead else {
      throw Failure(
        .badData,
        "a head of \(headDim) elements is wider than \(AttentionShape.widestHead), the most that "
          + "attention computes", at: place, remedy: "Use more heads.")
    }
  }
}
