import Compression
import Support
import TestSupport
import Testing

@testable import Checkpoints

/// An archive's bytes to be damaged, with the means to make its tables agree again.
private struct ForgedArchive {
  var bytes: [UInt8]
  let frames: Int

  /// Of a small checkpoint, or of any bytes in frames of `piece`.
  init(_ content: [UInt8]? = nil, piece: Int = 65_536) throws {
    let content = try content ?? Forgery().bytes
    bytes = try content.withUnsafeBytes { source in
      let pieces = stride(from: 0, to: source.count, by: piece).map {
        ArchiveWriter.Piece(offset: $0, count: min(piece, source.count - $0))
      }
      return try ArchiveWriter.pack(source, pieces: pieces, level: 1, threads: 1)
    }
    frames = bytes.withUnsafeBytes { Int($0.u32(20)) }
  }

  func entry(_ frame: Int) -> Int { 40 + 16 * frame }
  var seekTable: Int { bytes.count - (8 + 8 * (frames + 1) + 9) }
  func seekEntry(_ frame: Int) -> Int { seekTable + 8 + 8 * (frame + 1) }

  mutating func put<T: FixedWidthInteger>(_ value: T, at offset: Int) {
    withUnsafeBytes(of: value.littleEndian) {
      bytes.replaceSubrange(offset..<offset + $0.count, with: $0)
    }
  }

  /// Raw sizes into the seek table and their sum into the head, then the head's hash.
  mutating func seal() {
    var total: UInt64 = 0
    for frame in 0..<frames {
      let raw = bytes.withUnsafeBytes { $0.u32(entry(frame) + 8) }
      put(raw, at: seekEntry(frame) + 4)
      total += UInt64(raw)
    }
    put(total, at: 24)
    put(Hash.xxh64(Array(bytes[8..<32]) + bytes[40..<entry(frames)]), at: 32)
  }
}

/// A zstd stream without the checksum that would notice what is forged.
private func stream(_ content: [UInt8]) -> [UInt8] {
  // One raw block a 100,000 bytes: magic, a descriptor that promises nothing, a window of 128 kB.
  var bytes: [UInt8] = [0x28, 0xB5, 0x2F, 0xFD, 0x00, 0x38]
  for start in stride(from: 0, to: content.count, by: 100_000) {
    let part = content[start..<min(start + 100_000, content.count)]
    let header = part.count << 3 | (part.endIndex == content.count ? 1 : 0)
    bytes += [UInt8(header & 255), UInt8(header >> 8 & 255), UInt8(header >> 16)] + part
  }
  return bytes
}

@Suite struct MalformedArchiveTests {
  private func expect(
    _ archive: ForgedArchive, _ byte: Int, _ what: String, remedy: String = "Copy the file again.",
    part: String = "archive", sourceLocation: SourceLocation = #_sourceLocation
  ) {
    expectRefusal(
      archive.bytes, "forged.trlhf, byte \(byte) (\(part)): \(what). \(remedy)",
      sourceLocation: sourceLocation)
  }

  @Test("a sound archive is accepted, also after its tables were sealed here")
  func sound() throws {
    var archive = try ForgedArchive()
    let before = archive.bytes
    archive.seal()
    #expect(archive.bytes == before)
    try open(archive.bytes, verify: true)
    try open(stream(Forgery().bytes), verify: true)
  }

  @Test("an archive cut anywhere near a boundary of its parts is refused")
  func truncated() throws {
    let archive = try ForgedArchive()
    for boundary in [8, 16, 20, 40, 56, archive.entry(archive.frames), archive.seekTable] {
      for count in boundary - 1...boundary + 1 {
        let failure = refusal(Array(archive.bytes.prefix(count)))
        #expect(failure?.kind == .badData && failure?.place?.hasPrefix("forged.trlhf, byte ") == true)
      }
    }
    var short = archive
    short.bytes = Array(archive.bytes.prefix(39))
    expect(short, 39, "the file ends inside its head")
    short.bytes = Array(archive.bytes.prefix(archive.entry(archive.frames)))
    expect(short, short.bytes.count, "the file ends inside its tables")
  }

  @Test("another version of the archive is named", arguments: [0, 2])
  func version(version: UInt32) throws {
    var archive = try ForgedArchive()
    archive.put(version, at: 16)
    expect(
      archive, 16, "archive version \(version); this program reads version 1", remedy: "Use a newer program.")
  }

  @Test("a number of frames that the file has no tables for is refused", arguments: [1 << 26, UInt32.max])
  func frameCount(count: UInt32) throws {
    var archive = try ForgedArchive()
    archive.put(count, at: 20)
    expect(archive, archive.bytes.count, "the file ends inside its tables")
  }

  @Test("an archive of no frames holds no checkpoint")
  func noFrames() throws {
    let archive = try ForgedArchive([])
    expectRefusal(
      archive.bytes, "forged.trlhf: there is no checkpoint in this archive. "
        + "Name an archive that `tinyrlhf pack` has made.")
  }

