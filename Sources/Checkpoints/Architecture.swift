import Support

/// The shape and options of a decoder-only transformer, such as GPT-2, Llama and related models.
///
/// `ArchitectureField.all` lists its fields: how the header stores each one, what is allowed, and how `inspect` shows
/// it.
public struct Architecture: Equatable, Sendable {
  public enum NormKind: Sendable { case layerNorm, rmsNorm }
  public enum PositionKind: Sendable { case learned, rotary }
  /// Where a layer's norms are: on the input of each sub-layer, on its output before it is added to the residual
  /// stream, or on both.
  public enum NormPlacement: Sendable { case before, after, both }

  /// A layer's MLP: act(Wup·x), or act(Wgate·x)∘(Wup·x) if it is gated, then Wdown.
  public struct MLP: Hashable, Sendable {
    public var activation: Activation
    public var isGated: Bool

    public init(_ activation: Activation, isGated: Bool) {
      self.activation = activation
      self.isGated = isGated
    }

    public static let gelu = MLP(.geluTanh, isGated: false)
    public static let geluExact = MLP(.geluExact, isGated: false)
    public static let silu = MLP(.silu, isGated: false)
    public static let swiglu = MLP(.silu, isGated: true)
    public static let geglu = MLP(.geluTanh, isGated: true)
    public static let gegluExact = MLP(.geluExact, isGated: true)
  }

  /// Layers whose attention differs from that of the other layers.
  public struct OtherLayers: Equatable, Sendable {
    /// The pattern is repeated every `period` layers, 1…64.
    public var period: Int
    /// Bit i is set if layers i, i + period, … are these layers.
    public var places: UInt64
    /// Window of these layers [tokens]; 0 for none.
    public var window: Int
    /// Base of these layers' rotary frequencies, which are not scaled; 0 for layers without positions.
    public var rotaryTheta: Float

    public init(period: Int, places: UInt64, window: Int = 0, rotaryTheta: Float = 0) {
      self.period = period
      self.places = places
      self.window = window
      self.rotaryTheta = rotaryTheta
    }

    /// The longest pattern.
    public static let longestPeriod = 64

    public func contains(_ layer: Int) -> Bool { places >> UInt64(layer % period) & 1 == 1 }
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
  public var mlp: MLP
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
  /// Whether queries and keys are normalised before the rotary embedding: each head, as in Qwen3, or all heads
  /// together.
  public var queryKeyNorm: Bool
  /// Whether the norm of queries and keys spans all heads, as in OLMo 2.
  public var queryKeyNormSpansHeads: Bool
  public var normPlacement: NormPlacement
  /// Whether norms multiply by 1 + weight, as in Gemma.
  public var normUnitOffset: Bool
  /// A token attends to itself and to the `window` − 1 tokens before it; 0 for all tokens before it.
  public var window: Int
  /// Factor of the scores of attention; nil for 1/√headDim.
  public var attentionScale: Float?
  /// Scores s of attention become cap·tanh(s/cap); 0 for no cap.
  public var attentionCap: Float
  /// Logits z become cap·tanh(z/cap), after `logitScale`; 0 for no cap.
  public var logitCap: Float
  /// Factor of the embeddings of tokens and positions.
  public var embeddingScale: Float
  /// Factor of the logits.
  public var logitScale: Float
  /// Factor of what each sub-layer adds to the residual stream.
  public var residualScale: Float
  /// Layers with another window or other positions; nil if all layers are equal.
  public var otherLayers: OtherLayers?

  public init(
    layers: Int, dModel: Int, heads: Int, kvHeads: Int? = nil, headDim: Int? = nil,
    dFF: Int? = nil, vocabulary: Int, context: Int, norm: NormKind = .layerNorm,
    normEpsilon: Float = 1e-5, position: PositionKind = .learned, rotaryDim: Int = 0,
    rotaryTheta: Float = 10_000, ropeScaling: RotaryScaling? = nil, mlp: MLP = .gelu,
    attentionBias: Bool = true, attentionOutputBias: Bool? = nil, mlpBias: Bool = true,
    normBias: Bool = true, tiedEmbeddings: Bool = true, parallelResidual: Bool = false,
    queryKeyNorm: Bool = false, queryKeyNormSpansHeads: Bool = false, normPlacement: NormPlacement = .before,
    normUnitOffset: Bool = false, window: Int = 0, attentionScale: Float? = nil, attentionCap: Float = 0,
    logitCap: Float = 0, embeddingScale: Float = 1, logitScale: Float = 1, residualScale: Float = 1,
    otherLayers: OtherLayers? = nil
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
    self.queryKeyNormSpansHeads = queryKeyNormSpansHeads
    self.normPlacement = normPlacement
    self.normUnitOffset = normUnitOffset
    self.window = window
    self.attentionScale = attentionScale
    self.attentionCap = attentionCap
    self.logitCap = logitCap
    self.embeddingScale = embeddingScale
    self.logitScale = logitScale
    self.residualScale = residualScale
    self.otherLayers = otherLayers
  }
}
