import Support
import TestSupport
import Testing

@testable import Datasets

@Suite struct LineReaderTests {
  // {"text":"a"} and {"text":"b"}, as `zstd --no-check` writes them.
  private let zstd: [UInt8] = [
    0x28, 0xB5, 0x2F, 0xFD, 0x00, 0x58, 0xBD, 0x00, 0x00, 0x88, 0x7B, 0x22, 0x74, 0x65, 0x78,
    0x74, 0x22, 0x3A, 0x22, 0x61, 0x22, 0x7D, 0x0A, 0x62, 0x22, 0x7D, 0x0A, 0x01, 0x00, 0x50,
    0xCC, 0x2F,
  ]

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
    #expect(failure { try reader.next() }.hasPrefix("data.jsonl:2: this line is longer than 100.0 kB"))
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
  func expands() throws {
    try withFile("a.jsonl.zst", zstd) { path in
      let records = try readDocuments(path).records
      #expect(records == ["a", "b"])
    }
    try withFile("a.jsonl.zst", Array(zstd.dropLast(3))) { path in
      #expect(failure { try readDocuments(path) }.hasPrefix("\(path): "))
    }
  }

  @Test("what is compressed is known by its first bytes, whatever its name, in a file and in a pipe")
  func magic() throws {
    let text = Array("{\"text\":\"a\"}\n{\"text\":\"b\"}\n".utf8)
    let parted = Gzip.member(Array(text[..<13])) + Gzip.member(Array(text[13...]))
    for bytes in [text, Gzip.member(text), parted, zstd] {
      // The name decides only where the bytes say nothing.
      for name in ["a.jsonl", "a"] + (bytes == text ? [] : ["a.jsonl.zst", "a.gz"]) {
        try withFile(name, bytes) { path in
          let records = try readDocuments(path).records
          #expect(records == ["a", "b"])
        }
      }
      for chunk in [1, 3, 1000] {
        let source = ExpandingSource(MemorySource(bytes, chunk: chunk), name: "stdin")
        let reader = LineReader(source, name: "stdin", limit: 1_000)
        #expect(try readRows(RowReader(reader, allowsText: false), for: .documents, strict: true).records == ["a", "b"])
      }
    }
  }

  @Test("the hash of a file's contents does not depend on its name, its compression or the pieces in which it comes")
  func contents() throws {
    func hash(_ bytes: [UInt8], chunk: Int = 7, text: Bool = false) throws -> String? {
      let source = ExpandingSource(MemorySource(bytes, chunk: chunk), name: "x")
      let rows = try RowReader(LineReader(source, name: "x", limit: 1_000), allowsText: text)
      return try readRows(rows, for: .documents, strict: true).report.contentHash
    }
    let text = Array("{\"text\":\"a\"}\n{\"text\":\"b\"}\n".utf8)
    let plain = try #require(try hash(text))
    #expect(plain.count == 16)
    for chunk in [1, 3, 1_000] { #expect(try hash(text, chunk: chunk) == plain) }
    #expect(try hash(Gzip.member(text)) == plain && hash(zstd) == plain)
    // Lines that are read to find the format count once.
    #expect(try hash(text, text: true) == plain)
    // Every byte counts: a space in a row, a line's end, the mark at the beginning.
    let others = [text + [0x0A], Array(text.dropLast()), [0xEF, 0xBB, 0xBF] + text]
    var seen: Set = [plain]
    for other in others { #expect(seen.insert(try #require(try hash(other))).inserted) }
  }

  @Test("a damaged gzip file is an error that names it, and so is a plain one that is called .gz")
  func damaged() throws {
    let text = Array("{\"text\":\"a\"}\n".utf8)
    for (bytes, problem) in [
      (Array(Gzip.member(text).dropLast()), "the gzip stream ends inside a member"),
      (Gzip.member(text, checksum: 0), "the gzip stream's checksum does not match its data"),
      (Gzip.member(text) + text, "the data after the gzip stream is not gzip"),
      (text, "this is not a gzip stream"), ([], "the gzip stream is empty"),
    ] {
      try withFile("a.jsonl.gz", bytes) { path in
        #expect(failure { try readDocuments(path) }.hasPrefix("\(path): \(problem)"))
        // Leniency is for rows.
        #expect(failure { try readDocuments(path, strict: false) }.hasPrefix("\(path): \(problem)"))
      }
    }
  }

  @Test("who types a line is answered before the next")
  func waits() throws {
    final class Typist: ByteSource {
      var lines = ["P\n", "(\n", "\u{1F}\n", "P*\n"]
      var asked = 0
      func read(into buffer: UnsafeMutableRawBufferPointer) throws -> Int {
        asked += 1
        guard let line = lines.popLast() else { return 0 }
        buffer.copyBytes(from: line.utf8.prefix(buffer.count))
        return min(buffer.count, line.utf8.count)
      }
    }
    let typist = Typist()
    let reader = LineReader(ExpandingSource(typist, name: "stdin"), name: "stdin", limit: 1_000)
    for (number, line) in ["P*", "\u{1F}", "(", "P"].enumerated() {
      #expect(try reader.next() == Array(line.utf8))
      #expect(typist.asked == number + 1)
    }
  }
}
