import Support
import Testing

@testable import Checkpoints

/// Fields of header and tables that say what cannot be, under a true checksum.
@Suite struct MalformedFieldTests {
  enum Record: Sendable {
    case header
    case section(Int)
    case tensor(Int)
  }

  /// A field, a value it must not have, and the refusal: what, and where if that is not the field.
  struct Lie: Sendable, CustomTestStringConvertible {
    let record: Record
    let field: Int
    let value: UInt64
    let width: Int
    let what: String
    var seen: (record: Record, field: Int)?

    init(
      _ record: Record, _ field: Int, u8: UInt8? = nil, u32: UInt32? = nil, u64: UInt64 = 0,
      _ what: String, seen: (Record, Int)? = nil
    ) {
      (self.record, self.field, self.what, self.seen) = (record, field, what, seen)
      width = u8 != nil ? 1 : u32 != nil ? 4 : 8
      value = u8.map(UInt64.init) ?? u32.map(UInt64.init) ?? u64
    }

    var testDescription: String { "\(record)+\(field)=\(value): \(what)" }
  }

  static let lies: [Lie] = headerLies + architectureLies + sectionLies + nameLies + tensorLies

  static let headerLies: [Lie] = [
    Lie(.header, 64, u32: 0, "0 sections; 1 to 256 are allowed"),
    Lie(.header, 64, u32: 257, "257 sections; 1 to 256 are allowed"),
    Lie(.header, 64, u32: .max, "4294967295 sections; 1 to 256 are allowed"),
    Lie(.header, 68, u32: .max, "4294967295 tensors; up to 1048576 are allowed"),
    Lie(.header, 68, u32: 0, "its tensors end at 0 of 1352 bytes", seen: (.section(2), 24)),
    Lie(.header, 56, u64: 1, "the tokenizer's hash does not match its section"),
    Lie(.header, 40, u64: 1, "the content hash does not match the tables"),
    Lie(.header, 72, u32: 1, "a spare byte is not zero"),
    Lie(.header, 4092, u32: 1, "a spare byte is not zero"),
    Lie(.header, 256, u32: 99, "the kind of model 99 is unknown"),
    Lie(.header, 260, u32: 2, "the flag of a training checkpoint is 2, not 0 or 1"),
    Lie(.header, 380, u32: 1, "a spare byte is not zero"),
  ]

  static let architectureLies: [Lie] = [
    Lie(.header, 128, u32: 0, "layers 0 is not in 1…16,777,216"),
    Lie(.header, 132, u32: .max, "d_model 4294967295 is not in 1…16,777,216"),
    Lie(.header, 136, u32: 3, "3 heads cannot share 2 key-value heads", seen: (.header, 140)),
    Lie(.header, 140, u32: 8, "4 heads cannot share 8 key-value heads"),
    Lie(.header, 140, u32: 0, "kv_heads 0 is not in 1…16,777,216"),
    Lie(.header, 144, u32: 0, "head_dim 0 is not in 1…16,777,216"),
    Lie(.header, 144, u32: 1, "2 rotary dimensions do not fit a head of 1", seen: (.header, 172)),
    Lie(.header, 152, u32: (1 << 24) + 1, "vocabulary 16777217 is not in 1…16,777,216"),
    Lie(.header, 160, u32: 2, "the norm kind 2 is unknown"),
    Lie(.header, 164, u32: 0, "the norm's epsilon 0.0 is not positive"),
    Lie(.header, 168, u32: 9, "the position kind 9 is unknown"),
    Lie(.header, 172, u32: 3, "3 rotary dimensions do not fit a head of 2"),
    Lie(.header, 176, u32: 0x7FC0_0000, "rope theta nan is not above 1"),
    Lie(.header, 180, u32: 6, "the MLP kind 6 is unknown"),
    Lie(.header, 184, u32: 1024, "the flags 1024 are unknown"),
    Lie(
      .header, 184, u32: 16, "the flag for no output bias is set, but attention has no bias"),
    Lie(.header, 184, u32: 128, "the rope's factor 0.0 is not at least 1", seen: (.header, 188)),
    Lie(.header, 192, u32: 1, "the rope is scaled, but the flags do not say so"),
    Lie(.header, 200, u32: 1, "the rope is scaled, but the flags do not say so"),
    Lie(.header, 184, u32: 512, "norms of queries and keys span all heads, but there are none"),
    Lie(.header, 204, u32: (1 << 24) + 1, "the window 16777217 is not in 0…16,777,216"),
    Lie(.header, 208, u32: 0x7F80_0000, "attention_scale inf is not positive"),
    Lie(.header, 212, u32: 0xBF80_0000, "attention_cap -1.0 is not positive"),
    Lie(.header, 216, u32: 0x7FC0_0000, "logit_cap nan is not positive"),
    Lie(.header, 220, u32: 0x3F80_0000, "embedding_scale 1.0 is not a finite number other than 0 and 1"),
    Lie(.header, 224, u32: 0xFF80_0000, "logit_scale -inf is not a finite number other than 0 and 1"),
    Lie(.header, 228, u32: 0x7FC0_0000, "residual_scale nan is not a finite number other than 0 and 1"),
    Lie(.header, 232, u32: 65, "the pattern of layers has the length 65, which is above 64"),
    Lie(.header, 232, u32: 2, "no layers differ, or all do", seen: (.header, 236)),
    Lie(.header, 236, u32: 1, "layers differ, but their pattern has the length 0"),
    Lie(.header, 240, u32: 1, "layers differ, but their pattern has the length 0", seen: (.header, 236)),
    Lie(.header, 244, u32: 1, "layers differ, but their pattern has the length 0"),
    Lie(.header, 248, u32: 1, "layers differ, but their pattern has the length 0"),
    Lie(.header, 252, u32: 3, "the norm placement 3 is unknown"),
  ]

