import Compression

extension GzipReader: ByteSource {}
extension ZstdReader: ByteSource {}

/// The bytes of another source, expanded if they are compressed with gzip or zstd.
///
/// The first bytes decide the format. If they match no format, the file name's extension decides, so that a file with
/// a damaged beginning gets an error about gzip.
final class ExpandingSource: ByteSource {
  private enum Compression: String, CaseIterable {
    case gzip = ".gz"
    case zstd = ".zst"

    /// The possible first bytes of a stream; the second one of zstd is a skippable frame.
    var signatures: [[ClosedRange<UInt8>]] {
      switch self {
      case .gzip: [[0x1F...0x1F, 0x8B...0x8B]]
      case .zstd:
        [
          [0x28...0x28, 0xB5...0xB5, 0x2F...0x2F, 0xFD...0xFD],
          [0x50...0x5F, 0x2A...0x2A, 0x4D...0x4D, 0x18...0x18],
        ]
      }
    }
  }

  private let source: any ByteSource
  private let name: String
  /// Nil until the first bytes have been read.
  private var expanded: (any ByteSource)?

  /// Does not read anything yet.
  init(_ source: any ByteSource, name: String) {
    self.source = source
    self.name = name
  }

  func read(into buffer: UnsafeMutableRawBufferPointer) throws -> Int {
    if let expanded { return try expanded.read(into: buffer) }
    let opened = try open()
    expanded = opened
    return try opened.read(into: buffer)
  }

  private func open() throws -> any ByteSource {
    let (head, found) = try detectCompression()
    let whole = PrefixedSource(head, source)
    switch found ?? Compression.allCases.first(where: { name.hasSuffix($0.rawValue) }) {
    case .gzip: return try GzipReader(name: name) { try whole.read(into: $0) }
    case .zstd: return try ZstdReader(name: name) { try whole.read(into: $0) }
    case nil: return whole
    }
  }

  /// Reads just enough bytes to detect gzip or zstd, so that interactive input is not blocked.
  private func detectCompression() throws -> (head: [UInt8], found: Compression?) {
    var head: [UInt8] = []
    while true {
      let possible = Compression.allCases.flatMap { compression in
        compression.signatures.filter { zip($0, head).allSatisfy { $0 ~= $1 } }
          .map { (compression, $0.count) }
      }
      if let (compression, _) = possible.first(where: { $0.1 <= head.count }) {
        return (head, compression)
      }
      guard let longest = possible.map(\.1).max() else { return (head, nil) }
      var part = [UInt8](repeating: 0, count: longest - head.count)
      let count = try part.withUnsafeMutableBytes { try source.read(into: $0) }
      guard count > 0 else { return (head, nil) }
      head += part.prefix(count)
    }
  }
}

/// Bytes that were already read, followed by the rest of the source.
private final class PrefixedSource: ByteSource {
  private var prefix: ArraySlice<UInt8>
  private let source: any ByteSource

  init(_ prefix: [UInt8], _ source: any ByteSource) {
    self.prefix = prefix[...]
    self.source = source
  }

  func read(into buffer: UnsafeMutableRawBufferPointer) throws -> Int {
    guard !prefix.isEmpty else { return try source.read(into: buffer) }
    let part = prefix.prefix(buffer.count)
    buffer.copyBytes(from: part)
    prefix = prefix.dropFirst(part.count)
    return part.count
  }
}
