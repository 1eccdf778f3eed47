import Support
import Testing

@testable import Datasets

@Suite struct LineReaderTests {
  private func all(_ bytes: [UInt8], chunk: Int) throws -> [String] {
    let reader = LineReader(MemorySource(bytes, chunk: chunk), name: "x", limit: 1_000)
    var lines: [String] = []
    while let line = try reader.next() {
      lines.append(String(decoding: line, as: UTF8.self))
      #expect(reader.line == lines.count)
      #expect(reader.place == "x:\(lines.count)")
    }
    return lines
  }

  @Test("lines are the same however the bytes arrive, and whatever ends them")
  func chunks() throws {
    for chunk in [1, 2, 3, 5, 100] {
      #expect(try all(Array("a\r\nbc\n\nd".utf8), chunk: chunk) == ["a", "bc", "", "d"])
      #expect(try all(Array("a\n".utf8), chunk: chunk) == ["a"])
      #expect(try all([0xEF, 0xBB, 0xBF, 0x61], chunk: chunk) == ["a"])
      #expect(try all([], chunk: chunk) == [])
    }
  }

  @Test("a line over the limit is an error that names it")
  func limit() throws {
    let reader = lines("short\n" + String(repeating: "x", count: 200_000), limit: 100_000)
    #expect(try reader.next()?.count == 5)
    #expect(failure { try reader.next() }.hasPrefix("data.jsonl:2: this line is longer than 97.7"))
  }

  @Test("a file is read from its path, and a missing one is an error that names it")
  func paths() throws {
    try withFile("a.jsonl", "{\"text\":\"a\"}\n{\"text\":\"b\"}\n") { path in
      let records = try readDocuments(path).records
      #expect(records == ["a", "b"])
      #expect {
        try LineReader(path: path + ".no")
      } throws: { error in
        let failure = error as? Failure
        return failure?.kind == .inputOutput && failure?.place == path + ".no"
      }
    }
  }

  @Test("a zstd file is expanded as it is read, and a damaged one is an error that names it")
  func zstd() throws {
    // {"text":"a"} and {"text":"b"}, as `zstd --no-check` writes them.
    let frame: [UInt8] = [
      0x28, 0xB5, 0x2F, 0xFD, 0x00, 0x58, 0xBD, 0x00, 0x00, 0x88, 0x7B, 0x22, 0x74, 0x65, 0x78,
      0x74, 0x22, 0x3A, 0x22, 0x61, 0x22, 0x7D, 0x0A, 0x62, 0x22, 0x7D, 0x0A, 0x01, 0x00, 0x50,
      0xCC, 0x2F,
    ]
    try withFile("a.jsonl.zst", frame) { path in
      let records = try readDocuments(path).records
      #expect(records == ["a", "b"])
    }
    try withFile("a.jsonl.zst", Array(frame.dropLast(3))) { path in
      #expect(failure { try readDocuments(path) }.hasPrefix("\(path): "))
    }
  }

  @Test("compression that is not read is refused by name, with the way out")
  func compressed() {
    let message = failure { try LineReader(path: "x.jsonl.gz") }
    #expect(message.hasPrefix("x.jsonl.gz: gzip is not read. Expand it first: gunzip"))
  }
}
