import Support

/// Version 3 of a tokenizer's binary form: see `Tokenizer.serialized`.
extension TokenizerDefinition {
  private static let headerBytes = 28

  /// - Parameter isDated: see `ChatFormat.serialized`.
  func serialized(isDated: Bool = true) -> [UInt8] {
    var output = Tokenizer.magic + [3, splitting.rawValue, normalization.rawValue, flags]
    let chat = chatFormat.serialized(isDated: isDated)
    for value in [
      Int(unknown ?? 0), vocabularyCount, tokens.count, merges.count, chat.count,
    ] { output.append(value, width: 4) }
    for token in tokens {
      output.append(Int(token.id), width: 4)
      output.append(token.bytes.count, width: 2)
      output += [token.traits.rawValue, 0]
    }
    for token in tokens { output += token.bytes }
    for merge in merges {
      for id in [merge.left, merge.right, merge.result] { output.append(Int(id), width: 4) }
    }
    return output + chat
  }

  private var flags: UInt8 {
    (ignoresMerges ? 1 : 0) | (fallsBackToBytes ? 2 : 0) | (fusesUnknown ? 4 : 0)
      | (unknown != nil ? 8 : 0)
  }

  /// - Throws: `Failure(.badData)` for a number that is out of range or counts that do not match the length.
  ///   Consistency between the parts is checked by `Tokenizer(_:at:)`.
  init(serialized data: [UInt8], at place: String) throws {
    let version = data.count > 4 ? data[4] : 0
    var reader = ByteReader(data, at: place, from: 5)
    guard data.count >= Self.headerBytes else {
      throw reader.failure("the tokenizer ends within its header")
    }
    let (splitting, normalization, flags) = (reader.number(1), reader.number(1), reader.number(1))
    guard let splitting = Splitting(rawValue: UInt8(splitting)) else {
      throw reader.failure("the tokenizer has the unknown splitting \(splitting)")
    }
    guard let normalization = Normalization(rawValue: UInt8(normalization)) else {
      throw reader.failure("the tokenizer has the unknown normalisation \(normalization)")
    }
    guard flags < 16 else { throw reader.failure("the tokenizer has the flags \(flags), over 15") }
    let (unknown, vocabulary) = (reader.number(4), reader.number(4))
    let (tokens, merges, chat) = (reader.number(4), reader.number(4), reader.number(4))
    guard flags & 8 != 0 ? unknown <= Int(Int32.max) : unknown == 0 else {
      throw reader.failure("the unknown token is \(unknown), which contradicts its flag")
    }
    let fixed = Self.headerBytes + tokens * 8 + merges * 12 + chat
    guard fixed <= data.count else {
      throw reader.failure("the counts of the tokenizer do not match its \(data.count) bytes")
    }
    var lengths: [Int] = []
    var found: [Token] = []
    found.reserveCapacity(tokens)
    for index in 0..<tokens {
      let (id, length) = (reader.number(4), reader.number(2))
      let (traits, zero) = (reader.number(1), reader.number(1))
      guard id <= Int(Int32.max), zero == 0 else {
        throw reader.failure("record \(index) of the tokenizer's tokens is damaged")
      }
      lengths.append(length)
      found.append(Token(id: Int32(id), bytes: [], traits: Traits(rawValue: UInt8(traits))))
    }
    guard fixed + lengths.reduce(0, +) == data.count else {
      throw reader.failure("the counts of the tokenizer do not match its \(data.count) bytes")
    }
    for (index, length) in lengths.enumerated() { found[index].bytes = reader.bytes(length) }
    var rules: [Rule] = []
    rules.reserveCapacity(merges)
    for index in 0..<merges {
      let parts = [reader.number(4), reader.number(4), reader.number(4)]
      guard parts.allSatisfy({ $0 <= Int(Int32.max) }) else {
        throw reader.failure("merge \(index) of the tokenizer is damaged")
      }
      rules.append(Rule(left: Int32(parts[0]), right: Int32(parts[1]), result: Int32(parts[2])))
    }
    self.init(
      splitting: splitting, normalization: normalization, vocabularyCount: vocabulary, tokens: found,
      merges: rules,
      chatFormat: version == 2
        ? try ChatFormat(version2: &reader, tokens: found, at: place) : try ChatFormat(&reader, at: place))
    guard reader.isAtEnd else { throw reader.failure("the chat format ends before the tokenizer does") }
    ignoresMerges = flags & 1 != 0
    fallsBackToBytes = flags & 2 != 0
    fusesUnknown = flags & 4 != 0
    if flags & 8 != 0 { self.unknown = Int32(unknown) }
  }
}

extension [UInt8] {
  mutating func append(_ value: Int, width: Int) {
    for byte in 0..<width { append(UInt8(truncatingIfNeeded: value >> (8 * byte))) }
  }
}

/// Reads little-endian numbers in order.
struct ByteReader {
  private let data: [UInt8]
  private let place: String
  private var next: Int

  init(_ data: [UInt8], at place: String, from next: Int) {
    self.data = data
    self.place = place
    self.next = next
  }

  var isAtEnd: Bool { next == data.count }

  func failure(_ what: String) -> Failure {
    Failure(.badData, what, at: place, remedy: Tokenizer.remedy)
  }

  /// At least `width` bytes must remain.
  mutating func number(_ width: Int) -> Int {
    defer { next += width }
    return (0..<width).reduce(0) { $0 | Int(data[next + $1]) << (8 * $1) }
  }

  /// At least `count` bytes must remain.
  mutating func bytes(_ count: Int) -> [UInt8] {
    defer { next += count }
    return Array(data[next..<next + count])
  }

  private func require(_ count: Int) throws {
    guard data.count - next >= count else {
      throw failure("the chat format reaches beyond the end of the tokenizer")
    }
  }

  mutating func checkedNumber(_ width: Int) throws -> Int {
    try require(width)
    return number(width)
  }

  mutating func token() throws -> Int32 {
    let value = try checkedNumber(4)
    guard let token = Int32(exactly: value) else {
      throw failure("the chat format names token \(value), which is out of range")
    }
    return token
  }

  /// - Parameter width: the width of the length field before the text, in bytes.
  mutating func text(width: Int = 2) throws -> String {
    let count = try checkedNumber(width)
    try require(count)
    let bytes = bytes(count)
    guard let text = String(validating: bytes, as: UTF8.self) else {
      throw failure("a text of the chat format is not UTF-8")
    }
    return text
  }
}
