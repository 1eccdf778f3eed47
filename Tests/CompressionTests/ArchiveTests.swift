import Glibc
import Support
import Synchronization
import TestSupport
import Testing

@testable import Compression

@Suite struct ArchiveTests {
  static func pieces(_ counts: [(count: Int, width: Int)]) -> [ArchiveWriter.Piece] {
    var offset = 0
    return counts.enumerated().map { index, piece in
      defer { offset += piece.count }
      return ArchiveWriter.Piece(
        offset: offset, count: piece.count, width: piece.width, alwaysSplit: index == 0)
    }
  }

  static let counts: [(count: Int, width: Int)] = [
    (4097, 4), (1 << 20, 4), (1, 1), (70_001, 2), (300_000, 4),
  ]
  static let rawCount = counts.map(\.count).reduce(0, +)
  static let raw = sampleBytes(rawCount)

  static func zeros(_ count: Int) -> [UInt8] { [UInt8](repeating: 0, count: count) }

  static func pack(
    _ raw: [UInt8], _ counts: [(count: Int, width: Int)] = counts, level: Int = 3, threads: Int = 1
  ) throws -> [UInt8] {
    try raw.withUnsafeBytes {
      try ArchiveWriter.pack($0, pieces: pieces(counts), level: level, threads: threads)
    }
  }

  static func expand(_ archive: [UInt8], threads: Int = 1) throws -> [UInt8] {
    try archive.withUnsafeBytes { bytes in
      let archive = try Archive(bytes, name: "test")
      let raw = Mutex(zeros(archive.rawBytes))
      try archive.expand(threads: threads) { bytes, offset in
        raw.withLock { $0.replaceSubrange(offset..<offset + bytes.count, with: bytes) }
      }
      return raw.withLock { $0 }
    }
  }

  @Test("packed and expanded bytes are the bytes, for any number of threads", arguments: 1...3)
  func roundTrip(threads: Int) throws {
    let archive = try Self.pack(Self.raw, threads: threads)
    #expect(try archive == Self.pack(Self.raw))
    #expect(archive.count < Self.raw.count)
    #expect(try Self.expand(archive, threads: threads) == Self.raw)
  }

  @Test("byte planes are used where they measure smaller, and only there")
  func measured() throws {
    let planes = try Self.pack(Self.raw).withUnsafeBytes {
      try Archive($0, name: "test").frames.map(\.planes)
    }
    #expect(planes[0] == 4 && planes[1] == 4 && planes[2] == 1)
    let flat = try Self.pack(Self.zeros(Self.raw.count)).withUnsafeBytes {
      try Archive($0, name: "test").frames.map(\.planes)
    }
    #expect(flat == [4, 1, 1, 1, 1])
  }

  @Test(
    "weights without a pattern take as many bits as their bytes' distributions have, at every level",
    arguments: [1, 3, 12, 19])
  func entropy(level: Int) throws {
    var random = RandomStream(seed: 1, purpose: "weights")
    let values = (0..<1 << 19).map { _ in random.normal() * 0.02 }
    let raw = values.withUnsafeBytes { Array($0) }
    var bits = 0.0
    for plane in 0..<4 {
      var histogram = [Double](repeating: 0, count: 256)
      for i in values.indices { histogram[Int(raw[4 * i + plane])] += 1 }
      for count in histogram where count > 0 {
        bits -= count * DeterministicMath.log(count / Double(values.count))
      }
    }
    let ideal = bits / DeterministicMath.log(2) / 8
    let packed = try Self.pack(raw, [(1 << 20, 4), (1 << 20, 4)], level: level)
    #expect(Double(packed.count) < 1.01 * ideal, "\(packed.count) bytes, ideally \(ideal)")
    #expect(try Self.expand(packed) == raw)
  }

  @Test("values with a pattern are still compressed by it")
  func patterns() throws {
    var random = RandomStream(seed: 2, purpose: "rows")
    let row = (0..<256).map { _ in random.normal() }
    let raw = (0..<2048).flatMap { _ in row }.withUnsafeBytes { Array($0) }
    let packed = try Self.pack(raw, [(1 << 20, 4), (1 << 20, 4)])
    #expect(packed.count < raw.count / 100, "\(packed.count)")
    #expect(try Self.expand(packed) == raw)
  }