  @Test("a frame of no bytes, of too many, or of planes that do not exist is refused")
  func entries() throws {
    for (raw, what) in [(0, "0 bytes"), ((1 << 20) + 1, "1048577 bytes"), (.max, "4294967295 bytes")]
      as [(UInt32, String)]
    {
      var archive = try ForgedArchive()
      archive.put(raw, at: archive.entry(1) + 8)
      archive.seal()
      expect(archive, archive.entry(1) + 8, "frame 1 has \(what); the range is 1 to 1048576")
    }
    var archive = try ForgedArchive()
    archive.put(UInt32(3), at: archive.entry(1) + 12)
    archive.seal()
    expect(archive, archive.entry(1) + 12, "frame 1 has 3 byte planes, not 1, 2 or 4")
  }

  @Test("frames that reach too far or not far enough are refused")
  func frameSizes() throws {
    var archive = try ForgedArchive()
    archive.put(UInt32.max, at: archive.seekEntry(0))
    expect(archive, archive.seekEntry(0), "frame 0 reaches beyond the data")
    archive = try ForgedArchive()
    let last = archive.seekEntry(archive.frames - 1)
    archive.put(archive.bytes.withUnsafeBytes { $0.u32(last) } - 1, at: last)
    expect(archive, archive.seekTable - 1, "bytes belong to no frame")
  }

  @Test("tables that do not match their hash or each other are refused")
  func tables() throws {
    for offset in [4, 24, 32, 40] {
      var archive = try ForgedArchive()
      archive.bytes[offset] ^= 1
      expect(archive, 32, "the head does not match its hash")
    }
    for offset in [0, 4, 8, 12, 20] {
      var archive = try ForgedArchive()
      archive.bytes[archive.seekTable + offset] ^= 1
      expect(archive, archive.seekTable, "the seek table does not match the head")
    }
  }

  @Test("a frame whose bytes have another hash or another size than stated is refused")
  func frames() throws {
    let sound = try ForgedArchive()
    let first = sound.entry(sound.frames)
    var archive = sound
    archive.bytes[archive.entry(0)] ^= 1
    archive.seal()
    expect(archive, first, "the frame's hash does not match its bytes", part: "frame")
    for change in [-1, 1] {
      archive = sound
      archive.put(UInt32(65_536 + change), at: archive.entry(0) + 8)
      archive.seal()
      expectRefusal(
        archive.bytes,
        "forged.trlhf, byte \(first) (frame): the frame's size differs from the size in the tables. "
        + "Copy the file again.")
    }
  }

  @Test("a bomb is refused by its size, before it is expanded")
  func bomb() throws {
    // A mebibyte of zeros in some fifty bytes, that the tables call 4 kB.
    var archive = try ForgedArchive([UInt8](repeating: 0, count: 1 << 20), piece: 1 << 20)
    #expect(archive.bytes.count < 250)
    let first = archive.entry(1)
    archive.put(UInt32(4096), at: archive.entry(0) + 8)
    archive.seal()
    expectRefusal(
      archive.bytes,
      "forged.trlhf, byte \(first) (frame): the frame's size differs from the size in the tables. "
        + "Copy the file again.")
    let checkpoint = try Forgery().bytes
    expectRefusal(
      stream(checkpoint + [UInt8](repeating: 0, count: 1 << 20)),
      "forged.trlhf: expands to more than the \(checkpoint.count) bytes in its header. "
        + "Copy the file again.")
    expectRefusal(
      stream(Array(checkpoint.dropLast())),
      "forged.trlhf: expands to \(checkpoint.count - 1) bytes, but its header states "
        + "\(checkpoint.count). Copy the file again.")
  }

  @Test("an archive whose checkpoint claims another size than its frames have is refused")
  func lyingSize() throws {
    var forgery = try Forgery()
    forgery.put(UInt64(1 << 40), at: 16)
    expectRefusal(
      try ForgedArchive(forgery.bytes).bytes,
      "forged.trlhf: the checkpoint inside has 1099511627776 bytes, but its frames have \(forgery.bytes.count). "
        + "Copy the file again.")
    for size in [UInt64.max, 4095] {
      forgery.put(size, at: 16)
      let message = "forged.trlhf: the checkpoint inside claims \(size) bytes. Copy the file again."
      expectRefusal(try ForgedArchive(forgery.bytes).bytes, message)
      expectRefusal(stream(forgery.bytes), message)
    }
  }

  @Test("a stream whose window would take gigabytes, or 67 MB, is refused", arguments: [31, 26])
  func hugeWindow(log: UInt8) throws {
    var bytes = try stream(Forgery().bytes)
    bytes[5] = (log - 10) << 3
    expectRefusal(
      bytes,
      "forged.trlhf: the zstd stream needs a window larger than 33.6 MB. Compress it with `zstd -19`, "
        + "or expand it first.")
  }

  @Test("a stream that ends inside a frame is refused")
  func shortStream() throws {
    let bytes = try stream(Forgery().bytes)
    for count in [4, 6, 5000, bytes.count - 1] {
      expectRefusal(
        Array(bytes.prefix(count)),
        "forged.trlhf: the zstd stream ends inside a frame. Copy the file again.")
    }
  }
}
