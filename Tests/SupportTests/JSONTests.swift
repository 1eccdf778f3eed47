import Support
import Testing

@Suite struct JSONTests {
  private func nested(_ depth: Int, _ open: String, _ close: String) -> [UInt8] {
    Array((String(repeating: open, count: depth) + "1" + String(repeating: close, count: depth)).utf8)
  }

  @Test("lists and objects 64 within each other are read, the 65th is refused where it opens")
  func depth() throws {
    for (open, close) in [("[", "]"), (#"{"a":"#, "}")] {
      #expect(throws: Never.self) {
        try JSON.decode(JSONValue.self, from: nested(64, open, close), at: "here")
      }
      for depth in [65, 100_000] {
        let expected = Failure(
          .badData, "byte \(64 * open.utf8.count) opens nesting level 65", at: "here",
          remedy: "Nest at most 64 levels.")
        #expect(throws: expected) {
          try JSON.decode(JSONValue.self, from: nested(depth, open, close), at: "here")
        }
      }
    }
  }

  @Test("what stands in a text opens nothing, and lists side by side are not within each other")
  func notNested() throws {
    let brackets = String(repeating: #"[{\""#, count: 100)
    #expect(
      try JSON.decode(JSONValue.self, from: Array("\"\(brackets)\"".utf8), at: "")
        == .string(String(repeating: "[{\"", count: 100)))
    let row = "[" + Array(repeating: "[]", count: 100).joined(separator: ",") + "]"
    #expect(try JSON.decode(JSONValue.self, from: Array(row.utf8), at: "").array?.count == 100)
  }

  @Test("brackets that never open, or close too often, are not JSON and no more")
  func unbalanced() {
    for text in ["]]]]", "[\"", "{\"a\": [}", "\"\\"] {
      let failure = #expect(throws: Failure.self) {
        try JSON.decode(JSONValue.self, from: Array(text.utf8), at: "here")
      }
      #expect(failure?.kind == .badData && failure?.place == "here")
      #expect(failure?.what.hasPrefix("this is not JSON: ") == true, "\(String(describing: failure))")
    }
  }
}

@Test("a key that stands twice in an object is refused, since only one of them would count")
func repeatedKeys() throws {
  func decode(_ text: String) throws -> JSONValue {
    try JSON.decode(JSONValue.self, from: Array(text.utf8), at: "row 3")
  }
  for text in [#"{"a":1,"b":{"c":":","d":2},"a":3}"#, "{\"\":1, \"\" :2}"] {
    let failure = #expect(throws: Failure.self) { try decode(text) }
    #expect(failure?.kind == .badData && failure?.description.contains("appears twice") == true)
  }
  // Equal keys of different objects, and texts that look like keys, are sound.
  for text in [#"{"a":{"a":1},"b":[{"a":2},{"a":3}]}"#, #"{"a":"b","b":"a\":","c":["a","a"]}"#, #"["a","a"]"#] {
    #expect(throws: Never.self) { try decode(text) }
  }
}

/// `JSON.decode`: the reader of `JSON.parse`, and Swift's types.
@Suite struct JSONDecodingTests {
  private struct Row: Codable, Equatable {
    struct Part: Codable, Equatable { var name: String }

    var count: Int
    var seed: UInt64?
    var share: Float
    var parts: [Part]
    var texts: [String: String]
    var isSound: Bool
    var other: JSONValue
  }

  private func decode<T: Decodable>(_ type: T.Type, _ text: String) throws -> T {
    try JSON.decode(type, from: Array(text.utf8), at: "row 3")
  }

  private func message<T: Decodable>(_ type: T.Type, _ text: String) -> String {
    do { return "\(try decode(type, text))" } catch { return "\(error)" }
  }

  @Test("what is encoded is decoded, every digit of a seed and the order of an object's keys with it")
  func roundTrip() throws {
    let row = Row(
      count: -3, seed: .max, share: 0.1, parts: [.init(name: "é"), .init(name: "")], texts: ["a": "b"], isSound: true,
      other: .object(["z": .null, "a": .array([.bool(false)])]))
    #expect(try JSON.decode(Row.self, from: JSON.encode(row), at: "copy") == row)
    #expect(try decode(JSONValue.self, #"{"z":1,"a":2}"#).object?.keys == ["z", "a"])
    #expect(try decode([Int].self, "[2.0,-0,1e2]") == [2, 0, 100])
    #expect(try decode([Int?].self, "[null,1]") == [nil, 1])
  }

  @Test("what does not suit its place is named with its path")
  func misfits() {
    for (text, phrases) in [
      (#"{"count":1.5}"#, ["row 3", "\"count\"", "1.5 is not a whole number"]), (#"{"count":1e30}"#, ["\"count\"", "1e+30"]),
      (#"{"count":"1"}"#, ["\"count\" is not a whole number"]), (#"{"count":null}"#, ["\"count\" is null"]), ("{}", ["\"count\" is missing"]),
      (#"{"count":1,"seed":-1}"#, ["\"seed\"", "-1 is not a whole number from 0"]),
      (#"{"count":1,"share":1,"parts":[{"name":"a"},{"name":1}]}"#, ["\"parts[1].name\" is not a text"]),
      (#"{"count":1,"share":1,"parts":{}}"#, ["\"parts\" is not a list"]), ("[]", ["this is not an object"]),
      (#"{"count":1,"x":[1,]}"#, ["this is not JSON", "column"]), (#"{"x":{"a":1,"a":1}}"#, ["appears twice"]),
    ] {
      let message = message(Row.self, text)
      for phrase in phrases { #expect(message.contains(phrase), "\(text): \(message)") }
    }
  }

  @Test("é as one scalar and as two are two keys, few or many")
  func keys() throws {
    for count in [0, 40] {
      let others = (0..<count).map { ",\"k\($0)\":\($0)" }.joined()
      let object = try #require(try decode(JSONValue.self, "{\"\u{E9}\":1,\"e\u{301}\":2\(others)}").object)
      #expect(object.count == 2 + count && object["\u{E9}"] == .integer(1) && object["e\u{301}"] == .integer(2))
      #expect(object.dictionary.count == 1 + count)
    }
  }
}