  @Test(
    "splitting and joining byte planes are inverse for every width and tail", arguments: [1, 2, 4])
  func planes(width: Int) {
    for count in 0...(3 * width + 1) {
      let raw = sampleBytes(count)
      var split = [UInt8](repeating: 0, count: count)
      var joined = split
      raw.withUnsafeBytes { raw in
        split.withUnsafeMutableBytes { split in
          BytePlanes.split(raw, width: width, into: split)
          joined.withUnsafeMutableBytes {
            BytePlanes.join(UnsafeRawBufferPointer(split), width: width, into: $0)
          }
        }
      }
      #expect(joined == raw)
      if count >= 2 * width { #expect(split[1] == raw[width]) }
    }
  }

  @Test("the seek table is zstd's: frames' sizes lead to each frame, the footer is at the end")
  func seekTable() throws {
    let archive = try Self.pack(Self.raw)
    let entries = Self.counts.count + 1
    func u32(_ offset: Int) -> Int {
      (0..<4).reduce(0) { $0 | Int(archive[offset + $1]) << (8 * $1) }
    }
    let end = archive.count
    #expect(u32(end - 4) == 0x8F92_EAB1 && archive[end - 5] == 0 && u32(end - 9) == entries)
    let start = end - 9 - 8 * entries
    #expect(u32(start - 8) == 0x184D_2A5E && u32(start - 4) == end - start)
    var offset = 0
    for index in 0..<entries {
      let magic = index == 0 ? 0x184D_2A50 : 0xFD2F_B528
      let rawBytes = index == 0 ? 0 : Self.counts[index - 1].count
      #expect(u32(offset) == magic)
      #expect(u32(start + 8 * index + 4) == rawBytes)
      offset += u32(start + 8 * index)
    }
    #expect(offset == start - 8)
  }

  @Test("an archive with any byte of its tables changed is refused")
  func damagedTables() throws {
    let archive = try Self.pack(Self.raw)
    let head = ArchiveLayout.headBytes(Self.counts.count)
    let seek = archive.count - ArchiveLayout.seekBytes(Self.counts.count)
    for offset in Array(0..<head) + Array(seek..<archive.count) {
      var damaged = archive
      damaged[offset] ^= 0x20
      #expect(throws: Failure.self) { try Self.expand(damaged) }
    }
  }

  @Test("an archive with a changed byte of data is refused")
  func damagedData() throws {
    let archive = try Self.pack(Self.raw)
    let head = ArchiveLayout.headBytes(Self.counts.count)
    for offset in stride(from: head, to: archive.count, by: 9973) {
      var damaged = archive
      damaged[offset] ^= 0x01
      #expect(throws: Failure.self) { try Self.expand(damaged) }
    }
  }

  @Test("a truncated archive is refused")
  func truncated() throws {
    let archive = try Self.pack(Self.raw)
    for count in [0, 1, 8, 16, 39, 40, 41, archive.count / 2, archive.count - 1] {
      #expect(throws: Failure.self) { try Self.expand(Array(archive.prefix(count))) }
    }
    #expect(throws: Failure.self) { try Self.expand(archive + [0]) }
  }

  @Test("a frame that expands to more than the tables state is refused unexpanded")
  func bomb() throws {
    let frame = try Self.zeros(1 << 24).withUnsafeBytes { try Zstd.Compressor().compress($0, .level(3)) }
    var entry = ArchiveFrame(hash: 0, rawBytes: 100, planes: 1)
    entry.compressedBytes = frame.count
    let archive = ArchiveLayout.head([entry]) + frame + ArchiveLayout.seekTable([entry])
    #expect(throws: Failure.self) { try Self.expand(archive) }
    entry.rawBytes = 1 << 24
    let large = ArchiveLayout.head([entry]) + frame + ArchiveLayout.seekTable([entry])
    #expect(throws: Failure.self) { try Self.expand(large) }
  }

  @Test("an unknown level is a usage error")
  func level() {
    #expect {
      try [UInt8](repeating: 0, count: 4).withUnsafeBytes {
        try ArchiveWriter.pack(
          $0, pieces: [ArchiveWriter.Piece(offset: 0, count: 4)], level: 99, threads: 1)
      }
    } throws: {
      ($0 as? Failure)?.kind == .usage
    }
  }

  @Test("zstd -t accepts an archive", .enabled(if: zstdCommand != nil))
  func command() throws {
    let path = "/tmp/tinyrlhf-archive-\(getpid()).zst"
    defer { unlink(path) }
    try Files.writeAtomically(Self.pack(Self.raw), to: path)
    #expect(run([zstdCommand!, "-t", "-q", path]) == 0)
  }
}
