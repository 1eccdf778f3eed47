import Support
import Testing

@testable import Checkpoints

@Suite struct ConfigurationTests {
  @Test("a rewritten configuration is read, and nothing else has changed")
  func rewrite() throws {
    let sample = Sample()
    let path = try sample.write()
    let hash = try Checkpoint(path: path).contentHash
    let size = try Files.read(path).count
    for round in 0..<5 {
      let text = Array(#"{"round":\#(round)}"#.utf8)
      try Checkpoint.editConfiguration(path) { _ in text }
      let checkpoint = try Checkpoint(path: path, verify: true)
      #expect(checkpoint.configuration == text)
      #expect(checkpoint.contentHash == hash && checkpoint.fileBytes == size)
    }
  }

  @Test("verifying finds a byte that belongs to no text of CONFIG, and lets an interrupted rewrite be")
  func verified() throws {
    let sample = Sample()
    let path = try sample.write()
    let whole = try Files.read(path)
    let (first, slot) = (65_536, ConfigurationSlots.slotUnit)
    let text = ConfigurationSlots.headerBytes + sample.contents.configuration.count
    func verify(_ change: (inout [UInt8]) -> Void) throws {
      var bytes = whole
      change(&bytes)
      try Files.writeAtomically(bytes, to: path)
      try Checkpoint(path: path).verify()
    }
    for place in [first + text, first + slot - 1, first + slot, first + slot + 20, first + 2 * slot - 1] {
      let failure = #expect(throws: Failure.self) { try verify { $0[place] ^= 4 } }
      #expect(failure?.place?.contains("byte \(place) (CONFIG)") == true)
    }
    let longer = ConfigurationSlots.slot(Array(#"{"name":"another"}"#.utf8), generation: 2, count: slot)
    for cut in [33, 40, 49] {
      try verify { $0.replaceSubrange(first + slot..<first + slot + cut, with: longer[..<cut]) }
    }
    try verify { _ in }
  }

  @Test("a text that does not fit moves the sections and changes no content")
  func grow() throws {
    let sample = Sample()
    let path = try sample.write()
    let before = try Checkpoint(path: path)
    let text = [UInt8](repeating: 0x20, count: 200_000)
    try Checkpoint.editConfiguration(path) { _ in text }
    let after = try Checkpoint(path: path, verify: true)
    #expect(after.configuration == text && after.contentHash == before.contentHash)
    #expect(after.fileBytes > before.fileBytes && after.identity == before.identity)
    #expect(after.tokenizer == before.tokenizer && after.provenance == before.provenance)
    #expect(sample.folder.names == ["a.trlhf"])
  }

  @Test("a rewrite torn at any byte leaves the old text or the new one")
  func torn() throws {
    let sample = Sample()
    let path = try sample.write()
    let before = try Files.read(path)
    let text = Array(#"{"name":"another"}"#.utf8)
    try Checkpoint.editConfiguration(path) { _ in text }
    let after = try Files.read(path)
    let slot = 65_536 + ConfigurationSlots.slotUnit
    #expect(before.prefix(slot) == after.prefix(slot))
    var (old, new) = (0, 0)
    for cut in 0...64 {
      // Pages may reach the disk in any order: a written head, or a written tail.
      let head = before.prefix(slot) + after[slot..<slot + cut] + before[(slot + cut)...]
      let tail = before.prefix(slot + cut) + after[(slot + cut)...]
      for bytes in [head, tail] {
        let checkpoint = try Array(bytes).withUnsafeBytes {
          try Checkpoint(bytes: $0, name: "torn")
        }
        if checkpoint.configuration == sample.contents.configuration { old += 1 }
        if checkpoint.configuration == text { new += 1 }
      }
    }
    #expect(old + new == 130 && old > 0 && new > 0)
  }
}
