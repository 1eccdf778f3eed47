import Support

#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#endif

/// Reads the lines of a file or a pipe one after another, in memory bounded by the longest line.
///
///     let lines = try LineReader(path: "-")
///     while let line = try lines.next() { … lines.place … }
public final class LineReader {
  /// The path, or `stdin`.
  public let name: String
  /// The number of the last line read; the first is 1.
  public private(set) var line = 0

  /// XXH64 of the lines read so far, with their ends, each with the hash of those before it as its seed. It depends
  /// on the contents, not on compression.
  public private(set) var contentHash: UInt64 = 0

  private let source: any ByteSource
  private let limit: Int
  private var buffer = [UInt8](repeating: 0, count: 1 << 16)
  private var unread = 0..<0
  private var hasLooked = false
  /// Lines that were put back, in order.
  private var returned: ArraySlice<[UInt8]> = []

  public static let lineLimit = 64 << 20

  /// Opens a file, or standard input for `-`. Data compressed with gzip or zstd is expanded while reading.
  /// - Throws: `Failure(.inputOutput)` if it cannot be opened.
  public convenience init(path: String, limit: Int = LineReader.lineLimit) throws {
    if path == "-" {
      self.init(descriptor: 0, name: "stdin", limit: limit)
    } else {
      self.init(
        ExpandingSource(try DescriptorSource(path: path), name: path), name: path, limit: limit)
    }
  }

  /// Reads from an open descriptor, which stays open.
  public convenience init(descriptor: Int32, name: String, limit: Int = LineReader.lineLimit) {
    let source = DescriptorSource(descriptor, name: name, owned: false)
    self.init(ExpandingSource(source, name: name), name: name, limit: limit)
  }

  init(_ source: any ByteSource, name: String, limit: Int) {
    self.source = source
    self.name = name
    self.limit = limit
  }

  /// `file:line` of the last line read.
  public var place: String { "\(name):\(line)" }

  /// Whether `next()` can return a line without waiting for more input.
  public var hasLine: Bool { unread.isEmpty ? false : buffer[endOfLine() - 1] == newline }

  /// The next line without its end (`\n` or `\r\n`), or nil after the last.
  /// - Throws: `Failure(.badData)` if it is longer than the limit, `Failure(.inputOutput)`.
  public func next() throws -> [UInt8]? {
    guard var bytes = try nextWithEnd() else { return nil }
    if bytes.last == newline { bytes.removeLast() }
    if bytes.last == UInt8(ascii: "\r") { bytes.removeLast() }
    return bytes
  }

  /// The next line, including its line end.
  func nextWithEnd() throws -> [UInt8]? {
    if let line = returned.popFirst() {
      self.line += 1
      return line
    }
    try detectEncoding()
    var bytes: [UInt8] = []
    while true {
      if unread.isEmpty {
        let count = try buffer.withUnsafeMutableBytes { try source.read(into: $0) }
        unread = 0..<count
        if count == 0 { break }
      }
      let end = endOfLine()
      bytes.append(contentsOf: buffer[unread.lowerBound..<end])
      unread = end..<unread.upperBound
      guard bytes.count <= limit else {
        throw Failure(
          .badData, "this line is longer than \(Formatting.bytes(limit))",
          at: "\(name):\(line + 1)", remedy: "Write one record per line.")
      }
      if bytes.last == newline { break }
    }
    if bytes.isEmpty { return nil }
    contentHash = Hash.xxh64(bytes, seed: contentHash)
    line += 1
    if line == 1, bytes.starts(with: byteOrderMark) { bytes.removeFirst(byteOrderMark.count) }
    return bytes
  }

  /// Puts the last lines back, exactly as they were read.
  func putBack(_ lines: [[UInt8]]) {
    returned = lines[...]
    line -= lines.count
  }

  /// Checks whether the first bytes belong to a kind of file that has no lines. Waits for no more input than the
  /// first line or a few hundred bytes.
  /// - Throws: `Failure(.badData)` that names the kind of file.
  private func detectEncoding() throws {
    guard !hasLooked else { return }
    hasLooked = true
    while unread.count < FileKind.headBytes, !buffer[unread].contains(newline) {
      let end = unread.upperBound
      let count = try buffer.withUnsafeMutableBytes { try source.read(into: .init(rebasing: $0[end...])) }
      if count == 0 { break }
      unread = 0..<end + count
    }
    if let kind = FileKind(buffer[unread], name: name) { throw kind.failure(name) }
  }

  /// The index after the first newline in the unread bytes, or their end.
  private func endOfLine() -> Int {
    buffer.withUnsafeBytes { bytes in
      let start = bytes.baseAddress! + unread.lowerBound
      guard let found = memchr(start, Int32(newline), unread.count) else {
        return unread.upperBound
      }
      return UnsafeRawPointer(found) - bytes.baseAddress! + 1
    }
  }
}

private let newline = UInt8(ascii: "\n")
private let byteOrderMark: [UInt8] = [0xEF, 0xBB, 0xBF]
