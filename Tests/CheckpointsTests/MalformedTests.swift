import Support
import Testing

@testable import Checkpoints

/// A file's bytes to be damaged, with the means to put the checksums right again, so that the rule
/// under test is what refuses them.
private struct Forgery {
  var bytes: [UInt8]
  let header: Header

  init(_ sample: Sample) throws {
    let path = try sample.write()
    bytes = try Files.read(path)
    header = try Checkpoint(path: path).header
  }

  func section(_ index: Int) -> Int { 4096 + 64 * index }
  func tensor(_ index: Int) -> Int { 4096 + 64 * header.sections.count + 128 * index }
  /// Where tensor `index` lies in the file.
  func data(_ index: Int) -> Int {
    let tensor = header.tensors[index]
    return header.sections[tensor.section].offset + tensor.offset
  }

  mutating func put<T: FixedWidthInteger>(_ value: T, at offset: Int) {
    withUnsafeBytes(of: value.littleEndian) {
      bytes.replaceSubrange(offset..<offset + $0.count, with: $0)
    }
  }

  mutating func sealTables() {
    let tables = bytes.prefix(header.tablesBytes)
    put(Array(tables).withUnsafeBytes { Header.checksum($0) }, at: Header.checksumOffset)
  }

  /// Makes every hash that covers these tensors true again.
  mutating func sealTensors(_ indices: Int...) {
    func hash(_ start: Int, _ count: Int) -> UInt64 {
      var hash = BlockHash()
      hash.update(Array(bytes[start..<start + count]))
      return hash.finish()
    }
    var changed = header
    for index in indices {
      let tensor = header.tensors[index]
      let section = header.sections[tensor.section]
      changed.tensors[index].hash = hash(data(index), tensor.end - tensor.offset)
      changed.sections[tensor.section].hash = hash(section.offset, section.storedBytes)
      put(changed.tensors[index].hash, at: self.tensor(index) + 120)
      put(changed.sections[tensor.section].hash, at: self.section(tensor.section) + 40)
    }
    put(changed.contentHash, at: 40)
    sealTables()
  }
}

private func open(_ bytes: [UInt8], verify: Bool = false, threads: Int = 1) throws {
  let checkpoint = try bytes.withUnsafeBytes { try Checkpoint(bytes: $0, name: "forged.trlhf") }
  if verify { try checkpoint.verify(threads: threads) }
}

/// Opens and returns the refusal; records an issue if there is none.
private func refusal(_ bytes: [UInt8], verify: Bool = false, threads: Int = 1) -> Failure? {
  do {
    try open(bytes, verify: verify, threads: threads)
    Issue.record("a damaged file was accepted")
  } catch let failure as Failure {
    return failure
  } catch {
    Issue.record("not a Failure: \(error)")
  }
  return nil
}

@Suite struct MalformedTests {
  private func small() throws -> Forgery { try Forgery(Sample(rows: 3)) }

  @Test("a sound file is accepted, also after its checksums were computed here")
  func sound() throws {
    var forgery = try small()
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
    #expect(refusal([])?.kind == .badData)
  }

  @Test("a file cut at any record's boundary, one byte before it or one after is refused")
  func truncated() throws {
    let forgery = try small()
    var boundaries = [8, 128, 256, 384, 4096]
    boundaries += forgery.header.sections.indices.map { forgery.section($0) }
    boundaries += forgery.header.tensors.indices.map { forgery.tensor($0) }
    boundaries += forgery.header.sections.flatMap { [$0.offset, $0.end] }
    boundaries += forgery.header.tensors.indices.map { forgery.data($0) }
    for boundary in boundaries {
      for count in boundary - 1...boundary + 1 where count < forgery.bytes.count {
        #expect(refusal(Array(forgery.bytes.prefix(count)))?.kind == .badData)
      }
    }
  }

  @Test("bytes after the end are refused")
  func trailing() throws {
    let forgery = try small()
    #expect(refusal(forgery.bytes + [0])?.what.contains("should be") == true)
    #expect(refusal(forgery.bytes + forgery.bytes)?.what.contains("should be") == true)
  }

  @Test("a transfer in text mode is named as what it is")
  func textMode() throws {
    let forgery = try small()
    let body = forgery.bytes.dropFirst(8)
    let starts: [[UInt8]] = [
      [0x89, 0x54, 0x52, 0x4C, 0x0A, 0x1A, 0x0A],
      [0x89, 0x54, 0x52, 0x4C, 0x0D, 0x0D, 0x0A, 0x1A, 0x0D, 0x0A],
      [0x09, 0x54, 0x52, 0x4C, 0x0D, 0x0A, 0x1A, 0x0A],
    ]
    for start in starts {
      #expect(refusal(start + body)?.what.contains("text mode") == true)
    }
  }

