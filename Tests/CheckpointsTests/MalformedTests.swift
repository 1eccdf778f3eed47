import Support
import Testing

@testable import Checkpoints

@Suite struct MalformedTests {
  @Test("a sound file is accepted, also after its checksums were computed here")
  func sound() throws {
    var forgery = try Forgery()
    try open(forgery.bytes, verify: true)
    let before = forgery.bytes
    for index in forgery.header.tensors.indices { forgery.sealTensors(index) }
    #expect(forgery.bytes == before)
  }

  @Test("an empty file is refused by name")
  func empty() throws {
    let folder = Folder()
    try Files.writeAtomically([], to: folder("empty.trlhf"))
    let expected = Failure(
      .badData, "is empty", at: folder("empty.trlhf"), remedy: "Copy the file again.")
    #expect(throws: expected) { try Checkpoint(path: folder("empty.trlhf")) }
    expectRefusal([], "forged.trlhf: is empty. Copy the file again.")
  }

  @Test("a file cut at any record's boundary, one byte before it or one after is refused")
  func truncated() throws {
    let forgery = try Forgery()
    var boundaries = [2, 8, 64, 128, 256, 384, 4096]
    boundaries += forgery.header.sections.indices.map { forgery.section($0) }
    boundaries += forgery.header.tensors.indices.map { forgery.tensor($0) }
    boundaries += forgery.header.sections.flatMap { [$0.offset, $0.end] }
    boundaries += forgery.header.tensors.indices.map { forgery.data($0) }
    for boundary in boundaries {
      for count in boundary - 1...boundary + 1 where count < forgery.bytes.count {
        expectRefusal(
          Array(forgery.bytes.prefix(count)),
          count < 4096
            ? "forged.trlhf, byte \(count) (header): the file ends inside its header page. "
              + "Copy it again; it was cut short."
            : "forged.trlhf, byte 16 (header): the file has \(count) bytes, but its header states "
              + "\(forgery.bytes.count). Copy it again; it was cut short.")
      }
    }
  }

  @Test("bytes after the end are refused")
  func trailing() throws {
    let forgery = try Forgery()
    let count = forgery.bytes.count
    for more in [[0], forgery.bytes] {
      expectRefusal(
        forgery.bytes + more,
        "forged.trlhf, byte 16 (header): the file has \(count + more.count) bytes, but its header states "
          + "\(count). Copy it again; something was appended.")
    }
  }

  @Test("a transfer in text mode is named as what it is")
  func textMode() throws {
    let forgery = try Forgery()
    let body = forgery.bytes.dropFirst(8)
    let starts: [[UInt8]] = [
      [0x89, 0x54, 0x52, 0x4C, 0x0A, 0x1A, 0x0A],
      [0x89, 0x54, 0x52, 0x4C, 0x0D, 0x0D, 0x0A, 0x1A, 0x0D, 0x0A],
      [0x09, 0x54, 0x52, 0x4C, 0x0D, 0x0A, 0x1A, 0x0A],
    ]
    for start in starts {
      expectRefusal(
        start + body,
        "forged.trlhf, byte 0 (header): the first bytes were changed by a transfer in text mode. "
          + "Copy the file again in binary mode.")
    }
  }

  @Test("a file that is something else is told what it should be")
  func another() throws {
    for bytes in [Array("GGUF and more of it".utf8), [0], [0x89, 0x50]] {
      expectRefusal(
        bytes,
        "forged.trlhf, byte 0 (header): this is not a .trlhf checkpoint. "
          + "Name a .trlhf or a .trlhf.zst file.")
    }
  }

  @Test("another version is named", arguments: [(0, "This file is damaged."), (2, "Use a newer program.")])
  func version(version: UInt32, remedy: String) throws {
    var forgery = try Forgery()
    forgery.put(version, at: 8)
    forgery.sealTables()
    expectRefusal(
      forgery.bytes,
      "forged.trlhf, byte 8 (header): format version \(version).0; this program reads version 1. \(remedy)")
  }

  @Test("numbers with their bytes in reverse are recognised by the version or by the size")
  func byteOrder() throws {
    var forgery = try Forgery()
    forgery.put(UInt64(forgery.bytes.count).byteSwapped, at: 16)
    expectRefusal(
      forgery.bytes,
      "forged.trlhf, byte 16 (header): its size \(forgery.bytes.count) is in reverse byte order: "
        + "the numbers are big-endian. Write them least significant byte first.")
    forgery.put(UInt32(1).byteSwapped, at: 8)
    expectRefusal(
      forgery.bytes,
      "forged.trlhf, byte 8 (header): its version 1 is in reverse byte order: "
        + "the numbers are big-endian. Write them least significant byte first.")
  }

  @Test("a later minor version may use spare bytes; this one may not")
  func minorVersion() throws {
    var forgery = try Forgery()
    forgery.put(UInt8(1), at: 1000)
    forgery.sealTables()
    expectRefusal(
      forgery.bytes, "forged.trlhf, byte 1000 (header): a spare byte is not zero. "
        + "Copy the file again; it was damaged.")
    forgery.put(UInt32(1), at: 12)
    forgery.sealTables()
    #expect(throws: Never.self) { try open(forgery.bytes, verify: true) }
  }

  @Test("any flipped bit of header or tables is refused, and but for four fields as a wrong checksum")
  func everyBit() throws {
    let forgery = try Forgery()
    // Magic, major version, size and counts are looked at before the checksum.
    let before = Set([0..<12, 16..<24, 64..<72].joined())
    for bit in 0..<8 * forgery.header.tablesBytes {
      var tables = Array(forgery.bytes.prefix(forgery.header.tablesBytes))
      tables[bit / 8] ^= 1 << UInt8(bit % 8)
      tables.withUnsafeBytes { bytes in
        let reader = HeaderReader(file: "flipped", bytes: bytes, fileBytes: forgery.bytes.count)
        let failure = #expect(throws: Failure.self) { try reader.read() }
        guard !before.contains(bit / 8) else { return }
        #expect(
          failure?.description == "flipped, byte 24 (header): the checksum of header and tables is wrong. "
            + "Copy the file again; it was damaged.", "bit \(bit)")
      }
    }
  }

  @Test("any changed byte of header or tables is refused or harmless even under a true checksum")
  func everyByteSealed() throws {
    let forgery = try Forgery()
    var refused = 0
    for offset in 0..<forgery.header.tablesBytes {
      var forged = forgery
      forged.bytes[offset] ^= UInt8(1 << (offset % 8))
      forged.sealTables()
      let tables = Array(forged.bytes.prefix(forgery.header.tablesBytes))
      tables.withUnsafeBytes { bytes in
        let reader = HeaderReader(file: "flipped", bytes: bytes, fileBytes: forgery.bytes.count)
        if (try? reader.read()) == nil { refused += 1 }
      }
    }
    // What may differ: minor version, identity and the base's hash; the checksum put right again.
    #expect(refused >= forgery.header.tablesBytes - (4 + 8 + 8 + 8))
    #expect(refused < forgery.header.tablesBytes)
  }

  @Test("a file of noise is refused")
  func noise() {
    for seed in 0..<200 {
      var random = RandomStream(seed: UInt64(seed), purpose: "noise")
      let bytes = (0..<5000).map { _ in UInt8(truncatingIfNeeded: random.next()) }
      #expect(refusal(bytes)?.kind == .badData)
      #expect(refusal(Format.magic + bytes)?.kind == .badData)
    }
  }
}
