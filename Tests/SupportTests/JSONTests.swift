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
          .badData, "byte \(64 * open.utf8.count) opens list or object 65 within each other", at: "here",
          remedy: "Nest at most 64.")
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
    #expect(failure?.kind == .badData && failure?.description.contains("stands twice") == true)
  }
  // Equal keys of different objects, and texts that look like keys, are sound.
  for text in [#"{"a":{"a":1},"b":[{"a":2},{"a":3}]}"#, #"{"a":"b","b":"a\":","c":["a","a"]}"#, #"["a","a"]"#] {
    #expect(throws: Never.self) { try decode(text) }
  }
}
