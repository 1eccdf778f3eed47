import Glibc
import Support
import Testing

@testable import Checkpoints

@Suite struct ConfigurationEditTests {
  private func values(_ path: String) throws -> JSONValue {
    try JSON.decode(JSONValue.self, from: Checkpoint(path: path).configuration, at: path)
  }

  @Test("keys are set and unset, the others and the content stay")
  func edits() throws {
    let sample = Sample()
    let path = try sample.write()
    let hash = try Checkpoint(path: path).contentHash
    try ConfigurationEdit(set: ["licence": "MIT = free", "note": "a\nb \u{9B}"], unset: [])
      .apply(to: path)
    #expect(
      try values(path) == .object([
        "name": .string("sample"), "licence": .string("MIT = free"),
        "note": .string("a\nb \u{9B}"),
      ]))
    let left = try ConfigurationEdit(set: ["licence": ""], unset: ["note", "name"]).apply(to: path)
    #expect(try values(path) == .object(["licence": .string("")]))
    #expect(try values(path) == left)
    #expect(try Checkpoint(path: path, verify: true).contentHash == hash)
  }

  @Test("the program's own keys, no keys, contradictions and keys that are not there change nothing")
  func refusals() throws {
    #expect(throws: Failure.self) { try ConfigurationEdit(set: ["chat_format": "x"], unset: []) }
    #expect(throws: Failure.self) { try ConfigurationEdit(set: [:], unset: ["chat_format"]) }
    #expect(throws: Failure.self) { try ConfigurationEdit(set: ["": "x"], unset: []) }
    #expect(throws: Failure.self) { try ConfigurationEdit(set: ["a\u{1B}": "x"], unset: []) }
    #expect(throws: Failure.self) { try ConfigurationEdit(set: ["a": "x"], unset: ["a"]) }
    let sample = Sample()
    let path = try sample.write()
    let before = try Files.read(path)
    #expect(throws: Failure.self) {
      try ConfigurationEdit(set: ["a": "x"], unset: ["none"]).apply(to: path)
    }
    #expect(try Files.read(path) == before)
  }

  @Test("editors of one file take turns, also when it is laid out anew: nothing is lost")
  func turns() throws {
    let sample = Sample()
    let path = try sample.write()
    try Parallel.forEach(24, threads: 6) { index in
      // Every fourth text needs larger slots than the file has.
      let text = String(repeating: "x", count: index % 4 == 0 ? 9000 * (index + 1) : 10)
      try ConfigurationEdit(set: ["key \(index)": text], unset: []).apply(to: path)
    }
    guard case .object(let found) = try values(path) else {
      Issue.record("no object")
      return
    }
    #expect(found.count == 25)
    for index in 0..<24 { #expect(found["key \(index)"]?.string?.first == "x") }
    #expect(sample.folder.names == ["a.trlhf"])
  }

  @Test("an editor waits for the one that holds the file")
  func waits() throws {
    let sample = Sample()
    let path = try sample.write()
    let held = open(path, O_RDWR)
    defer { close(held) }
    #expect(flock(held, LOCK_EX) == 0)
    try Parallel.forEach(2, threads: 2) { index in
      if index == 1 {
        try ConfigurationEdit(set: ["a": "1"], unset: []).apply(to: path)
      } else {
        usleep(100_000)
        #expect(try self.values(path)["a"] == nil)
        flock(held, LOCK_UN)
      }
    }
    #expect(try values(path)["a"] == .string("1"))
  }
}
