import Support

/// Splits a plain text into documents at `<|endoftext|>`; blank documents are skipped.
///
/// For a separator on its own line, the line ends around it are removed. All other bytes are kept.
struct PlainText {
  /// The size limit of a document, which is kept in memory as a whole.
  static let limit = 1 << 30

  private let lines: LineReader
  /// The rest of the last line read; nil at the end.
  private var rest: ArraySlice<UInt8>?
  private var document: [UInt8] = []
  /// The line on which the document begins.
  private var start = 1

  /// - Throws: the errors of the line reader.
  init(_ lines: LineReader) throws {
    self.lines = lines
    rest = try lines.nextWithEnd()?[...]
  }

  /// The next document and the line on which it begins.
  /// - Throws: `Failure(.badData)` if it is longer than the limit; the errors of the line reader.
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

  /// The document that has ended; nil if it is blank.
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
