import Support

/// Documents of a plain text, separated by `<|endoftext|>`; blank ones do not count.
///
/// A separator on a line of its own takes the line ends around it along. Other bytes are kept.
struct PlainText {
  /// Bytes of a document, which is kept in memory whole.
  static let limit = 1 << 30

  private let lines: LineReader
  /// What is left of the line that was read last; nil at the end.
  private var rest: ArraySlice<UInt8>?
  private var document: [UInt8] = []
  /// The line where the document begins.
  private var start = 1

  /// - Throws: as the lines.
  init(_ lines: LineReader) throws {
    self.lines = lines
    rest = try lines.nextWithEnd()?[...]
  }

  /// The next document and the line where it begins.
  /// - Throws: `Failure(.badData)` if it is longer than the limit; as the lines.
  mutating func next() throws -> (line: Int, bytes: [UInt8])? {
    while let line = rest {
      if let found = line.first(separator) {
        try append(line[..<found])
        var after = line[(found + separator.count)...]
        if found == 0, after.isLineEnd {
          document.removeLineEnd()
          after = []
        }
        rest = after
        let next = lines.line + (after.isLineEnd || after.isEmpty ? 1 : 0)
        if let finished = finish(nextStart: next) { return finished }
      } else {
        try append(line)
        rest = try lines.nextWithEnd()?[...]
      }
    }
    return finish(nextStart: lines.line)
  }

  private mutating func append(_ bytes: ArraySlice<UInt8>) throws {
    guard document.count + bytes.count <= Self.limit else {
      throw Failure(
        .badData, "this document is longer than \(Formatting.bytes(Self.limit))",
        at: "\(lines.name):\(start)", remedy: "Separate documents with <|endoftext|>.")
    }
    document += bytes
  }

  /// The document that has ended, unless it is blank.
  private mutating func finish(nextStart: Int) -> (line: Int, bytes: [UInt8])? {
    defer {
      document = []
      start = nextStart
    }
    return document.allSatisfy { $0.isSpace } ? nil : (start, document)
  }
}

private let separator = Array("<|endoftext|>".utf8)

extension ArraySlice<UInt8> {
  fileprivate var isLineEnd: Bool { elementsEqual("\n".utf8) || elementsEqual("\r\n".utf8) }
}

extension [UInt8] {
  fileprivate mutating func removeLineEnd() {
    if last == UInt8(ascii: "\n") { removeLast() }
    if last == UInt8(ascii: "\r") { removeLast() }
  }
}