  static let sectionLies: [Lie] = [
    Lie(.section(0), 0, u32: 2, "the first section is not CONFIG"),
    Lie(.section(0), 24, u64: 65_535, "CONFIG's 65535 bytes are not two slots"),
    Lie(.section(0), 24, u64: 6_553_600, "CONFIG has 6553600 bytes, more than any valid text needs"),
    Lie(.section(0), 40, u64: 1, "CONFIG has a hash; only its slots may have one"),
    Lie(.section(3), 4, u32: 1, "kind 3, role 1 appears twice", seen: (.section(3), 0)),
    Lie(.section(2), 0, u32: 4, "kind 3, role 2 follows kind 4, role 1", seen: (.section(3), 0)),
    Lie(.section(2), 4, u32: 9, "the role 9 is unknown"),
    Lie(.section(1), 4, u32: 1, "tokenizer has the role 1"),
    Lie(.section(7), 0, u32: 99, "the section kind 99 is unknown and required"),
    Lie(.section(2), 8, u32: 3, "the flags are 3"),
    Lie(.section(2), 12, u32: 1, "the codec 1 is unknown"),
    // Overlap, gap, misalignment, and sums that would wrap.
    Lie(.section(2), 16, u64: 131_072, "the offset is 131072, not 196608"),
    Lie(.section(2), 16, u64: 262_144, "the offset is 262144, not 196608"),
    Lie(.section(2), 16, u64: 196_609, "the offset is 196609, not 196608"),
    Lie(.section(2), 16, u64: .max, "18446744073709551615 is larger than any file"),
    Lie(.section(2), 16, u64: 1 << 63 - 1, "the offset is 9223372036854775807, not 196608"),
    Lie(.section(2), 24, u64: .max, "18446744073709551615 is larger than any file"),
    Lie(
      .section(2), 24, u64: 1 << 63 - 1,
      "9223372036854775807 bytes from byte 196608 are not a valid range of the file"),
    Lie(.section(2), 24, u64: 0, "0 bytes from byte 196608 are not a valid range of the file"),
    Lie(.section(2), 32, u64: 1, "1 raw bytes are stored as 1352 without a codec"),
    Lie(.section(2), 32, u64: .max, "18446744073709551615 is larger than any file"),
    Lie(.section(2), 48, u64: 1, "a spare byte is not zero"),
    Lie(.section(7), 24, u64: 1_048_577, "PROVENANCE has 1048577 bytes; the limit is 1048576"),
  ]

  static let nameLies: [Lie] = [
    Lie(.tensor(0), 0, u8: 0, "its name is empty"),
    Lie(.tensor(0), 1, u8: 0x20, "its name contains the byte 32, which is not printable ASCII"),
    // Invalid UTF-8, and valid UTF-8 of another alphabet would begin likewise.
    Lie(.tensor(0), 1, u8: 0xFF, "its name contains the byte 255, which is not printable ASCII"),
    Lie(.tensor(0), 3, u8: 0, "its name goes on after a zero", seen: (.tensor(0), 4)),
    Lie(.tensor(0), 63, u8: 0x41, "its name goes on after a zero"),
    Lie(.tensor(3), 68, u32: 2, "its name appears twice in its section", seen: (.tensor(3), 0)),
  ]

