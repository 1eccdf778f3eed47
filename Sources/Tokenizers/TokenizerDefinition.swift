/// What a tokenizer is made of: what `Tokenizer(_:at:)` checks, and what the binary form holds.
public struct TokenizerDefinition: Equatable, Sendable {
  /// How text is cut into the pieces that merges never cross.
  public enum Splitting: UInt8, CaseIterable, Sendable {
    case tinyrlhf, gpt2, llama3, qwen2, smollm
    /// Not at all: the vocabulary is one of characters with `▁` for a space, as SentencePiece has it.
    case none
  }

  /// What is done to text first. The last four make `▁` of spaces; they differ in where they put one more.
  public enum Normalization: UInt8, CaseIterable, Sendable {
    case none, nfc
    /// Before each stretch of text, whatever it begins with.
    case prepend
    /// Before each stretch that does not begin with one; before the first only; nowhere.
    case metaspaceAlways, metaspaceFirst, metaspaceNever

    /// Whether spaces become `▁`.
    public var isMetaspace: Bool { rawValue >= Normalization.prepend.rawValue }
  }

  public struct Traits: OptionSet, Hashable, Sendable {
    public let rawValue: UInt8
    public init(rawValue: UInt8) { self.rawValue = rawValue }

    /// A token that merges make.
    public static let model = Traits(rawValue: 1)
    /// A token that is found in text before it is cut into pieces.
    public static let added = Traits(rawValue: 2)
    /// An added token that no text yields.
    public static let special = Traits(rawValue: 4)
    /// Looked for in normalised text.
    public static let normalized = Traits(rawValue: 8)
    /// Takes the white space before it along; that behind it.
    public static let stripsLeft = Traits(rawValue: 16)
    public static let stripsRight = Traits(rawValue: 32)
    /// Not found within a word.
    public static let singleWord = Traits(rawValue: 64)

    static let all = Traits(rawValue: 127)
    static let ofAdded: Traits = [.special, .normalized, .stripsLeft, .stripsRight, .singleWord]
  }

  public struct Token: Hashable, Sendable {
    public var id: Int32
    /// What it stands for; of a special token its name. Without splitting: as the vocabulary has it,
    /// with `▁`.
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
  /// A whole piece that is in the vocabulary is a token, whatever the merges say.
  public var ignoresMerges = false
  /// Characters that are not in the vocabulary become the tokens `<0x00>` to `<0xFF>`.
  public var fallsBackToBytes = false
  /// What stands for a character that is not in the vocabulary; without it such a character is left out.
  public var unknown: Int32?
  /// Adjacent unknown characters are one token.
  public var fusesUnknown = false
  /// Ids are below it. There may be fewer tokens: an id without one decodes to nothing.
  public var vocabularyCount: Int
  /// By ascending id.
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

  /// Whether tokens are made of characters and not of bytes.
  public var isOfCharacters: Bool { splitting == .none }

  /// `<0x0A>`
  public static func byteToken(_ byte: UInt8) -> String {
    let digits = Array("0123456789ABCDEF")
    return "<0x\(digits[Int(byte >> 4)])\(digits[Int(byte & 15)])>"
  }

  /// U+2581, which stands for a space where tokens are made of characters.
  public static let metaspace: [UInt8] = [0xE2, 0x96, 0x81]
}
