import Support

/// Packs bytes into independent zstd frames that expand in parallel.
public enum ArchiveWriter {
  /// The longest piece, in bytes.
  public static let maximumPiece = ArchiveLayout.maximumFrame

  /// A range of the source that becomes one frame.
  public struct Piece: Sendable {
    public var offset: Int
    public var count: Int
    /// Element size in bytes, by which the bytes may be split into planes; 1 for no splitting.
    public var width: Int
    /// Whether to split even if the sample does not become smaller.
    public var alwaysSplit: Bool

    public init(offset: Int, count: Int, width: Int = 1, alwaysSplit: Bool = false) {
      self.offset = offset
      self.count = count
      self.width = width
      self.alwaysSplit = alwaysSplit
    }
  }

  /// Compresses `pieces`, which must cover `source` in order, with `threads` threads.
  ///
  /// The archive's bytes do not depend on the number of threads.
  /// - Parameter write: writes bytes at an offset of the archive; called by one thread at a time.
  /// - Throws: `Failure(.usage)` if zstd has no such level.
  public static func pack(
    _ source: UnsafeRawBufferPointer, pieces: [Piece], level: Int, threads: Int,
    write: @escaping @Sendable (_ bytes: [UInt8], _ offset: Int) throws -> Void
  ) throws {
    guard Zstd.levels.contains(level) else {
      throw Failure(
        .usage, "there is no compression level \(level)",
        remedy: "Choose one from 1 to \(Zstd.levels.upperBound).")
    }
    check(pieces, cover: source.count)
    let threads = max(1, min(threads, pieces.count))
    let packers = try (0..<threads).map { _ in try FramePacker(level: level) }
    let input = Borrowed(bytes: source)
    var frames: [ArchiveFrame] = []
    var offset = ArchiveLayout.headBytes(pieces.count)
    // Limits packed but unwritten data to a few pieces per thread.
    let wave = 8 * threads
    let queue = WriteQueue(write)
    let work = Work("packing", of: source.count)
    defer { work.end() }
    for start in stride(from: 0, to: pieces.count, by: wave) {
      let part = start..<min(start + wave, pieces.count)
      let packed = try Parallel.map(threads, threads: threads) { thread in
        try stride(from: part.lowerBound + thread, to: part.upperBound, by: threads).map { index in
          // Writes parts of earlier waves: one for each part packed here.
          try queue.writeOne(limit: 2 * wave)
          defer { work.advance(by: pieces[index].count) }
          return try packers[thread].pack(pieces[index], of: input.bytes)
        }
      }
      for index in 0..<part.count {
        var (frame, bytes) = packed[index % threads][index / threads]
        frame.offset = offset
        queue.add(bytes, at: offset)
        offset += bytes.count
        frames.append(frame)
      }
    }
    try queue.finish()
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
}
