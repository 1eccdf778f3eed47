import Support

/// The rows of a data file, one after another, in memory bounded by the longest of them.
///
///     let rows = try RowReader(path: "train.jsonl.gz")
///     while let row = try rows.next() { … rows.format … try row.example.get() … }
public final class RowReader {
  /// A line of JSON, or a document of plain text, as it lies in the file.
  public struct Source: Sendable {
    public let line: Int
    let bytes: [UInt8]

    public var count: Int { bytes.count }
  }

  /// What a row says.
  public struct Row: Sendable {
    public let line: Int
    /// Fails with `Failure(.badData)`, with the row's place, or with `Unusable`.
    public let example: Result<Example, any Error>
  }

  /// The path, or `stdin`.
  public var name: String { lines.name }
  /// Known as soon as a row could be read: plain text at once, else from the first row's keys.
  public private(set) var format: DataFormat?

  private let lines: LineReader
  /// The first line, if it was looked at to find out what the file is.
  private var held: [UInt8]?
  private var documents: PlainText?
  private var hasBegun = false

  /// Reads JSON Lines, or text where `allowsText` and neither the name nor the first line says JSON.
  /// - Parameter path: of a file, compressed or not, or `-` for standard input.
  /// - Throws: `Failure` if it cannot be read.
  public convenience init(path: String, allowsText: Bool = true) throws {
    try self.init(LineReader(path: path), allowsText: allowsText)
  }

  init(_ lines: LineReader, allowsText: Bool) throws {
    self.lines = lines
    guard allowsText, !Self.isNamedJSON(lines.name) else { return }
    guard let first = try lines.nextWithEnd() else {
      throw Failure(
        .badData, "there is no document", at: lines.name, remedy: "Give a file with text in it.")
    }
    if Self.isObject(first) || Self.opensList(first) {
      held = first
    } else {
      format = .plainText
      documents = PlainText(lines, first: first)
    }
  }

  private static func isNamedJSON(_ path: String) -> Bool {
    var name = path[...]
    for ending in [".gz", ".zst"] where name.hasSuffix(ending) { name = name.dropLast(ending.count) }
    return name.hasSuffix(".jsonl") || name.hasSuffix(".json")
  }

  private static func isObject(_ line: [UInt8]) -> Bool {
    guard line.first(where: { !$0.isSpace }) == UInt8(ascii: "{") else { return false }
    guard case .object = try? JSON.decode(JSONValue.self, from: line, at: "") else { return false }
    return true
  }

  /// Whether a line opens a list of objects, which is one JSON value and no text either.
  private static func opensList(_ line: [UInt8]) -> Bool {
    let marks = line.lazy.filter { !$0.isSpace }.prefix(2)
    return marks.elementsEqual("[".utf8) || marks.elementsEqual("[{".utf8)
  }

  /// The next row; nil after the last.
  /// - Throws: `Failure` where reading cannot go on.
  public func next() throws -> Row? { try nextSource().map(parse) }

  /// The next row as it lies in the file; blank ones do not count.
  /// - Throws: `Failure` where reading cannot go on.
  public func nextSource() throws -> Source? {
    if documents != nil {
      return try documents!.next().map { Source(line: $0.line, bytes: $0.bytes) }
    }
    while true {
      let next = try held ?? lines.next()
      held = nil
      guard let line = next else { return nil }
      guard let byte = line.first(where: { !$0.isSpace }) else { continue }
      guard hasBegun || byte != UInt8(ascii: "[") else {
        throw Failure(
          .badData, "this is a JSON list, not one object a line", at: lines.place,
          remedy: "Write one object a line, for example with jq -c '.[]'.")
      }
      hasBegun = true
      return Source(line: lines.line, bytes: line)
    }
  }

  /// Reads a row, and from the first that can be read the file's format.
  public func parse(_ source: Source) -> Row {
    if let format { return Self.parse(source, format, of: name) }
    return Row(
      line: source.line,
      example: Result {
        try Self.locating(source, name) {
          let value = try Self.value(source)
          let format = try DataFormat(detecting: value)
          self.format = format
          return try Example(value, line: source.bytes, format: format)
        }
      })
  }

  /// Reads a row of a file whose format is known; on any thread.
  public static func parse(_ source: Source, _ format: DataFormat, of name: String) -> Row {
    Row(
      line: source.line,
      example: Result {
        try locating(source, name) {
          guard format == .plainText else {
            return try Example(try value(source), line: source.bytes, format: format)
          }
          guard let text = String(validating: source.bytes, as: UTF8.self) else {
            throw Failure(.badData, "this document is not UTF-8")
          }
          return .document(text)
        }
      })
  }

  private static func value(_ source: Source) throws -> JSONValue {
    do {
      return try JSON.decode(JSONValue.self, from: source.bytes, at: "")
    } catch {
      guard String(validating: source.bytes, as: UTF8.self) != nil else {
        throw Failure(.badData, "this is not UTF-8", remedy: "Convert it, for example with iconv.")
      }
      throw error
    }
  }

  /// Gives failures their line.
  private static func locating<T>(_ source: Source, _ name: String, _ body: () throws -> T) throws -> T {
    do {
      return try body()
    } catch var failure as Failure {
      failure.place = "\(name):\(source.line)"
      throw failure
    }
  }
}
