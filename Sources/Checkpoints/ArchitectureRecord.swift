import Support

/// The model's architecture as the header page stores it: 32 words of four bytes.
public struct ArchitectureRecord: Equatable, Sendable {
  public static let layerNorm: UInt32 = 0
  public static let rmsNorm: UInt32 = 1
  public static let learnedPositions: UInt32 = 0
  public static let rotaryPositions: UInt32 = 1
  public static let gelu: UInt32 = 0
  public static let swiglu: UInt32 = 1
  public static let geluExact: UInt32 = 2

  /// Bits of `flags`.
  public struct Flags: OptionSet, Sendable {
    public let rawValue: UInt32
    public init(rawValue: UInt32) { self.rawValue = rawValue }
    public static let attentionBias = Flags(rawValue: 1)
    public static let mlpBias = Flags(rawValue: 2)
    public static let normBias = Flags(rawValue: 4)
    public static let tiedEmbeddings = Flags(rawValue: 8)
    /// The attention's output projection has no bias, although queries, keys and values have one.
    public static let noOutputBias = Flags(rawValue: 16)
    /// Attention and MLP both read the layer's input.
    public static let parallelResidual = Flags(rawValue: 32)
    /// The heads of queries and keys are normalised.
    public static let headNorms = Flags(rawValue: 64)
    /// Rotary frequencies are scaled as in Llama 3.1.
    public static let ropeScaling = Flags(rawValue: 128)
    static let all = Flags(rawValue: 255)
  }

  public var layers: UInt32
  public var dModel: UInt32
  public var heads: UInt32
  public var kvHeads: UInt32
  public var headDim: UInt32
  public var dFF: UInt32
  public var vocabulary: UInt32
  /// The longest sequence, in tokens.
  public var context: UInt32
  /// `layerNorm` or `rmsNorm`.
  public var normKind: UInt32
  public var normEpsilon: Float
  /// `learnedPositions` or `rotaryPositions`.
  public var positionKind: UInt32
  /// Rotated elements of each head; ignored with learned positions.
  public var rotaryDims: UInt32
  public var ropeTheta: Float
  /// `gelu` (tanh form), `swiglu` or `geluExact`.
  public var mlpKind: UInt32
  public var flags: Flags
  /// The next four fields are 0 without `ropeScaling`.
  public var ropeFactor: Float
  public var ropeLowFrequencyFactor: Float
  public var ropeHighFrequencyFactor: Float
  /// The original context length, in tokens.
  public var ropeOriginalContext: UInt32

  public init(
    layers: UInt32, dModel: UInt32, heads: UInt32, kvHeads: UInt32, headDim: UInt32, dFF: UInt32,
    vocabulary: UInt32, context: UInt32, normKind: UInt32, normEpsilon: Float,
    positionKind: UInt32, rotaryDims: UInt32, ropeTheta: Float, mlpKind: UInt32, flags: Flags,
    ropeFactor: Float = 0, ropeLowFrequencyFactor: Float = 0, ropeHighFrequencyFactor: Float = 0,
    ropeOriginalContext: UInt32 = 0
  ) {
    self.layers = layers
    self.dModel = dModel
    self.heads = heads
    self.kvHeads = kvHeads
    self.headDim = headDim
    self.dFF = dFF
    self.vocabulary = vocabulary
    self.context = context
    self.normKind = normKind
    self.normEpsilon = normEpsilon
    self.positionKind = positionKind
    self.rotaryDims = rotaryDims
    self.ropeTheta = ropeTheta
    self.mlpKind = mlpKind
    self.flags = flags
    self.ropeFactor = ropeFactor
    self.ropeLowFrequencyFactor = ropeLowFrequencyFactor
    self.ropeHighFrequencyFactor = ropeHighFrequencyFactor
    self.ropeOriginalContext = ropeOriginalContext
  }

  private static let usedBytes = 76

  var record: [UInt8] {
    var record = RecordBytes(Format.recordBytes)
    let words = [
      layers, dModel, heads, kvHeads, headDim, dFF, vocabulary, context, normKind,
      normEpsilon.bitPattern, positionKind, rotaryDims, ropeTheta.bitPattern, mlpKind,
      flags.rawValue, ropeFactor.bitPattern, ropeLowFrequencyFactor.bitPattern,
      ropeHighFrequencyFactor.bitPattern, ropeOriginalContext,
    ]
    for (index, word) in words.enumerated() { record.put(word, at: 4 * index) }
    return record.bytes
  }

