import Support

/// Version 2 of a tokenizer's binary form: see `Tokenizer.serialized`.
extension TokenizerDefinition {
  private static let headerBytes = 28

  var serialized: [UInt8] {
    var output = Tokenizer.magic + [2, splitting.rawValue, normalization.rawValue, flags]
    let chat = chatFormat.serialized
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

  /// - Throws: `Failure(.badData)` for a number that is out of bounds or counts that disagree with the length.
  ///   Whether the parts agree with each other `Tokenizer(_:at:)` says.
  init(serialized data: [UInt8], at place: String) throws {
    var reader = ByteReader(data, at: place, from: 5)
    guard data.count >= Self.headerBytes else {
      throw reader.failure("the tokenizer ends within its header")
    }
    let (splitting, normalization, flags) = (reader.number(1), reader.number(1), reader.number(1))
    guard let splitting = Splitting(rawValue: UInt8(splitting)) else {
      throw reader.failure("the tokenizer splits text in way \(splitting), which is not known")
    }
    guard let normalization = Normalization(rawValue: UInt8(normalization)) else {
      throw reader.failure("the tokenizer normalises text in way \(normalization), which is not known")
    }
    guard flags < 16 else { throw reader.failure("the tokenizer has the flags \(flags), over 15") }
    let (unknown, vocabulary) = (reader.number(4), reader.number(4))
    let (tokens, merges, chat) = (reader.number(4), reader.number(4), reader.number(4))
    guard flags & 8 != 0 ? unknown <= Int(Int32.max) : unknown == 0 else {
      throw reader.failure("the unknown token is \(unknown), which its flag denies")
    }
    let fixed = Self.headerBytes + tokens * 8 + merges * 12 + chat
    guard fixed <= data.count else {
      throw reader.failure("the counts of the tokenizer disagree with its \(data.count) bytes")
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
      throw reader.failure("the counts of the tokenizer disagree with its \(data.count) bytes")
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
      merges: rules, chatFormat: try ChatFormat(&reader))
    guard reader.isAtEnd else { throw reader.failure("the chat format ends before the tokenizer does") }
    ignoresMerges = flags & 1 != 0
    fallsBackToBytes = flags & 2 != 0
    fusesUnknown = flags & 4 != 0
    if flags & 8 != 0 { self.unknown = Int32(unknown) }
  }
}

extension ChatFormat {
  /// A text is u16 bytes and UTF-8; a piece is u8 0 and u32 token, or u8 1 and a text.
  ///
  ///     text name, text answer prefix
  ///     u8 flags: 1 closes past answers, 2 has a standing system text; that text if it has one
  ///     7 lists of pieces, each u8 count and the pieces: begin; what opens and what closes the turns of
  ///         system, user and assistant
  ///     3 lists of tokens, each u8 count and u32 ids: end tokens, document's begin, document's end
  var serialized: [UInt8] {
    var output: [UInt8] = []
    func append(_ text: String) {
      output.append(text.utf8.count, width: 2)
      output += text.utf8
    }
    append(name)
    append(answerPrefix)
    output.append((closesPastAnswers ? 1 : 0) | (standingSystem != nil ? 2 : 0))
    if let standingSystem { append(standingSystem) }
    for (_, pieces) in lists {
      output.append(UInt8(pieces.count))
      for piece in pieces {
        switch piece {
        case .token(let token):
          output.append(0)
          output.append(Int(token), width: 4)
        case .text(let text):
          output.append(1)
          append(text)
        }
      }
    }
    for list in [endTokens, documentBegin, documentEnd] {
      output.append(UInt8(list.count))
      for token in list { output.append(Int(token), width: 4) }
    }
    return output
  }

  init(_ reader: inout ByteReader) throws {
    let (name, prefix) = (try reader.text(), try reader.text())
    let flags = try reader.checkedNumber(1)
    guard flags < 4 else { throw reader.failure("the chat format has the flags \(flags), over 3") }
    let standing = flags & 2 != 0 ? try reader.text() : nil
    var lists: [[Piece]] = []
    for _ in 0..<7 {
      var pieces: [Piece] = []
      for _ in 0..<(try reader.checkedNumber(1)) {
        switch try reader.checkedNumber(1) {
        case 0: pieces.append(.token(try reader.token()))
        case 1: pieces.append(.text(try reader.text()))
        case let kind: throw reader.failure("the chat format has a piece of kind \(kind), over 1")
        }
      }
      lists.append(pieces)
    }
    var tokens: [[Int32]] = []
    for _ in 0..<3 {
      var list: [Int32] = []
      for _ in 0..<(try reader.checkedNumber(1)) { list.append(try reader.token()) }
      tokens.append(list)
    }
    self.init(
      name: name, system: Frame(open: lists[1], close: lists[2]),
      user: Frame(open: lists[3], close: lists[4]),
      assistant: Frame(open: lists[5], close: lists[6]), endTokens: tokens[0])
    begin = lists[0]
    answerPrefix = prefix
    closesPastAnswers = flags & 1 != 0
    standingSystem = standing
    (documentBegin, documentEnd) = (tokens[1], tokens[2])
  }
}

extension [UInt8] {
  fileprivate mutating func append(_ value: Int, width: Int) {
    for byte in 0..<width { append(UInt8(truncatingIfNeeded: value >> (8 * byte))) }
  }
}

/// Reads little-endian numbers from front to back.
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

  /// `width` bytes must be there.
  mutating func number(_ width: Int) -> Int {
    defer { next += width }
    return (0..<width).reduce(0) { $0 | Int(data[next + $1]) << (8 * $1) }
  }

  /// `count` bytes must be there.
  mutating func bytes(_ count: Int) -> [UInt8] {
    defer { next += count }
    return Array(data[next..<next + count])
  }

  private func require(_ count: Int) throws {
    guard data.count - next >= count else {
      throw failure("the chat format goes on beyond the tokenizer's end")
    }
  }

  mutating func checkedNumber(_ width: Int) throws -> Int {
    try require(width)
    return number(width)
  }

  mutating func token() throws -> Int32 {
    let value = try checkedNumber(4)
    guard let token = Int32(exactly: value) else {
      throw failure("the chat format names token \(value), which cannot be")
    }
    return token
  }

  mutating func text() throws -> String {
    let count = try checkedNumber(2)
    try require(count)
    let bytes = bytes(count)
    guard let text = String(validating: bytes, as: UTF8.self) else {
      throw failure("a text of the chat format is not UTF-8")
    }
    return text
  }
}