  @Test("another version is named")
  func version() throws {
    var forgery = try small()
    forgery.put(UInt32(2), at: 8)
    forgery.sealTables()
    #expect(refusal(forgery.bytes)?.remedy == "Use a newer program.")
    forgery.put(UInt32(0), at: 8)
    forgery.sealTables()
    #expect(refusal(forgery.bytes)?.what.contains("version") == true)
  }

  @Test("a later minor version may use spare bytes; this one may not")
  func minorVersion() throws {
    var forgery = try small()
    forgery.put(UInt8(1), at: 1000)
    forgery.sealTables()
    #expect(refusal(forgery.bytes)?.place == "forged.trlhf, byte 1000 (header)")
    forgery.put(UInt32(1), at: 12)
    forgery.sealTables()
    #expect(throws: Never.self) { try open(forgery.bytes, verify: true) }
  }

  @Test("any changed byte of header or tables is refused")
  func everyByte() throws {
    let folder = Folder()
    let forgery = try small()
    let path = folder("flipped.trlhf")
    try Files.writeAtomically(forgery.bytes, to: path)
    for offset in 0..<forgery.header.tablesBytes {
      var bytes = Array(forgery.bytes.prefix(forgery.header.tablesBytes))
      bytes[offset] ^= UInt8(1 << (offset % 8))
      bytes.withUnsafeBytes { bytes in
        let reader = HeaderReader(file: path, bytes: bytes, fileBytes: forgery.bytes.count)
        #expect(throws: Failure.self) { try reader.read() }
      }
    }
  }

