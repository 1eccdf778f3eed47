import Support

/// Byte-level BPE: any bytes in, tokens out, and exactly the same bytes back.
///
///     ids 0…3      <|end|> <|system|> <|user|> <|assistant|>; text never yields one of them
///     ids 4…259    the 256 bytes
///     ids 260…     one for each merge, in the order in which they were learnt
///
///     let tokenizer = Tokenizer.train(on: documents, vocabularySize: 1_024)
///     tokenizer.decode(tokenizer.encode("Hello"))              // the bytes of "Hello"
public struct Tokenizer: Sendable {
  let merges: [Merge]
  private let pairs: PairTable
  /// The bytes of all tokens, one after another; a special token has none.
  private let bytes: [UInt8]
  /// Token t is `bytes[starts[t]..<starts[t + 1]]`.
  private let starts: [Int]

  /// The longest token, in bytes. It bounds what a damaged file can make us allocate.
  static let longestToken = 256
  static let firstByte = Int32(SpecialToken.allCases.count)
  static let firstMerge = firstByte + 256

  @inline(__always)
  static func token(of byte: UInt8) -> Int32 { firstByte + Int32(byte) }

  /// `merges` must be valid: see `checkedBytes(of:at:)`.
  init(validated merges: [Merge], bytes tokenBytes: [[UInt8]]) {
    self.merges = merges
    pairs = PairTable(merges, firstIdentifier: Self.firstMerge)
    bytes = Array(tokenBytes.joined())
    var starts = [0]
    for token in tokenBytes { starts.append(starts[starts.count - 1] + token.count) }
    self.starts = starts
  }

  /// The number of ids: special tokens, bytes and merges.
  public var vocabularyCount: Int { starts.count - 1 }

  /// XXH64 of `serialized`: equal tokenizers have equal hashes.
  public var hash: UInt64 { Hash.xxh64(serialized) }

  /// The tokens of a text.
  public func encode(_ text: String) -> [Int32] {
    var text = text
    return text.withUTF8 { encode($0) }
  }

  /// The tokens of any bytes, UTF-8 or not.
  public func encode(bytes: [UInt8]) -> [Int32] {
    bytes.withUnsafeBufferPointer { encode($0) }
  }

  private func encode(_ bytes: UnsafeBufferPointer<UInt8>) -> [Int32] {
    var tokens: [Int32] = []
    tokens.reserveCapacity(bytes.count / 3)
    var merger = Merger(pairs)
    var start = 0
    while start < bytes.count {
      let end = PreTokenizer.end(ofPieceAt: start, in: bytes)
      merger.append(UnsafeBufferPointer(rebasing: bytes[start..<end]), to: &tokens)
      start = end
    }
    return tokens
  }

  /// The bytes of some tokens. Special tokens have none, unless their names are asked for.
  /// Each token must be in the vocabulary: see `check(_:at:)`.
  public func decode(
    _ tokens: some Sequence<Int32>, namingSpecialTokens: Bool = false
  ) -> [UInt8] {
    var output: [UInt8] = []
    for token in tokens {
      precondition(
        token >= 0 && token < vocabularyCount, "token \(token) of \(vocabularyCount)")
      if namingSpecialTokens, let special = SpecialToken(rawValue: token) {
        output.append(contentsOf: special.name.utf8)
      } else {
        output.append(contentsOf: bytes[starts[Int(token)]..<starts[Int(token) + 1]])
      }
    }
    return output
  }

  /// As `decode`, as text; what is not UTF-8 becomes U+FFFD.
  public func decodeString(
    _ tokens: some Sequence<Int32>, namingSpecialTokens: Bool = false
  ) -> String {
    String(decoding: decode(tokens, namingSpecialTokens: namingSpecialTokens), as: UTF8.self)
  }

  /// For tokens that come from outside.
  /// - Throws: `Failure(.badData)` that names the first id which is not in the vocabulary.
  public func check(_ tokens: some Sequence<Int32>, at place: String? = nil) throws {
    for token in tokens where token < 0 || token >= vocabularyCount {
      throw Failure(
        .badData, "token \(token) is not in the vocabulary of \(vocabularyCount)", at: place,
        remedy: "Use the tokenizer that made these tokens.")
    }
  }
}
