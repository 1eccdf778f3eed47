extension JSON {
  /// Parses a text strictly by RFC 8259. Objects keep the order of their keys.
  ///
  /// A byte order mark at the start is skipped.
  /// - Parameter place: what the text is, for errors: `train.jsonl:3`.
  /// - Throws: `Failure(.badData)` with the problem and its column: the byte's number in its line, from 1. If the
  ///   text has several lines, the line number is given too.
  public static func parse(_ bytes: some Collection<UInt8>, at place: String) throws -> JSONValue {
    if let value = try bytes.withContiguousStorageIfAvailable({ try JSONReader.read($0, at: place) }) {
      return value
    }
    return try Array(bytes).withUnsafeBufferPointer { try JSONReader.read($0, at: place) }
  }
}

/// A reader that goes through a JSON text once, from the first byte to the last.
struct JSONReader {
  let text: UnsafeBufferPointer<UInt8>
  let place: String
  var index = 0
  private var depth = 0

  private init(_ text: UnsafeBufferPointer<UInt8>, at place: String) {
    self.text = text
    self.place = place
  }

  static func read(_ text: UnsafeBufferPointer<UInt8>, at place: String) throws -> JSONValue {
    var reader = JSONReader(text, at: place)
    if text.starts(with: [0xEF, 0xBB, 0xBF]) { reader.index = 3 }
    reader.skipSpace()
    guard reader.index < text.count else {
      throw Failure(.badData, "this is not JSON: there is no value", at: place, remedy: "Write one.", code: .invalidJSON)
    }
    let value = try reader.value()
    reader.skipSpace()
    guard reader.index == text.count else {
      throw reader.syntax(
        "found \(reader.found) after the JSON value", at: reader.index,
        remedy: reader.byte == UInt8(ascii: "{") ? "Write one object per line." : "Remove it.")
    }
    return value
  }

  /// The next byte; nil at the end.
  var byte: UInt8? { index < text.count ? text[index] : nil }

  mutating func skipSpace() {
    while let byte, byte == 0x20 || byte == 0x0A || byte == 0x0D || byte == 0x09 { index += 1 }
  }

  mutating func value() throws -> JSONValue {
    switch byte {
    case UInt8(ascii: "{"): return .object(try nested { try $0.members() })
    case UInt8(ascii: "["): return .array(try nested { try $0.elements() })
    case UInt8(ascii: "\""): return .string(try string())
    case let digit? where (0x30...0x39).contains(digit): return try number()
    case UInt8(ascii: "-") where !isWord("-Infinity"): return try number()
    default: return try literal()
    }
  }

  private mutating func nested<Value>(_ body: (inout JSONReader) throws -> Value) throws -> Value {
    guard depth < JSON.depthLimit else {
      throw failure(
        "byte \(index) opens nesting level \(JSON.depthLimit + 1)", at: nil,
        remedy: "Nest at most \(JSON.depthLimit) levels.")
    }
    depth += 1
    defer { depth -= 1 }
    index += 1
    skipSpace()
    return try body(&self)
  }

  private mutating func elements() throws -> [JSONValue] {
    var values: [JSONValue] = []
    guard !take("]") else { return [] }
    while true {
      values.append(try value())
      skipSpace()
      if take("]") { return values }
      try separator(closing: "]", "a list")
    }
  }

  private mutating func members() throws -> JSONObject {
    var members = JSONObject()
    guard !take("}") else { return members }
    while true {
      let start = index
      guard byte == UInt8(ascii: "\"") else { throw noKey() }
      let key = try string()
      guard members[key] == nil else {
        throw failure("the key \"\(key.prefix(80))\" appears twice", at: start, remedy: "Remove one of the two.")
      }
      skipSpace()
      guard take(":") else {
        throw syntax("found \(found) instead of a colon after the key \"\(key.prefix(80))\"", at: index)
      }
      skipSpace()
      members.append(key, try value())
      skipSpace()
      if take("}") { return members }
      try separator(closing: "}", "an object")
    }
  }

  private mutating func separator(closing: Character, _ what: String) throws {
    let comma = index
    guard take(",") else {
      throw syntax("found \(found) instead of a comma or \"\(closing)\"", at: index)
    }
    skipSpace()
    guard byte != closing.asciiValue else {
      throw syntax("a comma follows the last value of \(what)", at: comma, remedy: "Remove the comma.")
    }
  }

  mutating func take(_ character: Character) -> Bool {
    guard byte == character.asciiValue else { return false }
    index += 1
    return true
  }

  // MARK: Words

