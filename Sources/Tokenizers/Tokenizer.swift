import Support

/// Byte-pair encoding: turns any bytes into tokens and back into the same bytes.
///
/// A tokenizer that tinyrlhf trains works on bytes:
///
///     ids 0…3      <|end|> <|system|> <|user|> <|assistant|>; text never yields one of them
///     ids 4…259    the 256 bytes
///     ids 260…     one for each merge, in the order in which they were learnt
///
///     let tokenizer = Tokenizer.train(on: documents, vocabularySize: 1_024)
///     tokenizer.decode(tokenizer.encode("Hello"))              // the bytes of "Hello"
///
/// A tokenizer from another program follows its `TokenizerDefinition`. Its tokens are those of the `tokenizers`
/// library, with one difference: the name of a special token in a text is plain text.
public struct Tokenizer: Sendable {
  /// Merges by rank; `results` are the tokens that they make.
  let merges: [Merge]
  let results: [Int32]
  let vocabulary: Vocabulary
  /// The vocabulary as decoding shows it: `▁` is a space, `<0x0A>` a byte.
  private let shown: Vocabulary
  let settings: TokenizerDefinition
  /// Whether it consists only of bytes and merges.
  let isTrained: Bool
  private let encoders: EncoderPool
  /// How dialogues and documents become tokens.
  public let chatFormat: ChatFormat
  /// Whether the opening of an answer ends with an added token. After an added token, a tokenizer of characters puts
  /// a `▁`.
  private(set) var answersFollowToken = false

  /// The longest token that training makes, in bytes.
  static let longestToken = 256
  static let firstByte = Int32(SpecialToken.allCases.count)
  static let firstMerge = firstByte + 256

  @inline(__always)
  static func token(of byte: UInt8) -> Int32 { firstByte + Int32(byte) }

  /// A tokenizer of bytes and merges only. `merges` must be valid: see `checkedBytes(of:at:)`.
  init(validated merges: [Merge], bytes tokenBytes: [[UInt8]]) {
    var vocabulary = Vocabulary()
    for special in SpecialToken.allCases { vocabulary.append(special.name.utf8, [.added, .special]) }
    for token in tokenBytes[Int(Self.firstByte)...] { vocabulary.append(token, .model) }
    self.init(
      TokenizerDefinition(
        splitting: .tinyrlhf, normalization: .none, vocabularyCount: tokenBytes.count, tokens: [],
        merges: [], chatFormat: .tinyrlhf),
      vocabulary, merges, results: merges.indices.map { Self.firstMerge + Int32($0) }, isTrained: true)
  }

  /// - Parameters:
  ///   - settings: a valid definition; its tokens and merges are not used.
  ///   - results: the token that each merge makes.
  init(
    _ settings: TokenizerDefinition, _ vocabulary: Vocabulary, _ merges: [Merge], results: [Int32],
    isTrained: Bool = false
  ) {
    self.settings = settings
    self.isTrained = isTrained
    self.vocabulary = vocabulary
    self.merges = merges
    self.results = results
    chatFormat = settings.chatFormat
    shown = settings.isOfCharacters ? vocabulary.shown(byteTokens: settings.fallsBackToBytes) : vocabulary
    encoders = EncoderPool(EncodingParts(settings, vocabulary, merges, results: results))
    answersFollowToken = opensAnswersWithToken()
  }

  /// The number of ids, including ids without a token.
  public var vocabularyCount: Int { vocabulary.count }

  /// XXH64 of `serialized`: equal tokenizers have equal hashes.
  public var hash: UInt64 { Hash.xxh64(serialized) }

  /// Whether two tokenizers behave the same, except for the date that a chat template shows.
  public func isSame(as other: Tokenizer) -> Bool {
    hash == other.hash
      || !isTrained && !other.isTrained
        && definition.serialized(isDated: false) == other.definition.serialized(isDated: false)
  }

  /// Whether two tokenizers are the same except for their chat formats and the set of special tokens.
  public func hasSameVocabulary(as other: Tokenizer) -> Bool {
    func plain(_ tokenizer: Tokenizer) -> TokenizerDefinition {
      var definition = tokenizer.definition
      definition.chatFormat = .tinyrlhf
      for index in definition.tokens.indices { definition.tokens[index].traits = .model }
      return definition
    }
    return plain(self) == plain(other)
  }

  /// The tokens of a text.
  ///
  /// - Parameter continuing: whether other text comes before it. Then a tokenizer of characters puts no `▁` at the
  ///   start; other tokenizers ignore this.
  public func encode(_ text: String, continuing: Bool = false) -> [Int32] {
    var text = text
    return text.withUTF8 { encode($0, at: continuing ? .continued : .start) }
  }

  /// The tokens of any bytes, UTF-8 or not.
  public func encode(bytes: [UInt8]) -> [Int32] {
    bytes.withUnsafeBufferPointer { encode($0, at: .start) }
  }

  func encode(_ bytes: UnsafeBufferPointer<UInt8>, at position: Encoder.Position) -> [Int32] {
    var tokens: [Int32] = []
    tokens.reserveCapacity(bytes.count / 3)
    encoders.withEncoder { $0.append(bytes, at: position, to: &tokens) }
    return tokens
  }

  func withEncoder<Result>(_ body: (inout Encoder) -> Result) -> Result { encoders.withEncoder(body) }

