import Support
import Testing

@testable import Datasets

/// Files that are no JSON Lines, given in their place.
@Suite struct FileKindTests {
  private static let row = #"{"prompt": "p", "completion": "a"}"#

  private static func utf16(_ text: String, bigEndian: Bool, mark: Bool) -> [UInt8] {
    ((mark ? [0xFEFF] : []) + Array(text.utf16)).flatMap { unit in
      bigEndian ? [UInt8(unit >> 8), UInt8(unit & 255)] : [UInt8(unit & 255), UInt8(unit >> 8)]
    }
  }

  private static func utf32(_ text: String) -> [UInt8] {
    text.unicodeScalars.flatMap { [UInt8($0.value & 255), UInt8($0.value >> 8 & 255), UInt8($0.value >> 16), 0] }
  }

  private static var tar: [UInt8] {
    Array("rows.jsonl".utf8) + [UInt8](repeating: 0, count: 247) + Array("ustar\u{0}00".utf8) + [UInt8](repeating: 0, count: 300)
  }

  fileprivate static let files: [(bytes: [UInt8], noun: String, remedy: String)] = [
    (Array("PAR1".utf8) + [0x15, 4, 0x15], "a Parquet file", "read_parquet"),
    (Array("ARROW1\u{0}\u{0}".utf8), "an Arrow file", "from_file"), ([0xFF, 0xFF, 0xFF, 0xFF, 0x10, 1, 0, 0], "an Arrow file", "from_file"),
    (Array("SQLite format 3\u{0}".utf8) + [1], "an SQLite database", "read_sql"), ([0x80, 4, 0x95, 0], "a Python pickle", "json.dumps"),
    (Array("PK\u{3}\u{4}".utf8) + [UInt8](repeating: 0, count: 26) + Array("[Content_Types].xml".utf8), "an Office file (xlsx)", "read_excel"),
    (Array("PK\u{3}\u{4}".utf8) + [UInt8](repeating: 0, count: 26) + Array("rows.jsonl".utf8), "a zip archive", "unzip"),
    (tar, "a tar archive", "tar -xf"), (Array("GGUF".utf8) + [3, 0, 0, 0], "a model in GGUF", "data"),
    ([0x40, 0, 0, 0, 0, 0, 0, 0] + Array("{\"a\":".utf8), "a model in safetensors", "data"),
    ([0x89, 0x54, 0x52, 0x4C, 0x0D, 0x0A], "a checkpoint (.trlhf)", "data"),
    (Array("version https://git-lfs.github.com/spec/v1\noid sha256:0\n".utf8), "a Git LFS pointer", "git lfs pull"),
    (utf16(row, bigEndian: false, mark: true), "text in UTF-16", "iconv"), (utf16(row, bigEndian: true, mark: true), "text in UTF-16", "iconv"),
    (utf16(row, bigEndian: false, mark: false), "text in UTF-16LE", "iconv"), (utf16(row, bigEndian: true, mark: false), "text in UTF-16BE", "iconv"),
    (utf32(row), "text in UTF-32LE", "iconv"), ([0xFF, 0xFE, 0, 0] + utf32(row), "text in UTF-32", "iconv"),
    (Array("prompt,completion\np,a\n".utf8), "CSV", "read_csv"), (Array("\"id\";\"question\";\"answer\"\r\n1;p;a\r\n".utf8), "CSV", "read_csv"),
    (Array("prompt\tchosen\trejected\np\ta\tb\n".utf8), "TSV", "read_csv"), (Array(",prompt,completion\n0,p,a\n".utf8), "CSV", "read_csv"),
  ]

  @Test("each is named with what to do, for rows and for text, whatever its name", arguments: files.indices)
  func named(index: Int) throws {
    let (bytes, noun, remedy) = Self.files[index]
    for name in ["data.jsonl", "data"] {
      try withFile(name, bytes) { path in
        for message in [
          failure { try readDemonstrations(path) }, failure { try readComparisons(path, strict: false) },
          failure { try readPrompts(path) }, failure { try readDocuments(path) },
        ] {
          #expect(message.hasPrefix("\(path): this is \(noun)") && message.contains(remedy), "\(message)")
        }
      }
    }
  }

  @Test("a folder is named as one")
  func folder() throws {
    try withFile("data.jsonl", Self.row) { path in
      let folder = String(path.prefix(path.count - "/data.jsonl".count))
      let failure = #expect(throws: Failure.self) { try readPrompts(folder) }
      #expect(failure?.kind == .inputOutput && failure?.what == "is a folder, not a file")
    }
  }

  @Test("texts that begin alike are texts", arguments: [
    "PAR1 is how a Parquet file begins.", "GGUF is a format.\n", "BZh\n", "A comma, and a word.\n", "Dear reader, this is it.\n", "text\nmore\n",
    "PK\n", "x\ty\n", "",
  ])
  func texts(text: String) throws {
    let reader = lines(text)
    while try reader.next() != nil {}
    if !text.isEmpty { #expect(try readText(text).report.format == .plainText) }
  }

  @Test("an object over several lines is named, and a byte order mark of UTF-8 is skipped")
  func pretty() throws {
    #expect(failure { try read("{\n  \"prompt\": \"p\"\n}\n", for: .prompts) }.contains("a JSON object over several lines"))
    #expect(try read("\u{FEFF}{\"prompt\": \"p\"}", for: .prompts).records.count == 1)
  }
}

extension FileKindTests {
  @Test("what to do is a sentence, of every kind of file", arguments: files.indices)
  func sentences(index: Int) throws {
    try withFile("data", Self.files[index].bytes) { path in
      #expect(failure { try readPrompts(path) }.hasSuffix("."))
    }
  }
}
