import Support
import Testing

@testable import Checkpoints

/// Bytes behind the tables that are not what they must be.
@Suite struct MalformedDataTests {
  @Test("a damaged CONFIG without an older slot is refused")
  func configuration() throws {
    var forgery = try Forgery()
    forgery.bytes[65_536 + 40] ^= 1
    expectRefusal(
      forgery.bytes, "forged.trlhf, byte 65536 (CONFIG): neither slot of CONFIG is valid. "
        + "Copy the file again; it was damaged.")
  }

  @Test("a text of CONFIG or PROVENANCE over 1 MB is neither read nor written")
  func longText() throws {
    // Both have room in their slots, and true hashes.
    let text = [UInt8](repeating: 0x20, count: 1 << 20)
    for (length, isRead) in [(1 << 20, true), ((1 << 20) + 1, false)] {
      let section = ConfigurationSlots.section([UInt8](repeating: 0x20, count: length))
      #expect(section.withUnsafeBytes { ConfigurationSlots.current($0) != nil } == isRead)
    }
    let sample = Sample(rows: 3)
    let path = try sample.write()
    func tooLong(_ name: String, at place: String?) -> Failure {
      Failure(.badData, "\(name) has 1048577 bytes; the limit is 1048576", at: place, remedy: "Shorten it.")
    }
    #expect(throws: tooLong("CONFIG", at: path)) { try Checkpoint.editConfiguration(path) { _ in text + [0x20] } }
    try Checkpoint.editConfiguration(path) { _ in text }
    #expect(try Checkpoint(path: path, verify: true).configuration == text)
    sample.contents.provenance = text + [0x20]
    #expect(throws: tooLong("PROVENANCE", at: nil)) { try sample.write() }
  }

