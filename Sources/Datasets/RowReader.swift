import Support

/// Reads the rows of a data file one after another, in memory bounded by the longest row.
///
///     let rows = try RowReader(path: "train.jsonl.gz")
///     while let row = try rows.next() { … rows.format … try row.example.get() … }
public final class RowReader {
  /// The unparsed bytes of a row: a line of JSON, or a document of plain text.
  public struct Source: Sendable {
    public let line: Int
    let bytes: [UInt8]

    public var count: Int { bytes.count }
  }

  /// A parsed row.
  public struct Row: Sendable {
    public let line: Int
    /// A failure is `Failure(.badData)` with the row's place, or `Unusable`.
    public let example: Result<Example, any Error>
    /// Keys that were not used; empty for a row that failed.
    public var unusedKeys: [String] = []
    public var remarks: Set<RowRemark> = []
  }

  /// The path, or `stdin`.
  public var name: String { lines.name }
  /// For plain text known at once; otherwise known after the first row that could be read, from its keys.
  public private(set) var format: DataFormat?

  /// `LineReader.contentHash` of the lines read so far.
  var contentHash: UInt64 { lines.contentHash }

  private let lines: LineReader
  private let allowsText: Bool
  private var documents: PlainText?
  private var hasBegun = false

  /// The largest number of blank lines at the start of a file that are skipped to detect its kind.
  private static let blankLines = 1_000

  /// Reads JSON Lines; or plain text, if `allowsText` is true and neither the file name nor the first line indicates
  /// JSON.
  /// - Parameter path: a file, compressed or not, or `-` for standard input.
  /// - Throws: `Failure` if it cannot be read.
  public convenience init(path: String, allowsText: Bool = true) throws {
    try self.init(LineReader(path: path), allowsText: allowsText)
  }

  init(_ lines: LineReader, allowsText: Bool) throws {
    self.lines = lines
    self.allowsText = allowsText && !Self.isNamedJSON(lines.name)
    guard self.allowsText else { return }
    var held: [[UInt8]] = []
    while held.count < Self.blankLines, held.last?.isBlank ?? true, let line = try lines.nextWithEnd() {
      held.append(line)
    }
    guard let first = held.last else {
      throw Failure(
        .badData, "there is no document", at: lines.name, remedy: "Give a file with text in it.")
    }
    lines.putBack(held)
    guard !Self.opensObject(first), !Self.opensList(first) else { return }
    if let noun = DelimitedText.noun(first, name: lines.name) { throw DelimitedText.failure(noun, at: lines.name) }
    format = .plainText
    documents = try PlainText(lines)
  }

  private static func isNamedJSON(_ path: String) -> Bool {
    let name = DelimitedText.uncompressed(path)
    return name.hasSuffix(".jsonl") || name.hasSuffix(".json") || name.hasSuffix(".ndjson")
  }

  /// Whether a line is a JSON row, possibly broken, instead of text.
  private static func opensObject(_ line: [UInt8]) -> Bool {
    line.first(where: { !$0.isSpace }) == UInt8(ascii: "{")
  }

  /// Whether a line starts a list of objects, which is one JSON value instead of text.
  private static func opensList(_ line: [UInt8]) -> Bool {
    let marks = line.lazy.filter { !$0.isSpace }.prefix(2)
    return marks.elementsEqual("[".utf8) || marks.elementsEqual("[{".utf8)
  }

  /// The next row; nil after the last.
  /// - Throws: `Failure` if reading cannot continue.
  public func next() throws -> Row? { try nextSource().map(parse) }

  /// The unparsed bytes of the next row; blank lines are skipped.
  /// - Throws: `Failure` if reading cannot continue.
  public func nextSource() throws -> Source? {
    if documents != nil {
      return try documents!.next().map { Source(line: $0.line, bytes: $0.bytes) }
    }
    while let line = try lines.next() {
      guard let byte = line.first(where: { !$0.isSpace }) else { continue }
      if !hasBegun { try requireRow(line, byte) }
      hasBegun = true
      return Source(line: lines.line, bytes: line)
    }
    return nil
  }

  /// - Throws: `Failure(.badData)` if the first line belongs to another kind of file.
  private func requireRow(_ line: [UInt8], _ byte: UInt8) throws {
    guard byte != UInt8(ascii: "[") else {
      throw Failure(
        .badData, "this is a JSON list, not one object per line", at: lines.place,
        remedy: "Write one object per line, for example with jq -c '.[]'.")
    }
    if byte != UInt8(ascii: "{"), let noun = DelimitedText.noun(line, name: name) {
      throw DelimitedText.failure(noun, at: name)
    }
    if DelimitedText.isWebPage(line) {
      throw Failure(
        .badData, "this is a web page, not JSON Lines", at: name,
        remedy: "Download the file itself; a link may lead to a page about it.")
    }
    if line.trimmedText == "{" {
      throw Failure(
        .badData, "this is a JSON object over several lines", at: lines.place,
        remedy: "Write one object per line: jq -c . \(name) > rows.jsonl.")
    }
  }

  /// Parses a row. The first row that can be read determines the file's format.
  public func parse(_ source: Source) -> Row {
    if let format { return Self.parse(source, format, of: name) }
    var found: DataFormat?
    let row = Self.row(source, name) { () -> (Example, RowFields) in
      let fields: RowFields
      do {
        fields = try Self.fields(source)
      } catch var failure as Failure {
        if allowsText { failure.remedy = "Correct it; or, if this is plain text, add a first line <|endoftext|>." }
        throw failure
      }
      let format = try DataFormat(detecting: fields.object)
      found = format
      return (try Example(fields, format: format), fields)
    }
    format = found
    return row
  }

  /// Parses a row of a file with a known format; may be called on any thread.
  public static func parse(_ source: Source, _ format: DataFormat, of name: String) -> Row {
    row(source, name) {
      guard format == .plainText else {
        let fields = try fields(source)
        return (try Example(fields, format: format), fields)
      }
      guard let text = String(validating: source.bytes, as: UTF8.self) else {
        throw Failure(.badData, "this document is not UTF-8", remedy: "Convert it, for example with iconv.")
      }
      return (.document(text), RowFields(JSONObject()))
    }
  }

  private static func fields(_ source: Source) throws -> RowFields {
    try RowFields(JSON.parse(source.bytes, at: ""))
  }

  /// Builds a row from the result of `read`, and adds the line to failures.
  private static func row(
    _ source: Source, _ name: String, _ read: () throws -> (example: Example, fields: RowFields)
  ) -> Row {
    do {
      let (example, fields) = try read()
      return Row(
        line: source.line, example: .success(example), unusedKeys: fields.unusedKeys, remarks: fields.remarks)
    } catch var failure as Failure {
      failure.place = "\(name):\(source.line)"
      return Row(line: source.line, example: .failure(failure))
    } catch {
      return Row(line: source.line, example: .failure(error))
    }
  }
}

extension [UInt8] {
  fileprivate var isBlank: Bool { allSatisfy { $0.isSpace } }
}
