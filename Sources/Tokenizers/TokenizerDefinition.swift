/// The parts of a tokenizer. `Tokenizer(_:at:)` checks them, and the binary form stores them.
public struct TokenizerDefinition: Equatable, Sendable {
  /// How text is split into the pieces that merges never cross.
  public enum Splitting: UInt8, CaseIterable, Sendable {
    case tinyrlhf, gpt2, llama3, qwen2, smollm
    /// No splitting: the vocabulary consists of characters, with `▁` for a space, as in SentencePiece.
    case none
  }

  /// The normalisation of text. The last four replace spaces by `▁`; they differ in where they add another one.
  public enum Normalization: UInt8, CaseIterable, Sendable {
    case none, nfc
    /// Adds one before each stretch of text, always.
    case prepend
    /// Adds one before each stretch that does not begin with one; only before the first stretch; never.
    case metaspaceAlways, metaspaceFirst, metaspaceNever

    /// Whether spaces become `▁`.
    public var isMetaspace: Bool { rawValue >= Normalization.prepend.rawValue }
  }

  public struct Traits: OptionSet, Hashable, Sendable {
    public let rawValue: UInt8
    public init(rawValue: UInt8) { self.rawValue = rawValue }

    /// A token that merges can make.
    public static let model = Traits(rawValue: 1)
    /// A token that is found in text before the text is split into pieces.
    public static let added = Traits(rawValue: 2)
    /// An added token that plain text never yields.
    public static let special = Traits(rawValue: 4)
    /// Searched in normalised text.
    public static let normalized = Traits(rawValue: 8)
    /// Includes the white space before it (`stripsLeft`) or after it (`stripsRight`).
    public static let stripsLeft = Traits(rawValue: 16)
    public static let stripsRight = Traits(rawValue: 32)
    /// Not found inside a word.
    public static let singleWord = Traits(rawValue: 64)

    static let all = Traits(rawValue: 127)
    static let ofAdded: Traits = [.special, .normalized, .stripsLeft, .stripsRight, .singleWord]
  }

  public struct Token: Hashable, Sendable {
    public var id: Int32
    /// The token's bytes; for a special token, its name. Without splitting: as in the vocabulary, with `▁`.
    public var bytes: [UInt8]
    public var traits: Traits

    public init(id: Int32, bytes: [UInt8], traits: Traits) {
      self.id = id
      self.bytes = bytes
      self.traits = traits
    }
  }

  /// Two adjacent tokens that become one.
  public struct Rule: Hashable, Sendable {
    public var left: Int32
    public var right: Int32
    public var result: Int32

    public init(left: Int32, right: Int32, result: Int32) {
      self.left = left
      self.right = right
      self.result = result
    }
  }

  public var splitting: Splitting
  public var normalization: Normalization
  /// If a whole piece is in the vocabulary, it becomes that token without merges.
  public var ignoresMerges = false
  /// Characters that are not in the vocabulary become the tokens `<0x00>` to `<0xFF>`.
  public var fallsBackToBytes = false
  /// The token for a character that is not in the vocabulary. Without it, such a character is dropped.
  public var unknown: Int32?
  /// Adjacent unknown characters become one token.
  public var fusesUnknown = false
  /// All ids are below this. Some ids may have no token; they decode to nothing.
  public var vocabularyCount: Int
  /// Sorted by id.
  public var tokens: [Token]
  /// In the order in which they are applied.
  public var merges: [Rule]
  public var chatFormat: ChatFormat

  public init(
    splitting: Splitting, normalization: Normalization, vocabularyCount: Int, tokens: [Token],
    merges: [Rule], chatFormat: ChatFormat
  ) {
    self.splitting = splitting
    self.normalization = normalization
    self.vocabularyCount = vocabularyCount
    self.tokens = tokens
    self.merges = merges
    self.chatFormat = chatFormat
  }

  /// Whether tokens are made of characters instead of bytes.
  public var isOfCharacters: Bool { splitting == .none }

  /// `<0x0A>`
  public static func byteToken(_ byte: UInt8) -> String {
    let digits = Array("0123456789ABCDEF")
    return "<0x\(digits[Int(byte >> 4)])\(digits[Int(byte & 15)])>"
  }

  /// U+2581, which represents a space in tokens made of characters.
  public static let metaspace: [UInt8] = [0xE2, 0x96, 0x81]
}