  private mutating func literal() throws -> JSONValue {
    for (word, value) in [("true", JSONValue.bool(true)), ("false", .bool(false)), ("null", .null)]
    where isWord(word) {
      index += word.utf8.count
      return value
    }
    for (word, remedy) in Self.foreign where isWord(word) {
      throw syntax("found \(word) instead of a value", at: index, remedy: remedy)
    }
    if byte == UInt8(ascii: "'") {
      throw syntax(
        "a text is in single quotes", at: index,
        remedy: "Write JSON with double quotes. Python's json.dumps does this; str() does not.")
    }
    throw syntax("found \(found) instead of a value", at: index)
  }

  /// Words that other programs write for values that JSON lacks or spells differently.
  private static let foreign = [
    ("NaN", "Write null, or leave the key out."), ("-Infinity", "Write null, or leave the key out."),
    ("Infinity", "Write null, or leave the key out."), ("None", "Write null; this is Python's word."),
    ("True", "Write true; this is Python's word."), ("False", "Write false; this is Python's word."),
    ("undefined", "Write null, or leave the key out."),
  ]

  private func isWord(_ word: String) -> Bool {
    let end = index + word.utf8.count
    guard end <= text.count, text[index..<end].elementsEqual(word.utf8) else { return false }
    return end == text.count || !Self.isWordByte(text[end])
  }

  static func isWordByte(_ byte: UInt8) -> Bool {
    switch byte {
    case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
      UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "_"), 0x80...: true
    default: false
    }
  }

  // MARK: Errors

  private func noKey() -> Failure {
    if byte == UInt8(ascii: "'") {
      return syntax(
        "a key is in single quotes", at: index,
        remedy: "Write JSON with double quotes. Python's json.dumps does this; str() does not.")
    }
    return syntax("found \(found) instead of a key in double quotes", at: index)
  }

  /// The character at the index, for messages: `the end`, `"x"`, `the byte 0xFF (not UTF-8)`.
  var found: String {
    guard let byte else { return "the end" }
    if byte < 0x20 || byte == 0x7F { return "the control character \(Self.hexadecimal(byte))" }
    let end = (index + 1...index + 4).first { $0 >= text.count || text[$0] & 0xC0 != 0x80 } ?? index + 1
    guard let shown = String(validating: text[index..<min(end, text.count)], as: UTF8.self) else {
      return "the byte \(Self.hexadecimal(byte)) (not UTF-8)"
    }
    return shown == "\"" ? "a quotation mark" : "\"\(shown)\""
  }

  static func hexadecimal(_ byte: UInt8) -> String {
    "0x" + (byte < 16 ? "0" : "") + String(byte, radix: 16, uppercase: true)
  }

  /// An error for text that the JSON grammar does not allow.
  func syntax(_ what: String, at byte: Int, remedy: String = "Correct it.") -> Failure {
    failure(what, at: byte, remedy: remedy, prefix: "this is not JSON: ")
  }

  /// - Parameter byte: the position in the text; nil if the message already names it.
  func failure(_ what: String, at byte: Int?, remedy: String = "Correct it.", prefix: String = "") -> Failure {
    guard let byte else { return Failure(.badData, what, at: place, remedy: remedy, code: .invalidJSON) }
    let before = text[..<min(byte, text.count)]
    let line = before.count { $0 == 0x0A } + 1
    let column = byte - (before.lastIndex(of: 0x0A) ?? -1)
    let position = line > 1 ? "line \(line), column \(column)" : "column \(column)"
    return Failure(.badData, "\(prefix)\(what) at \(position)", at: place, remedy: remedy, code: .invalidJSON)
  }
}

extension JSON {
  /// The range of the value of a key of the outermost object, in a text that `parse` accepts; nil if the key is
  /// missing.
  public static func source(of key: String, in bytes: [UInt8]) throws -> Range<Int>? {
    try bytes.withUnsafeBufferPointer { try JSONReader.source(of: key, in: $0) }
  }
}

extension JSONReader {
  static func source(of key: String, in text: UnsafeBufferPointer<UInt8>) throws -> Range<Int>? {
    var reader = JSONReader(text, at: "")
    if text.starts(with: [0xEF, 0xBB, 0xBF]) { reader.index = 3 }
    reader.skipSpace()
    guard reader.take("{") else { return nil }
    reader.skipSpace()
    while reader.byte == UInt8(ascii: "\"") {
      let name = try reader.string()
      reader.skipSpace()
      guard reader.take(":") else { return nil }
      reader.skipSpace()
      let start = reader.index
      _ = try reader.value()
      if name == key { return start..<reader.index }
      reader.skipSpace()
      guard reader.take(",") else { return nil }
      reader.skipSpace()
    }
    return nil
  }
}
