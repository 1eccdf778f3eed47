import Support

/// Documents of a plain text, separated by `<|endoftext|>`; blank ones do not count.
///
/// A separator on a line of its own takes the line ends around it along. Other bytes are kept.
func readPlainText(
  _ lines: LineReader, first: [UInt8], strict: Bool
) throws -> Dataset<String> {
  var dataset = Dataset<String>(report: DatasetReport(name: lines.name, format: .plainText))
  var document: [UInt8] = []
  var start = 1
  func finish() throws {
    defer { document.removeAll() }
    guard !document.allSatisfy({ $0.isSpace }) else { return }
    dataset.report.rows += 1
    if let text = String(validating: document, as: UTF8.self) {
      dataset.append(text, line: start)
      return
    }
    let reason = "this document is not UTF-8"
    guard !strict else { throw Failure(.badData, reason, at: "\(lines.name):\(start)") }
    dataset.report.drop(line: start, reason)
  }
  var next: [UInt8]? = first
  while let line = next {
    var rest = line[...]
    while let found = rest.first(separator) {
      document.append(contentsOf: rest[..<found])
      rest = rest[(found + separator.count)...]
      if found == line.startIndex, rest.isLineEnd {
        document.removeLineEnd()
        rest = []
      }
      try finish()
      start = lines.line + (rest.isLineEnd || rest.isEmpty ? 1 : 0)
    }
    document.append(contentsOf: rest)
    next = try lines.nextWithEnd()
  }
  try finish()
  try dataset.checkNotEmpty()
  return dataset
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