  static let tensorLies: [Lie] = [
    Lie(.tensor(0), 64, u8: 3, "its type is 3: block-wise 8-bit is reserved"),
    Lie(.tensor(0), 64, u8: 9, "its type is 9: it is unknown"),
    Lie(.tensor(0), 64, u8: 1, "96 bytes, but the dims [3, 8] need 48", seen: (.tensor(0), 96)),
    Lie(.tensor(2), 64, u8: 2, "the dims [2, 3, 5, 7] do not suit int8", seen: (.tensor(2), 72)),
    Lie(.tensor(0), 65, u8: 1, "its layout 1 does not suit float32"),
    Lie(.tensor(5), 65, u8: 0, "its layout 0 does not suit int8"),
    Lie(.tensor(0), 67, u8: 1, "a spare byte is not zero"),
    Lie(.tensor(0), 66, u8: 0, "its rank 0 is not in 1…4"),
    Lie(.tensor(0), 66, u8: 5, "its rank 5 is not in 1…4"),
    Lie(
      .tensor(0), 66, u8: 1, "its dims [3, 8, 0, 0] do not suit its rank 1", seen: (.tensor(0), 72)),
    Lie(.tensor(0), 68, u32: 3, "section 2 holds no tensors or is out of order", seen: (.tensor(1), 68)),
    Lie(.tensor(0), 68, u32: 99, "section 99 holds no tensors or is out of order"),
    Lie(.tensor(0), 68, u32: 1, "section 1 holds no tensors or is out of order"),
    Lie(.tensor(0), 72, u32: 0, "its dims [0, 8, 0, 0] do not suit its rank 2"),
    Lie(
      .tensor(0), 72, u32: .max, "96 bytes, but the dims [4294967295, 8] need 137438953440",
      seen: (.tensor(0), 96)),
    Lie(
      .tensor(0), 80, u32: 1, "its dims [3, 8, 1, 0] do not suit its rank 2", seen: (.tensor(0), 72)),
    // Misalignment, overlap, gap, and beyond everything.
    Lie(.tensor(0), 88, u64: 1, "an offset is 1, not 0"),
    Lie(.tensor(1), 88, u64: 0, "an offset is 0, not 256"),
    Lie(.tensor(1), 88, u64: 128, "an offset is 128, not 256"),
    Lie(.tensor(1), 88, u64: 512, "an offset is 512, not 256"),
    Lie(.tensor(1), 88, u64: .max, "an offset is 18446744073709551615, not 256"),
    Lie(.tensor(0), 96, u64: 1, "1 bytes, but the dims [3, 8] need 96"),
    Lie(.tensor(0), 96, u64: .max, "18446744073709551615 bytes, but the dims [3, 8] need 96"),
    Lie(.tensor(0), 104, u64: 256, "an offset is 256, not 0"),
    Lie(.tensor(5), 104, u64: 0, "an offset is 0, not 768"),
    Lie(.tensor(5), 112, u64: 1, "an offset is 1, not 1024"),
    Lie(
      .tensor(6), 76, u32: 72, "its scales, row sums and factors reach beyond its section of 3608 bytes",
      seen: (.tensor(6), 104)),
    Lie(
      .tensor(0), 120, u64: 1, "the content hash does not match the tables", seen: (.header, 40)),
  ]

  @Test("a false field is refused for what it is, checksum notwithstanding", arguments: lies)
  func falseField(lie: Lie) throws {
    var forgery = try Forgery()
    forgery.put(lie.value, width: lie.width, at: start(lie.record, forgery) + lie.field)
    forgery.sealTables()
    let (record, field) = lie.seen ?? (lie.record, lie.field)
    let byte = start(record, forgery) + field
    expectRefusal(
      forgery.bytes, "forged.trlhf, byte \(byte) (\(name(record, field, forgery))): \(lie.what). "
        + "Copy the file again; it was damaged.")
  }

  private func start(_ record: Record, _ forgery: Forgery) -> Int {
    switch record {
    case .header: 0
    case .section(let index): forgery.section(index)
    case .tensor(let index): forgery.tensor(index)
    }
  }

  private func name(_ record: Record, _ field: Int, _ forgery: Forgery) -> String {
    switch record {
    case .header:
      return (128..<256).contains(field)
        ? "architecture record" : (256..<384).contains(field) ? "training record" : "header"
    case .section(let index): return "section \(index)"
    case .tensor(let index):
      let start = forgery.tensor(index)
      let text = forgery.bytes[start..<start + 64].prefix { (0x21...0x7E).contains($0) }
      return "tensor \(index) \"\(String(decoding: text, as: UTF8.self))\""
    }
  }

