import Support

/// Packs bytes into independent zstd frames that expand in parallel.
public enum ArchiveWriter {
  /// The longest piece, in bytes.
  public static let maximumPiece = ArchiveLayout.maximumFrame

  /// A stretch of the source that becomes one frame.
  public struct Piece: Sendable {
    public var offset: Int
    public var count: Int
    /// Width of the elements whose bytes may be split into planes; 1 for none.
    public var width: Int
    /// Whether to split even where that does not measure smaller.
    public var alwaysSplit: Bool

    public init(offset: Int, count: Int, width: Int = 1, alwaysSplit: Bool = false) {
      self.offset = offset
      self.count = count
      self.width = width
      self.alwaysSplit = alwaysSplit
    }
  }

  /// Compresses `pieces`, which must cover `source` in order, over `threads`.
  ///
  /// The bytes do not depend on the number of threads.
  /// - Parameter write: puts bytes at an offset of the archive.
  /// - Throws: `Failure(.usage)` for a level that zstd does not have.
  public static func pack(
    _ source: UnsafeRawBufferPointer, pieces: [Piece], level: Int, threads: Int,
    write: (_ bytes: [UInt8], _ offset: Int) throws -> Void
  ) throws {
    guard Zstd.levels.contains(level) else {
      throw Failure(
        .usage, "there is no compression level \(level)",
        remedy: "Choose one from 1 to \(Zstd.levels.upperBound).")
    }
    check(pieces, cover: source.count)
    var frames: [ArchiveFrame] = []
    var offset = ArchiveLayout.headBytes(pieces.count)
    let wave = 4 * max(1, threads)
    let input = Borrowed(bytes: source)
    for start in stride(from: 0, to: pieces.count, by: wave) {
      let part = Array(pieces[start..<min(start + wave, pieces.count)])
      let packed = try Parallel.map(part.count, threads: threads) {
        try compress(part[$0], of: input.bytes, level: level)
      }
      for (var frame, bytes) in packed {
        frame.offset = offset
        try write(bytes, offset)
        offset += bytes.count
        frames.append(frame)
      }
    }
    try write(ArchiveLayout.seekTable(frames), offset)
    try write(ArchiveLayout.head(frames), 0)
  }

  private static func check(_ pieces: [Piece], cover count: Int) {
    var end = 0
    for piece in pieces {
      precondition(piece.offset == end, "a piece at \(piece.offset), not \(end)")
      precondition(
        (1...maximumPiece).contains(piece.count) && [1, 2, 4].contains(piece.width),
        "a piece of \(piece.count) bytes, elements of \(piece.width)")
      end += piece.count
    }
    precondition(end == count, "pieces end at \(end) of \(count)")
    precondition(pieces.count <= ArchiveLayout.maximumFrames, "\(pieces.count) pieces")
  }

  private static func compress(
    _ piece: Piece, of source: UnsafeRawBufferPointer, level: Int
  ) throws -> (ArchiveFrame, [UInt8]) {
    let raw = UnsafeRawBufferPointer(rebasing: source[piece.offset..<piece.offset + piece.count])
    var frame = ArchiveFrame(hash: Hash.xxh64(raw), rawBytes: piece.count, planes: 1)
    frame.rawOffset = piece.offset
    var best = piece.alwaysSplit ? [] : try Zstd.compress(raw, level: level)
    if piece.width > 1 {
      let planes = UnsafeMutableRawBufferPointer.allocate(byteCount: raw.count, alignment: 16)
      defer { planes.deallocate() }
      BytePlanes.split(raw, width: piece.width, into: planes)
      let split = try Zstd.compress(UnsafeRawBufferPointer(planes), level: level)
      if piece.alwaysSplit || split.count < best.count {
        best = split
        frame.planes = piece.width
      }
    }
    frame.compressedBytes = best.count
    return (frame, best)
  }
}
