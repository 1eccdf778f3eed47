import Support

/// Packs pieces into frames, one at a time.
final class FramePacker: Sendable {
  /// Bytes of a long piece that are compressed as a sample, to choose the way of compression.
  static let sampleBytes = 1 << 16

  private let compressor: Zstd.Compressor
  private let level: Int

  init(level: Int) throws {
    compressor = try Zstd.Compressor()
    self.level = level
  }

  /// A way to compress a piece: whether its bytes are split into planes, and with which effort.
  private struct Way {
    var isSplit: Bool
    var effort: Zstd.Effort
  }

  func pack(
    _ piece: ArchiveWriter.Piece, of source: UnsafeRawBufferPointer
  ) throws -> (ArchiveFrame, [UInt8]) {
    let raw = UnsafeRawBufferPointer(rebasing: source[piece.offset..<piece.offset + piece.count])
    let way = try self.way(piece, raw)
    var frame = ArchiveFrame(
      hash: Hash.xxh64(raw), rawBytes: piece.count, planes: way.isSplit ? piece.width : 1)
    frame.rawOffset = piece.offset
    let bytes = try compress(raw, piece.width, way)
    frame.compressedBytes = bytes.count
    return (frame, bytes)
  }

  /// The way that makes the piece smallest; for a long piece, only its middle is tried.
  private func way(_ piece: ArchiveWriter.Piece, _ raw: UnsafeRawBufferPointer) throws -> Way {
    let plain = Way(isSplit: false, effort: .level(level))
    guard piece.width > 1 else { return plain }
    let count = min(raw.count, Self.sampleBytes)
    let start = (raw.count - count) / 2 / piece.width * piece.width
    let sample = UnsafeRawBufferPointer(rebasing: raw[start..<start + count])
    // For a sample of a long piece, the fastest level is as informative as the requested one.
    let effort = Zstd.Effort.level(count < raw.count ? min(level, 1) : level)
    let split = try bytes(sample, piece.width, Way(isSplit: true, effort: effort))
    let entropy = try bytes(sample, piece.width, Way(isSplit: true, effort: .entropy))
    if !piece.alwaysSplit {
      let whole = try bytes(sample, piece.width, Way(isSplit: false, effort: effort))
      if whole <= min(split, entropy) { return plain }
    }
    return Way(isSplit: true, effort: split < entropy ? .level(level) : .entropy)
  }

  /// The compressed size of a sample. Each plane is compressed separately: in a long piece each plane is longer than
  /// zstd's blocks, and every block has its own codes.
  private func bytes(_ sample: UnsafeRawBufferPointer, _ width: Int, _ way: Way) throws -> Int {
    guard way.isSplit else { return try compressor.compress(sample, way.effort).count }
    return try withPlanes(sample, width) { planes in
      let count = planes.count / width
      return try (0..<width).reduce(0) { sum, plane in
        let end = plane == width - 1 ? planes.count : (plane + 1) * count
        let part = UnsafeRawBufferPointer(rebasing: planes[plane * count..<end])
        return try sum + compressor.compress(part, way.effort).count
      }
    }
  }

  private func compress(_ raw: UnsafeRawBufferPointer, _ width: Int, _ way: Way) throws -> [UInt8] {
    guard way.isSplit else { return try compressor.compress(raw, way.effort) }
    return try withPlanes(raw, width) { try compressor.compress($0, way.effort) }
  }

  private func withPlanes<Result>(
    _ raw: UnsafeRawBufferPointer, _ width: Int, _ body: (UnsafeRawBufferPointer) throws -> Result
  ) rethrows -> Result {
    let planes = UnsafeMutableRawBufferPointer.allocate(byteCount: raw.count, alignment: 16)
    defer { planes.deallocate() }
    BytePlanes.split(raw, width: width, into: planes)
    return try body(UnsafeRawBufferPointer(planes))
  }
}