  /// The bytes of tokens: `decode(encode(text)) == text`. Special tokens have no bytes unless `namingSpecialTokens`
  /// is true. Each token must be in the vocabulary: see `check(_:at:)`.
  ///
  /// - Parameter continuing: whether other tokens come before these. Then the space that a tokenizer of characters
  ///   puts before a text is kept.
  public func decode(
    _ tokens: some Sequence<Int32>, continuing: Bool = false, namingSpecialTokens: Bool = false
  ) -> [UInt8] {
    var output: [UInt8] = []
    for token in tokens {
      precondition(
        token >= 0 && token < vocabularyCount, "token \(token) of \(vocabularyCount)")
      if namingSpecialTokens || !shown.traits[Int(token)].contains(.special) {
        output.append(contentsOf: shown[token])
      }
    }
    if hasPrefix, !continuing, output.first == 0x20 { output.removeFirst() }
    return output
  }

  /// The same as `decode`, as a string; invalid UTF-8 becomes U+FFFD.
  public func decodeString(
    _ tokens: some Sequence<Int32>, continuing: Bool = false, namingSpecialTokens: Bool = false
  ) -> String {
    String(
      decoding: decode(tokens, continuing: continuing, namingSpecialTokens: namingSpecialTokens),
      as: UTF8.self)
  }

  func isSpecial(_ token: Int32) -> Bool { vocabulary.traits[Int(token)].contains(.special) }

  /// Whether decoding yields a space before every text.
  private var hasPrefix: Bool {
    settings.normalization.isMetaspace && settings.normalization != .metaspaceNever
  }

  /// Checks tokens that come from outside.
  /// - Throws: `Failure(.badData)` with the first id that is not in the vocabulary.
  public func check(_ tokens: some Sequence<Int32>, at place: String? = nil) throws {
    for token in tokens where token < 0 || token >= vocabularyCount {
      throw Failure(
        .badData, "token \(token) is not in the vocabulary of \(vocabularyCount)", at: place,
        remedy: "Use the tokenizer that made these tokens.")
    }
  }
}

extension Vocabulary {
  /// The vocabulary as decoding shows it, for tokens made of characters.
  fileprivate func shown(byteTokens: Bool) -> Vocabulary {
    var shown = Vocabulary()
    let bytes = byteTokens
      ? Dictionary(uniqueKeysWithValues: (0...255).map {
        (Array(TokenizerDefinition.byteToken($0).utf8), $0 as UInt8)
      }) : [:]
    for id in 0..<Int32(count) {
      let token = Array(self[id])
      let traits = traits[Int(id)]
      if traits.contains(.special) || !traits.contains(.model) {
        shown.append(token, traits)
      } else if let byte = bytes[token] {
        shown.append([byte], traits)
      } else {
        shown.append(token.replacing(TokenizerDefinition.metaspace, with: [0x20]), traits)
      }
    }
    return shown
  }
}

extension EncodingParts {
  fileprivate init(
    _ settings: TokenizerDefinition, _ vocabulary: Vocabulary, _ merges: [Merge], results: [Int32]
  ) {
    let traits = vocabulary.traits
    // A merge with a special token is never applied, because no text yields a special token.
    func isSpecial(_ id: Int32) -> Bool { traits[Int(id)].contains(.special) }
    pairs = PairTable(merges) {
      !isSpecial(results[$0]) && !isSpecial(merges[$0].left) && !isSpecial(merges[$0].right)
    }
    self.results = results
    alphabet = Alphabet(settings, vocabulary)
    splitting = settings.splitting
    normalization = settings.normalization
    if settings.ignoresMerges { wholePieces = TokenTable(vocabulary, with: .model, without: .special) }
    for id in 0..<Int32(vocabulary.count) where traits[Int(id)].contains(.added) {
      let content = Array(vocabulary[id])
      if traits[Int(id)].contains(.normalized) {
        let normalized = content.withUnsafeBufferPointer { normalize($0, at: .start) }
        addedNormalized.add(normalized ?? content, id, traits[Int(id)])
      } else {
        added.add(content, id, traits[Int(id)])
      }
      if traits[Int(id)].contains(.special) || !traits[Int(id)].contains(.normalized) {
        addedInTemplates.add(content, id, traits[Int(id)])
      }
    }
    mergesAcrossSpaces =
      settings.isOfCharacters
      && (settings.unknown != nil && !settings.fallsBackToBytes
        || results.contains { vocabulary[$0].hasSpaceInside })
  }
}

extension ArraySlice<UInt8> {
  /// Whether a `▁` comes after another character.
  fileprivate var hasSpaceInside: Bool {
    var rest = self
    while rest.starts(with: TokenizerDefinition.metaspace) { rest = rest.dropFirst(3) }
    return rest.contains(TokenizerDefinition.metaspace)
  }
}

extension Alphabet {
  fileprivate init(_ settings: TokenizerDefinition, _ vocabulary: Vocabulary) {
    unknown = settings.unknown
    fusesUnknown = settings.fusesUnknown
    let isOfCharacters = settings.isOfCharacters
    if isOfCharacters { characters = [:] }
    for id in 0..<Int32(vocabulary.count) {
      let traits = vocabulary.traits[Int(id)]
      guard traits.contains(.model), !traits.contains(.special) else { continue }
      let token = Array(vocabulary[id])
      if !isOfCharacters {
        if token.count == 1 { bytes[Int(token[0])] = id }
        continue
      }
      let scalar = token.withUnsafeBufferPointer { UTF8Scalars.scalar(at: 0, in: $0) }
      if let scalar, scalar.length == token.count { characters?[scalar.value] = id }
    }
    guard settings.fallsBackToBytes else { return }
    let table = TokenTable(vocabulary, with: .model)
    for byte in 0...255 as ClosedRange<UInt8> {
      bytes[Int(byte)] = table[Array(TokenizerDefinition.byteToken(byte).utf8)] ?? Self.none
    }
  }
}