  @Test("verify finds any changed byte behind the tables, padding included; CONFIG's slack aside")
  func everyRegion() throws {
    let forgery = try Forgery()
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
      #expect(refusal(bytes, verify: true)?.place?.hasPrefix("forged.trlhf, byte ") == true)
    }
  }

  @Test("verify finds padding that is not zero, hashes notwithstanding")
  func padding() throws {
    let sound = try Forgery()
    let end = sound.data(0) + sound.header.tensors[0].bytes
    #expect(end < sound.data(1))
    let wide = sound.header.tensors[6]
    let start = sound.data(6) - wide.offset
    let gaps = zip(wide.parts, wide.parts.dropFirst()).map { $0.upperBound..<$1.lowerBound }
    #expect(gaps.count == 3 && gaps.allSatisfy { !$0.isEmpty })
    let between = gaps.flatMap { [(start + $0.lowerBound, "tensor \"wide\""), (start + $0.upperBound - 1, "tensor \"wide\"")] }
    let places = between + [
      (end, "tensor \"norm\""), (sound.header.tablesBytes, "padding before section 0"),
      (sound.header.sections[2].offset - 1, "padding before section 2"),
    ]
    for (byte, record) in places {
      var forgery = sound
      forgery.bytes[byte] = 1
      forgery.sealTensors(0, 6)
      #expect(throws: Never.self) { try open(forgery.bytes) }
      expectRefusal(
        forgery.bytes, "forged.trlhf, byte \(byte) (\(record)): a padding byte is not zero. "
          + "Copy the file again, or recreate it.", verify: true)
    }
  }

  @Test("verify finds a hash that does not match")
  func hashes() throws {
    let sound = try Forgery()
    for (byte, record, name) in [
      (sound.data(0), sound.header.sections[2].offset, "section 2"),
      (sound.header.sections[1].offset, sound.header.sections[1].offset, "section 1"),
    ] {
      var forgery = sound
      forgery.bytes[byte] ^= 1
      expectRefusal(
        forgery.bytes, "forged.trlhf, byte \(record) (\(name)): its hash does not match its bytes. "
          + "Copy the file again, or recreate it.", verify: true)
    }
  }

  @Test("verify finds a float16 value that nothing may compute with; sound ones go through an archive unchanged")
  func halves() throws {
    let sample = Sample(rows: 1)
    let bits: [UInt16] = [0x3C00, 0x8001, 0x7BFF, 0x0000, 0xFC00]
    let archive = sample.folder("a.trlhf.zst")
    for count in [4, 5] {
      try bits[..<count].withUnsafeBytes { bytes in
        var contents = sample.contents
        contents.tensors.append(
          TensorSource(
            section: .weights, role: .policy, name: "halves", dims: [count], type: .float16, bytes: bytes))
        let path = sample.folder("\(count).trlhf")
        try CheckpointWriter.write(contents, to: path)
        guard count == 5 else {
          try Checkpoint(path: path).verify()
          try Checkpoint.pack(path, to: archive)
          try Checkpoint.unpack(archive, to: sample.folder("again.trlhf"))
          let halves = try Checkpoint(path: sample.folder("again.trlhf")).tensor(called: "halves")
          #expect(halves.bytes.elementsEqual(bytes))
          #expect(halves.values(0..<4) == [1, -0x1p-24, 65_504, 0])
          return
        }
        let failure = #expect(throws: Failure.self) { try Checkpoint(path: path).verify() }
        #expect(failure?.what == "a value is -inf" && failure?.place?.hasSuffix("(tensor \"halves\")") == true)
      }
    }
  }

  /// Bytes at an offset of a tensor, and what verification says of them.
  struct BadValue: Sendable, CustomTestStringConvertible {
    enum Part: Sendable { case elements, scales, rowSums, factors }
    let tensor: Int
    let part: Part
    let offset: Int
    let value: [UInt8]
    let what: String
    var testDescription: String { what }

    init(tensor: Int, part: Part = .elements, offset: Int, value: [UInt8], what: String) {
      (self.tensor, self.part, self.offset, self.value, self.what) = (tensor, part, offset, value, what)
    }

    /// Of the second int8 tensor.
    init(factor column: Int, _ value: [UInt8], _ shown: String) {
      self.init(
        tensor: 6, part: .factors, offset: 4 * column, value: value,
        what: "the factor of column \(column) is \(shown), not a power of two from 2⁻³² to 2³²")
    }
  }

  @Test(
    "verify finds values that nothing may compute with, hashes notwithstanding",
    arguments: [
      BadValue(tensor: 0, offset: 4, value: [0, 0, 0xC0, 0x7F], what: "a value is nan"),
      BadValue(tensor: 0, offset: 8, value: [0, 0, 0x80, 0xFF], what: "a value is -inf"),
      BadValue(tensor: 4, offset: 2, value: [0x80, 0x7F], what: "a value is inf"),
      BadValue(
        tensor: 5, part: .scales, offset: 0, value: [0, 0, 0xC0, 0x7F], what: "the scale of row 0 is nan"),
      BadValue(
        tensor: 5, part: .scales, offset: 4, value: [0, 0, 0, 0], what: "the scale of row 1 is 0.0"),
      BadValue(
        tensor: 5, part: .scales, offset: 8, value: [0, 0, 0x80, 0x7F], what: "the scale of row 2 is inf"),
      BadValue(
        tensor: 5, part: .scales, offset: 64, value: [0, 0, 0x80, 0xBF],
        what: "the scale of row 16 is -1.0"),
      BadValue(tensor: 5, offset: 0, value: [0x80], what: "a code is -128"),
      BadValue(tensor: 5, offset: 255, value: [1], what: "a padding code is 1"),
      BadValue(tensor: 5, offset: 65, value: [1], what: "a padding code is 1"),
      BadValue(
        tensor: 5, part: .rowSums, offset: 0, value: [0, 0, 0, 0],
        what: "the stored sum of row 0 differs from the sum of its codes, -10"),
      BadValue(factor: 0, [0, 0, 0, 0], "0.0"), BadValue(factor: 1, [0, 0, 0x80, 0xBF], "-1.0"),
      BadValue(factor: 2, [0, 0, 0xC0, 0x7F], "nan"), BadValue(factor: 3, [0, 0, 0x80, 0x7F], "inf"),
      BadValue(factor: 68, [0, 0, 0x40, 0x40], "3.0"), BadValue(factor: 69, [1, 0, 0x80, 0x3F], "1.0000001"),
      BadValue(factor: 4, [0, 0, 0, 0x50], "8.589935e+09"), BadValue(factor: 5, [0, 0, 0, 0x2F], "1.1641532e-10"),
      BadValue(factor: 6, [0, 0, 0x40, 0], "5.877472e-39"),
    ])
  func values(bad: BadValue) throws {
    var forgery = try Forgery()
    let tensor = forgery.header.tensors[bad.tensor]
    let part =
      switch bad.part {
      case .elements: 0
      case .scales: tensor.scaleOffset - tensor.offset
      case .rowSums: tensor.rowSumOffset - tensor.offset
      case .factors: tensor.factorOffset - tensor.offset
      }
    let byte = forgery.data(bad.tensor) + part + bad.offset
    for (index, value) in bad.value.enumerated() { forgery.put(value, at: byte + index) }
    forgery.sealTensors(bad.tensor)
    #expect(throws: Never.self) { try open(forgery.bytes) }
    expectRefusal(
      forgery.bytes, "forged.trlhf, byte \(byte) (tensor \"\(tensor.name)\"): \(bad.what). "
        + "Copy the file again, or recreate it.", verify: true)
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
