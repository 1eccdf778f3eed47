import Support
import TestSupport
import Testing

@testable import Interchange

@Suite struct JSONFileTests {
  private func failure(_ text: String) -> String? {
    do {
      _ = try JSONFile.decode(JSONValue.self, from: Array(text.utf8), at: "config.json")
      return nil
    } catch {
      return "\(error)"
    }
  }

  @Test("a key that stands twice in one object is named with its byte, however it is spelt")
  func duplicates() {
    let remedy = "Leave one of the two out."
    #expect(
      failure("{\"a\":1, \"b\":2, \"a\" : 3}")
        == "config.json, byte 15: the key \"a\" appears twice in one object. \(remedy)")
    #expect(
      failure(#"{"x":[{"ab":1,"a\u0062":2}]}"#)
        == "config.json, byte 14: the key \"ab\" appears twice in one object. \(remedy)")
    #expect(
      failure(#"{"a\"":1,"a\"":2}"#)
        == "config.json, byte 9: the key \"a\"\" appears twice in one object. \(remedy)")
  }

  @Test("text that is not UTF-8 is refused, since a decoder may see other keys in it")
  func encodings() throws {
    let text = #"{"a":1,"a":2}"#
    let little = text.utf16.flatMap { [UInt8($0 & 255), UInt8($0 >> 8)] }
    for bytes in [little, [0xFF, 0xFE] + little, [0xC3, 0x28]] {
      let failure = #expect(throws: Failure.self) {
        try JSONFile.decode([String: Int].self, from: bytes, at: "config.json")
      }
      #expect(failure?.description.contains("this is not UTF-8 text") == true)
    }
  }

  @Test("equal keys of different objects, and equal texts that are no keys, are sound")
  func different() {
    for text in [
      #"{"a":{"a":1},"b":{"a":2}}"#, #"[{"a":1},{"a":1}]"#, #"{"a":"a","b":"a"}"#,
      #"{"a":["a","a"],"b":"\":"}"#, "{}", "[]", "{\"a\"\n:1}",
    ] {
      #expect(failure(text) == nil, "\(text)")
    }
  }

  @Test("what is not JSON is refused by the decoder, wherever it breaks off")
  func broken() {
    let whole = #"{"a":{"b\"":[1,"x"]},"c":null}"#
    for count in 0..<whole.utf8.count {
      let text = String(decoding: whole.utf8.prefix(count), as: UTF8.self)
      #expect(failure(text)?.hasPrefix("config.json: this is not JSON: ") == true, "\(text)")
    }
    #expect(failure("}]\"") != nil)
    let deep = String(repeating: "{\"a\":", count: 100)
    #expect(failure(deep)?.contains("opens nesting level") == true)
  }

  @Test("more values than any vocabulary has are refused before they are decoded")
  func tooMany() {
    let text = "[" + String(repeating: "0,", count: JSONKeys.valueLimit + 1) + "0]"
    #expect(
      failure(text)
        == "config.json, byte \(2 * JSONKeys.valueLimit): has more than 4194304 values. "
        + "Name another file.")
  }

  @Test("a file over its limit is refused before it is read: a gigabyte that takes no room")
  func gigabyte() throws {
    let folder = TemporaryFolder()
    let path = folder.file("config.json")
    try Files.writeAtomically(Array("{}".utf8), to: path)
    #expect(try JSONFile.read([String: Int].self, from: path, .configuration).isEmpty)
    try folder.resize("config.json", to: 1 << 30)
    #expect(
      throws: Failure(
        .badData, "has 1073741824 bytes; the limit for such a file is 1048576", at: path,
        remedy: "Name another file.")
    ) {
      try JSONFile.read([String: Int].self, from: path, .configuration)
    }
    #expect(throws: Failure.self) { try JSONFile.read([String: Int].self, from: path, .tokenizer) }
  }
}