  init(_ r: UnsafeRawBufferPointer) {
    self.init(
      layers: r.u32(0), dModel: r.u32(4), heads: r.u32(8), kvHeads: r.u32(12), headDim: r.u32(16),
      dFF: r.u32(20), vocabulary: r.u32(24), context: r.u32(28), normKind: r.u32(32),
      normEpsilon: Float(bitPattern: r.u32(36)), positionKind: r.u32(40), rotaryDims: r.u32(44),
      ropeTheta: Float(bitPattern: r.u32(48)), mlpKind: r.u32(52), flags: Flags(rawValue: r.u32(56)),
      ropeFactor: Float(bitPattern: r.u32(60)), ropeLowFrequencyFactor: Float(bitPattern: r.u32(64)),
      ropeHighFrequencyFactor: Float(bitPattern: r.u32(68)), ropeOriginalContext: r.u32(72))
  }

  /// The first contradiction between fields, with its offset in the record; nil if there is none.
  func contradiction() -> (offset: Int, what: String)? {
    let counts = [
      ("layers", layers), ("d_model", dModel), ("heads", heads), ("kv_heads", kvHeads),
      ("head_dim", headDim), ("d_ff", dFF), ("vocabulary", vocabulary), ("context", context),
    ]
    for (index, (name, count)) in counts.enumerated() where !(1...(1 << 24)).contains(count) {
      return (4 * index, "\(name) \(count) is not in 1…16,777,216")
    }
    if heads % kvHeads != 0 {
      return (12, "\(heads) heads cannot share \(kvHeads) key-value heads")
    }
    if normKind > Self.rmsNorm { return (32, "the norm kind \(normKind) is unknown") }
    if !(normEpsilon.isFinite && normEpsilon > 0) {
      return (36, "the norm's epsilon \(normEpsilon) is not positive")
    }
    if positionKind > Self.rotaryPositions {
      return (40, "the position kind \(positionKind) is unknown")
    }
    if positionKind == Self.rotaryPositions {
      if rotaryDims == 0 || rotaryDims % 2 != 0 || rotaryDims > headDim {
        return (44, "\(rotaryDims) rotary dimensions do not fit a head of \(headDim)")
      }
      if !(ropeTheta.isFinite && ropeTheta > 1) {
        return (48, "rope theta \(ropeTheta) is not above 1")
      }
    }
    if mlpKind > Self.geluExact { return (52, "the MLP kind \(mlpKind) is unknown") }
    if !flags.isSubset(of: .all) { return (56, "the flags \(flags.rawValue) are unknown") }
    if flags.contains(.noOutputBias) && !flags.contains(.attentionBias) {
      return (56, "the flag for no output bias is set, but attention has no bias")
    }
    return ropeContradiction()
  }

  private func ropeContradiction() -> (offset: Int, what: String)? {
    guard flags.contains(.ropeScaling) else {
      let words = [
        ropeFactor.bitPattern, ropeLowFrequencyFactor.bitPattern,
        ropeHighFrequencyFactor.bitPattern, ropeOriginalContext,
      ]
      return words.firstIndex { $0 != 0 }.map {
        (60 + 4 * $0, "the rope is scaled, but the flags do not say so")
      }
    }
    if positionKind != Self.rotaryPositions { return (56, "learned positions have no rope to scale") }
    if !(ropeFactor.isFinite && ropeFactor >= 1) {
      return (60, "the rope's factor \(ropeFactor) is not at least 1")
    }
    if !(ropeLowFrequencyFactor.isFinite && ropeLowFrequencyFactor > 0) {
      return (64, "the rope's low frequency factor \(ropeLowFrequencyFactor) is not positive")
    }
    if !(ropeHighFrequencyFactor.isFinite && ropeHighFrequencyFactor > ropeLowFrequencyFactor) {
      return (68, "the rope's high frequency factor \(ropeHighFrequencyFactor) is not above the low one")
    }
    if !(1...(1 << 24)).contains(ropeOriginalContext) {
      return (72, "the rope's context \(ropeOriginalContext) is not in 1…16,777,216")
    }
    return nil
  }

  /// - Throws: `Failure(.badData)` with the first contradiction.
  public func validate(at place: String?) throws {
    if let (_, what) = contradiction() { throw Failure(.badData, what, at: place) }
  }

  static func nonZeroSpare(_ r: UnsafeRawBufferPointer) -> Int? {
    r.slice(at: usedBytes, count: r.count - usedBytes).firstNonZero().map { $0 + usedBytes }
  }
}