  @Test("tables that reach beyond the file are refused before they are read")
  func tablesBeyondTheEnd() throws {
    var forgery = try Forgery()
    forgery.put(UInt32(1 << 20), at: 68)
    expectRefusal(
      forgery.bytes,
      "forged.trlhf, byte \(forgery.bytes.count) (tables): the file ends inside its tables. "
        + "Copy the file again; it was damaged.")
  }

  @Test("dims whose product wraps are refused, not wrapped")
  func overflow() throws {
    var forgery = try Forgery()
    // 2³² − 1 four times, claimed to be the bytes that a wrapped product would give.
    for dim in 0..<4 { forgery.put(UInt32.max, at: forgery.tensor(2) + 72 + 4 * dim) }
    forgery.put(UInt64(4), at: forgery.tensor(2) + 96)
    forgery.sealTables()
    expectRefusal(
      forgery.bytes,
      "forged.trlhf, byte \(forgery.tensor(2) + 72) (tensor 2 \"cube\"): "
        + "the dims [4294967295, 4294967295, 4294967295, 4294967295] do not suit float32. "
        + "Copy the file again; it was damaged.")
    #expect(TensorType.float32.byteCount([Int(UInt32.max), Int(UInt32.max), 2]) == nil)
    #expect(TensorType.int8.byteCount([Int(UInt32.max), Int(UInt32.max)]) == nil)
    #expect(TensorType.int8.byteCount([17, 5]) == 256)
  }

  @Test("an int8 tensor of the earlier form is refused by name, and told from damage")
  func earlierForm() throws {
    var forgery = try Forgery()
    forgery.put(UInt8(1), at: forgery.tensor(6) + 65)
    // The section of an earlier file has no room for factors, which this layout asks for.
    forgery.put(UInt32(72), at: forgery.tensor(6) + 76)
    forgery.sealTables()
    expectRefusal(
      forgery.bytes,
      "forged.trlhf, byte \(forgery.tensor(6) + 65) (tensor 6 \"wide\"): "
        + "this int8 tensor has the earlier layout: one scale per row and no factors. "
        + "Quantise the model that it was made from again with `tinyrlhf quantize`.")
  }

  @Test("a tensor may not be longer than its section")
  func beyondTheSection() throws {
    var forgery = try Forgery()
    forgery.put(UInt32(3000), at: forgery.tensor(0) + 72)
    forgery.put(UInt64(96_000), at: forgery.tensor(0) + 96)
    forgery.sealTables()
    expectRefusal(
      forgery.bytes,
      "forged.trlhf, byte \(forgery.tensor(0) + 96) (tensor 0 \"embedding\"): "
        + "it reaches beyond its section of 1352 bytes. Copy the file again; it was damaged.")
  }

  @Test("a section that ends before the file does leaves bytes that belong to none")
  func bytesOfNoSection() throws {
    var forgery = try Forgery()
    forgery.put(UInt64(13), at: forgery.section(7) + 24)
    forgery.put(UInt64(13), at: forgery.section(7) + 32)
    forgery.sealTables()
    expectRefusal(
      forgery.bytes,
      "forged.trlhf, byte \(forgery.bytes.count - 1) (file): 1 bytes belong to no section. "
        + "Copy the file again; it was damaged.")
  }

  @Test("a name needs a zero at its end")
  func nameWithoutEnd() throws {
    var forgery = try Forgery()
    for byte in 0..<64 { forgery.put(UInt8(ascii: "a"), at: forgery.tensor(0) + byte) }
    forgery.sealTables()
    expectRefusal(
      forgery.bytes,
      "forged.trlhf, byte \(forgery.tensor(0) + 63) (tensor 0 \"\(String(repeating: "a", count: 64))\"): "
        + "its name does not end with a zero. Copy the file again; it was damaged.")
  }

  @Test("two tensors of one section cannot share a name")
  func duplicateName() throws {
    var forgery = try Forgery()
    for (byte, character) in "embedding".utf8.enumerated() {
      forgery.put(character, at: forgery.tensor(1) + byte)
    }
    forgery.sealTables()
    expectRefusal(
      forgery.bytes,
      "forged.trlhf, byte \(forgery.tensor(1)) (tensor 1 \"embedding\"): "
        + "its name appears twice in its section. Copy the file again; it was damaged.")
    let sample = Sample(rows: 3)
    sample.contents.tensors[1].name = "embedding"
    #expect(throws: Failure.self) { try sample.write() }
  }
}
