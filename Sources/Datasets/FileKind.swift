import Support

/// Recognises files that are not lines of text by their first bytes, and tells what to do with each kind.
struct FileKind {
  /// `a Parquet file`
  let noun: String
  let remedy: String

  /// The number of bytes at the start of a file that are checked.
  static let headBytes = 512

  /// The kind of a file that cannot be read line by line; nil if it may be text.
  init?(_ head: some Collection<UInt8>, name: String) {
    let head = Array(head.prefix(Self.headBytes))
    guard let kind = Self.unicode(head, name) ?? Self.container(head, name) ?? Self.model(head, name) else {
      return nil
    }
    noun = kind.0
    remedy = kind.1.hasSuffix(".") ? kind.1 : "\(kind.1)."
  }

  /// - Parameter name: the file's name.
  func failure(_ name: String) -> Failure {
    Failure(.badData, "this is \(noun), not JSON Lines or text", at: name, remedy: remedy)
  }

  private typealias Kind = (String, String)

  private static func begins(_ head: [UInt8], _ signature: String, at offset: Int = 0) -> Bool {
    head.dropFirst(offset).starts(with: signature.utf8)
  }

  private static func unicode(_ head: [UInt8], _ name: String) -> Kind? {
    func kind(_ encoding: String) -> Kind {
      ("text in \(encoding)", "Convert it: iconv -f \(encoding) -t UTF-8 \(name) > rows.jsonl")
    }
    if head.starts(with: [0xFF, 0xFE, 0, 0]) || head.starts(with: [0, 0, 0xFE, 0xFF]) { return kind("UTF-32") }
    if head.starts(with: [0xFF, 0xFE]) || head.starts(with: [0xFE, 0xFF]) { return kind("UTF-16") }
    guard head.count >= 4 else { return nil }
    // ASCII letters in units of two or four bytes.
    let zeros = head.prefix(4).map { $0 == 0 }
    switch zeros {
    case [false, true, false, true]: return kind("UTF-16LE")
    case [true, false, true, false]: return kind("UTF-16BE")
    case [false, true, true, true] where head.count >= 8 && head[5...7].allSatisfy({ $0 == 0 }) && head[4] != 0:
      return kind("UTF-32LE")
    case [true, true, true, false] where head.count >= 8 && head[4...6].allSatisfy({ $0 == 0 }):
      return kind("UTF-32BE")
    default: return nil
    }
  }

  private static func container(_ head: [UInt8], _ name: String) -> Kind? {
    func python(_ noun: String, expression: String) -> Kind {
      (noun, "Convert it with Python: \(expression)")
    }
    let pandas = ".to_json(\"rows.jsonl\", orient=\"records\", lines=True)"
    let isText = head.count > 4 && (0x20..<0x7F).contains(head[4])
    if begins(head, "PAR1"), !isText || name.hasSuffix(".parquet") {
      return python("a Parquet file", expression: "pandas.read_parquet(\"\(name)\")\(pandas)")
    }
    if begins(head, "ARROW1") || head.starts(with: [0xFF, 0xFF, 0xFF, 0xFF]) {
      return python("an Arrow file", expression: "datasets.Dataset.from_file(\"\(name)\").to_json(\"rows.jsonl\")")
    }
    if begins(head, "SQLite format 3\u{0}") {
      return python("an SQLite database", expression: "pandas.read_sql(QUERY, sqlite3.connect(\"\(name)\"))\(pandas)")
    }
    if head.count > 1, head[0] == 0x80, (2...5).contains(head[1]) {
      return python(
        "a Python pickle", expression: "load it only if you trust it, and write json.dumps of each row on a line.")
    }
    if begins(head, "PK\u{3}\u{4}") || begins(head, "PK\u{5}\u{6}") { return zip(head, name, pandas: pandas) }
    if begins(head, "ustar", at: 257) { return ("a tar archive", "Unpack it: tar -xf \(name)") }
    if begins(head, "BZh"), head.count > 3, (0x31...0x39).contains(head[3]), begins(head, "1AY&SY", at: 4) {
      return ("compressed with bzip2", "Unpack it: bunzip2 \(name)")
    }
    if head.starts(with: [0xFD, 0x37, 0x7A, 0x58, 0x5A, 0]) { return ("compressed with xz", "Unpack it: unxz \(name)") }
    if head.starts(with: [0x37, 0x7A, 0xBC, 0xAF, 0x27, 0x1C]) { return ("a 7z archive", "Unpack it: 7z x \(name)") }
    if head.starts(with: [0x04, 0x22, 0x4D, 0x18]) { return ("compressed with lz4", "Unpack it: unlz4 \(name)") }
    if head.starts(with: [0x93]) && begins(head, "NUMPY", at: 1) {
      return ("a NumPy array", "Write its rows as JSON Lines.")
    }
    if head.starts(with: [0x89]) && begins(head, "HDF\r\n", at: 1) {
      return ("an HDF5 file", "Write its rows as JSON Lines.")
    }
    if begins(head, "Obj\u{1}") { return ("an Avro file", "Write its rows as JSON Lines.") }
    if begins(head, "%PDF-") { return ("a PDF", "Extract its text: pdftotext \(name)") }
    if begins(head, "version https://git-lfs") {
      return ("a Git LFS pointer instead of the file", "Fetch the file itself: git lfs pull")
    }
    return nil
  }