  @Test("any changed byte of header or tables is refused or harmless even under a true checksum")
  func everyByteSealed() throws {
    let forgery = try small()
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

  /// A field of the tables, a value it must not have, and what the refusal speaks of.
  struct Lie: Sendable, CustomStringConvertible {
    enum Place: Sendable {
      case header
      case section(Int)
      case tensor(Int)
    }
    let place: Place
    let offset: Int
    let value: UInt64
    let width: Int
    let says: String
    var description: String { "\(place)+\(offset)=\(value): \(says)" }

    init(_ place: Place, _ offset: Int, u8 value: UInt8, _ says: String) {
      (self.place, self.offset, self.value, width, self.says) = (
        place, offset, UInt64(value), 1, says
      )
    }
    init(_ place: Place, _ offset: Int, u32 value: UInt32, _ says: String) {
      (self.place, self.offset, self.value, width, self.says) = (
        place, offset, UInt64(value), 4, says
      )
    }
    init(_ place: Place, _ offset: Int, u64 value: UInt64, _ says: String) {
      (self.place, self.offset, self.value, width, self.says) = (place, offset, value, 8, says)
    }
  }

  // Sections: CONFIG, TOKENIZER, WEIGHTS policy, WEIGHTS value, HEAD, MOMENTS, STATE, PROVENANCE.
  // Tensors 0…2 are the policy's, 3…5 the value model's (float32, bfloat16, int8).
  static let lies: [Lie] = [
    Lie(.header, 64, u32: 0, "0 sections"), Lie(.header, 64, u32: 257, "257 sections"),
    Lie(.header, 68, u32: .max, "tensors"), Lie(.header, 68, u32: 1 << 20, "inside its tables"),
    Lie(.header, 56, u64: 1, "tokenizer"), Lie(.header, 40, u64: 1, "content hash"),
    Lie(.header, 128, u32: 0, "layers 0"), Lie(.header, 136, u32: 3, "cannot share"),
    Lie(.header, 140, u32: 0, "kv_heads 0"), Lie(.header, 164, u32: 0, "epsilon"),
    Lie(.header, 160, u32: 2, "norm kind"), Lie(.header, 168, u32: 9, "position kind"),
    Lie(.header, 172, u32: 3, "rotary"), Lie(.header, 176, u32: 0x7FC0_0000, "theta"),
    Lie(.header, 180, u32: 2, "MLP kind"), Lie(.header, 184, u32: 16, "flags"),
    Lie(.header, 200, u32: 1, "spare"), Lie(.header, 256, u32: 99, "kind of model"),
    Lie(.header, 260, u32: 2, "flags"), Lie(.header, 380, u32: 1, "spare"),
    Lie(.section(0), 0, u32: 2, "not CONFIG"), Lie(.section(0), 24, u64: 65_535, "two slots"),
    Lie(.section(3), 4, u32: 1, "duplicate"), Lie(.section(2), 0, u32: 4, "out of order"),
    Lie(.section(2), 4, u32: 9, "role"), Lie(.section(1), 4, u32: 1, "role"),
    Lie(.section(7), 0, u32: 99, "unknown and required"), Lie(.section(2), 8, u32: 3, "flags"),
    Lie(.section(2), 12, u32: 1, "codec"), Lie(.section(2), 16, u64: 65_536, "offset"),
    Lie(.section(2), 16, u64: .max, "beyond any file"),
    Lie(.section(2), 16, u64: UInt64(Int64.max), "offset"),
    Lie(.section(2), 24, u64: UInt64(Int64.max), "do not lie"),
    Lie(.section(2), 24, u64: 0, "do not"),
    Lie(.section(2), 32, u64: 1, "codec"), Lie(.section(2), 48, u64: 1, "spare"),
    Lie(.section(7), 24, u64: 1, "raw bytes"),
    Lie(.tensor(0), 0, u8: 0, "name"), Lie(.tensor(0), 1, u8: 0x20, "name"),
    Lie(.tensor(0), 1, u8: 0x80, "name"), Lie(.tensor(0), 63, u8: 0x41, "name"),
    Lie(.tensor(0), 64, u8: 3, "reserved"), Lie(.tensor(0), 64, u8: 9, "type"),
    Lie(.tensor(0), 64, u8: 1, "bytes"), Lie(.tensor(0), 65, u8: 1, "layout"),
    Lie(.tensor(0), 67, u8: 1, "layout"), Lie(.tensor(0), 66, u8: 0, "rank"),
    Lie(.tensor(0), 66, u8: 5, "rank"), Lie(.tensor(0), 66, u8: 1, "dims"),
    Lie(.tensor(0), 68, u32: 3, "section 2"), Lie(.tensor(0), 68, u32: 99, "section 99"),
    Lie(.tensor(0), 68, u32: 1, "section 1"), Lie(.tensor(3), 68, u32: 2, "twice"),
    Lie(.tensor(0), 72, u32: 0, "dims"), Lie(.tensor(0), 72, u32: .max, "bytes"),
    Lie(.tensor(0), 80, u32: 1, "dims"), Lie(.tensor(0), 88, u64: 1, "offset"),
    Lie(.tensor(1), 88, u64: 0, "offset"), Lie(.tensor(1), 88, u64: 128, "offset"),
    Lie(.tensor(1), 88, u64: .max, "offset"), Lie(.tensor(0), 96, u64: 1, "bytes"),
    Lie(.tensor(0), 104, u64: 256, "offset"), Lie(.tensor(5), 104, u64: 0, "offset"),
    Lie(.tensor(5), 112, u64: 1, "offset"), Lie(.tensor(5), 66, u8: 1, "dims"),
    Lie(.tensor(0), 120, u64: 1, "content hash"),
  ]

  @Test("a false field is refused for what it is, checksum notwithstanding", arguments: lies)
  func falseField(lie: Lie) throws {
    var forgery = try small()
    let start: Int
    switch lie.place {
    case .header: start = 0
    case .section(let index): start = forgery.section(index)
    case .tensor(let index): start = forgery.tensor(index)
    }
    for byte in 0..<lie.width {
      forgery.put(
        UInt8(truncatingIfNeeded: lie.value >> (8 * UInt64(byte))), at: start + lie.offset + byte)
    }
    forgery.sealTables()
    let failure = refusal(forgery.bytes)
    #expect(failure?.kind == .badData)
    #expect(failure?.what.contains(lie.says) == true, "\(failure?.description ?? "")")
    #expect(failure?.place?.hasPrefix("forged.trlhf, byte ") == true)
  }

  @Test("dims whose product overflows are refused, not wrapped")
  func overflow() throws {
    var forgery = try small()
    // 2³² − 1 four times, claimed to be the bytes that a wrapped product would give.
    for dim in 0..<4 { forgery.put(UInt32.max, at: forgery.tensor(2) + 72 + 4 * dim) }
    forgery.put(UInt64(4), at: forgery.tensor(2) + 96)
    forgery.sealTables()
    #expect(refusal(forgery.bytes)?.what.contains("dims") == true)
    #expect(TensorType.float32.byteCount([Int(UInt32.max), Int(UInt32.max), 2]) == nil)
    #expect(TensorType.int8.byteCount([Int(UInt32.max), Int(UInt32.max)]) == nil)
    #expect(TensorType.int8.byteCount([17, 5]) == 256)
  }

  @Test("two tensors of one section cannot share a name")
  func duplicateName() throws {
    var forgery = try small()
    for (byte, character) in "embedding".utf8.enumerated() {
      forgery.put(character, at: forgery.tensor(1) + byte)
    }
    forgery.sealTables()
    #expect(refusal(forgery.bytes)?.what.contains("twice") == true)
    let sample = Sample(rows: 3)
    sample.contents.tensors[1].name = "embedding"
    #expect(throws: Failure.self) { try sample.write() }
  }

  @Test("a damaged CONFIG without an older slot is refused")
  func configuration() throws {
    var forgery = try small()
    forgery.bytes[65_536 + 40] ^= 1
    #expect(refusal(forgery.bytes)?.what.contains("CONFIG") == true)
  }

  @Test("verify finds any changed byte behind the tables, padding included; CONFIG's slack aside")
  func everyRegion() throws {
    let forgery = try small()
    let config = forgery.header.sections[0]
    var offsets = [forgery.header.tablesBytes, 65_535]
    for section in forgery.header.sections.dropFirst() {
      offsets += [section.offset - 1, section.offset, section.end - 1]
    }
    for index in forgery.header.tensors.indices {
      offsets += [
        forgery.data(index), forgery.data(index) + forgery.header.tensors[index].bytes - 1,
      ]
    }
    for offset in offsets where !(config.offset..<config.end).contains(offset) {
      var bytes = forgery.bytes
      bytes[offset] ^= 0x40
      #expect(refusal(bytes, verify: true)?.kind == .badData)
    }
  }

  @Test("verify finds padding between tensors that is not zero, hashes notwithstanding")
  func padding() throws {
    var forgery = try small()
    let end = forgery.data(0) + forgery.header.tensors[0].bytes
    #expect(end < forgery.data(1))
    forgery.bytes[end] = 1
    forgery.sealTensors(0)
    #expect(throws: Never.self) { try open(forgery.bytes) }
    #expect(refusal(forgery.bytes, verify: true)?.what.contains("padding") == true)
  }

  @Test("verify finds values that nothing may compute with, hashes notwithstanding")
  func values() throws {
    let fresh = try small()
    let packed = fresh.header.tensors[5]
    let scale = packed.scaleOffset - packed.offset
    let sum = packed.rowSumOffset - packed.offset
    let lies: [(tensor: Int, offset: Int, value: [UInt8], says: String)] = [
      (0, 4, [0, 0, 0xC0, 0x7F], "nan"), (0, 8, [0, 0, 0x80, 0xFF], "inf"),
      (4, 2, [0x80, 0x7F], "not finite"), (5, scale, [0, 0, 0xC0, 0x7F], "scale"),
      (5, scale + 4, [0, 0, 0, 0], "scale"), (5, scale + 64, [0, 0, 0x80, 0xBF], "scale"),
      (5, 0, [0x80], "-128"), (5, 255, [1], "padding"), (5, sum, [0, 0, 0, 0], "sum of row 0"),
    ]
    for lie in lies {
      var forgery = fresh
      for (byte, value) in lie.value.enumerated() {
        forgery.put(value, at: forgery.data(lie.tensor) + lie.offset + byte)
      }
      forgery.sealTensors(lie.tensor)
      #expect(throws: Never.self) { try open(forgery.bytes) }
      let failure = refusal(forgery.bytes, verify: true)
      #expect(failure?.what.contains(lie.says) == true, "\(lie): \(failure?.description ?? "")")
    }
  }
  @Test("on any number of threads verify accepts what is sound and names the first damage")
  func threads() throws {
    var forgery = try Forgery(Sample(rows: 40_000))
    let nan: UInt32 = 0x7FC0_0000
    for threads in 1...4 {
      #expect(throws: Never.self) { try open(forgery.bytes, verify: true, threads: threads) }
    }
    for tensor in 1...3 { forgery.put(nan, at: forgery.data(tensor)) }
    forgery.sealTensors(1, 2, 3)
    for threads in 1...4 {
      let failure = refusal(forgery.bytes, verify: true, threads: threads)
      let name = forgery.header.tensors[1].name
      #expect(failure?.description.contains("\"\(name)\"") == true, "\(threads) threads")
    }
  }
}
