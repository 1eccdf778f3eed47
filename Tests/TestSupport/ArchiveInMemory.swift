import Compression
import Synchronization

extension ArchiveWriter {
  /// The whole archive in memory.
  public static func pack(
    _ source: UnsafeRawBufferPointer, pieces: [Piece], level: Int, threads: Int
  ) throws -> [UInt8] {
    let archive = Mutex<[UInt8]>([])
    try pack(source, pieces: pieces, level: level, threads: threads) { bytes, offset in
      archive.withLock { archive in
        let missing = offset + bytes.count - archive.count
        if missing > 0 { archive += [UInt8](repeating: 0, count: missing) }
        archive.replaceSubrange(offset..<offset + bytes.count, with: bytes)
      }
    }
    return archive.withLock { $0 }
  }
}