  private static func zip(_ head: [UInt8], _ name: String, pandas: String) -> Kind {
    let member = String(decoding: head.dropFirst(30).prefix(64), as: UTF8.self)
    if name.hasSuffix(".xlsx") || member.hasPrefix("[Content_Types]") || member.hasPrefix("xl/") {
      return ("an Office file (xlsx)", "Convert it with Python: pandas.read_excel(\"\(name)\")\(pandas)")
    }
    if member.contains("data.pkl") { return ("a PyTorch file", "Write its data as JSON Lines.") }
    return ("a zip archive", "Unpack it: unzip \(name)")
  }

  private static func model(_ head: [UInt8], _ name: String) -> Kind? {
    let remedy = "Give a data file here; the model is another argument."
    if begins(head, "GGUF"), head.dropFirst(4).prefix(4).contains(0) { return ("a model in GGUF", remedy) }
    if head.starts(with: [0x89, 0x54, 0x52, 0x4C]) { return ("a checkpoint (.trlhf)", remedy) }
    // A safetensors file begins with the length of its JSON header.
    if head.count > 8, head[8] == UInt8(ascii: "{"), head[5...7].allSatisfy({ $0 == 0 }), head[4] == 0 {
      return ("a model in safetensors", remedy)
    }
    return nil
  }
}

/// Recognises tables in text form, whose rows are not JSON: CSV and TSV.
enum DelimitedText {
  private static let columns: Set<String> = [
    "prompt", "prompts", "completion", "completions", "chosen", "rejected", "question", "answer", "instruction",
    "input", "output", "response", "text", "messages", "conversations", "label", "labels", "system", "query",
    "summary", "article", "content", "role", "id", "idx", "index", "source", "score",
  ]

  /// The kind of table if the first line is a table header; else nil.
  static func noun(_ line: some Collection<UInt8>, name: String) -> String? {
    for (ending, noun) in [(".csv", "CSV"), (".tsv", "TSV")] where uncompressed(name).hasSuffix(ending) { return noun }
    for (separator, noun) in [(",", "CSV"), ("\t", "TSV"), (";", "CSV")] {
      let text = String(decoding: line.prefix(1 << 12), as: UTF8.self)
      let fields = text.split(separator: Character(separator), omittingEmptySubsequences: false).map {
        $0.bare.lowercased()
      }
      guard fields.count > 1 else { continue }
      // pandas writes an index column without a name first.
      let names = fields.first == "" ? Array(fields.dropFirst()) : fields
      let known = names.count { columns.contains($0) }
      let areNames = names.allSatisfy { name in
        !name.isEmpty && name.utf8.count <= 40 && name.unicodeScalars.allSatisfy {
          $0.properties.isAlphabetic || "_-. 0123456789".unicodeScalars.contains($0)
        }
      }
      if areNames && (known >= 2 || known == names.count) { return noun }
    }
    return nil
  }

  /// Whether the first line is from a web page, as servers send for a missing file.
  static func isWebPage(_ line: some Collection<UInt8>) -> Bool {
    let start = String(decoding: line.prefix(64), as: UTF8.self).bareStart.lowercased()
    return start.hasPrefix("<!doctype html") || start.hasPrefix("<html")
  }

  static func failure(_ noun: String, at name: String) -> Failure {
    let read = noun == "TSV" ? "pandas.read_csv(\"\(name)\", sep=\"\\t\")" : "pandas.read_csv(\"\(name)\")"
    return Failure(
      .badData, "this is \(noun), not JSON Lines", at: name,
      remedy: "Convert it with Python: \(read).to_json(\"rows.jsonl\", orient=\"records\", lines=True).")
  }

  /// The file name without the extension of a compressed file.
  static func uncompressed(_ name: String) -> Substring {
    for ending in [".gz", ".zst"] where name.hasSuffix(ending) { return name.dropLast(ending.count) }
    return name[...]
  }
}

extension String {
  fileprivate var bareStart: Substring { drop(while: \.isWhitespace) }
}

extension Substring {
  /// Without white space and quotation marks at both ends.
  fileprivate var bare: Substring {
    func isAround(_ character: Character) -> Bool { character.isWhitespace || "\"'".contains(character) }
    var text = drop(while: isAround)
    while let last = text.last, isAround(last) { text = text.dropLast() }
    return text
  }
}
