import Support

/// The framing of an archive, to the byte:
///
///     skippable frame 0x184D2A50: the expanded size and hash of each data frame (our own format)
///     data frame 0, 1, …: ordinary zstd frames
///     skippable frame 0x184D2A5E: seek table of zstd's seekable format
enum ArchiveLayout {
  static let headMagic: UInt32 = 0x184D_2A50
  static let seekMagic: UInt32 = 0x184D_2A5E
  static let seekFooterMagic: UInt32 = 0x8F92_EAB1
  static let signature = Array("TRLHFARC".utf8)
  static let version: UInt32 = 1
  static let skippableHeaderBytes = 8
  /// Signature, version, number of frames, raw bytes, hash.
  static let headFixedBytes = 32
  static let headEntryBytes = 16
  static let seekEntryBytes = 8
  static let seekFooterBytes = 9
  /// The largest frame, in raw bytes.
  static let maximumFrame = 1 << 20
  static let maximumFrames = 1 << 26

  static func headBytes(_ frames: Int) -> Int {
    skippableHeaderBytes + headFixedBytes + headEntryBytes * frames
  }

  /// The seek table lists the head as a frame that expands to nothing.
  static func seekBytes(_ frames: Int) -> Int {
    skippableHeaderBytes + seekEntryBytes * (frames + 1) + seekFooterBytes
  }
}

/// The expanded form of one data frame.
struct ArchiveFrame: Equatable, Sendable {
  /// XXH64 of the raw bytes.
  var hash: UInt64
  var rawBytes: Int
  /// Number of byte planes to join after expanding; 1 for none.
  var planes: Int
  /// Offset of the raw bytes in the expanded archive.
  var rawOffset = 0
  /// Offset of the compressed frame in the archive.
  var offset = 0
  var compressedBytes = 0
}

extension Array where Element == UInt8 {
  mutating func append<T: FixedWidthInteger>(littleEndian value: T) {
    Swift.withUnsafeBytes(of: value.littleEndian) { append(contentsOf: $0) }
  }
}

extension ArchiveLayout {
  /// The content hash of an archive: a hash over the whole head except the hash itself.
  static func hash(_ frames: [ArchiveFrame]) -> UInt64 {
    Hash.xxh64(fixed(frames) + entries(frames))
  }

  static func head(_ frames: [ArchiveFrame]) -> [UInt8] {
    var bytes: [UInt8] = []
    bytes.append(littleEndian: headMagic)
    bytes.append(littleEndian: UInt32(headBytes(frames.count) - skippableHeaderBytes))
    bytes += fixed(frames)
    bytes.append(littleEndian: hash(frames))
    return bytes + entries(frames)
  }

  static func seekTable(_ frames: [ArchiveFrame]) -> [UInt8] {
    var bytes: [UInt8] = []
    bytes.append(littleEndian: seekMagic)
    bytes.append(littleEndian: UInt32(seekBytes(frames.count) - skippableHeaderBytes))
    bytes.append(littleEndian: UInt32(headBytes(frames.count)))
    bytes.append(littleEndian: UInt32(0))
    for frame in frames {
      bytes.append(littleEndian: UInt32(frame.compressedBytes))
      bytes.append(littleEndian: UInt32(frame.rawBytes))
    }
    bytes.append(littleEndian: UInt32(frames.count + 1))
    bytes.append(0)
    bytes.append(littleEndian: seekFooterMagic)
    return bytes
  }

  private static func fixed(_ frames: [ArchiveFrame]) -> [UInt8] {
    var bytes = signature
    bytes.append(littleEndian: version)
    bytes.append(littleEndian: UInt32(frames.count))
    bytes.append(littleEndian: UInt64(frames.reduce(0) { $0 + $1.rawBytes }))
    return bytes
  }

  private static func entries(_ frames: [ArchiveFrame]) -> [UInt8] {
    var bytes: [UInt8] = []
    for frame in frames {
      bytes.append(littleEndian: frame.hash)
      bytes.append(littleEndian: UInt32(frame.rawBytes))
      bytes.append(littleEndian: UInt32(frame.planes))
    }
    return bytes
  }
}
