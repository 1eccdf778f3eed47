import Support
import Testing

/// The strict reader of rows and requests.
@Suite struct JSONReaderTests {
  private func parse(_ text: String) throws -> JSONValue { try JSON.parse(text.utf8, at: "rows:3") }

  private func problem(_ bytes: [UInt8]) -> String {
    do {
      return "read: \(try JSON.parse(bytes, at: "rows:3"))"
    } catch let failure as Failure {
      return failure.kind == .badData ? failure.description : "not bad data: \(failure)"
    } catch {
      return "\(error)"
    }
  }

  private func problem(_ text: String) -> String { problem(Array(text.utf8)) }

  @Test("values are read as they are: kinds of numbers, escapes, the order of keys")
  func values() throws {
    let text = #" {"b": [1, -0, 2.0, 1e3, -2.5E-1], "a": {"é": "\u00e9\ud83d\ude00\n\/", "": null}, "c": [true, false, {}, []]} "#
    let value = try parse(text)
    #expect(value.object?.keys == ["b", "a", "c"])
    #expect(value["b"] == .array([.integer(1), .integer(0), .number(2), .number(1000), .number(-0.25)]))
    #expect(value["a"]?["é"] == .string("é😀\n/"))
    #expect(value["a"]?.object?.keys == ["é", ""])
    #expect(value["c"] == .array([.bool(true), .bool(false), .object([:]), .array([])]))
    if case .integer? = value["b"]?.array?[2] { Issue.record("2.0 is read as an integer") }
    #expect(try parse("9223372036854775807").integer == .max)
    #expect(try parse("9223372036854775808") == .number(9_223_372_036_854_775_808))
    #expect(try parse("1e-999") == .number(0))
    #expect(try JSON.parse([0xEF, 0xBB, 0xBF] + Array("1".utf8), at: "") == .integer(1))
  }

  @Test("what is wrong is named, with its column", arguments: [
    (#"{"a": "x\ud83d"}"#, #"the unpaired surrogate \ud83d is not a character at column 9"#),
    (#"{"a": "\ude00\ud83d"}"#, #"the unpaired surrogate \ude00"#),
    (#"{"a": "\ud83d\u0041"}"#, #"the unpaired surrogate \ud83d"#),
    (#"{"a": 1,}"#, "a comma follows the last value of an object at column 8"),
    ("[1, ]", "a comma follows the last value of a list at column 3"),
    ("{'a': 1}", "a key is in single quotes at column 2"), (#"{"a": 'b'}"#, "single quotes at column 7"),
    (#"{"a": NaN}"#, "found NaN instead of a value at column 7"), ("[-Infinity]", "found -Infinity"),
    ("[Infinity]", "found Infinity"), ("[None]", "found None"), ("[True]", "found True"), ("[False]", "found False"),
    ("[1e999]", "the number 1e999 is too large at column 2"),
    ("[-1" + String(repeating: "0", count: 400) + "]", "is too large"), ("[01]", "a number begins with 0 at column 2"),
    ("[-]", "no digit"), ("[1.]", "no digit"), ("[1e]", "no digit"), ("[1x]", "found \"x\" in a number"), ("[1.2.3]", "in a number"),
    (#"{"a": {"b": 1, "b": 2}}"#, "the key \"b\" appears twice at column 16"),
    (#"{"a": 1} {"a": 2}"#, "found \"{\" after the JSON value at column 10. Write one object per line."),
    (#"{"a": "b"#, "there is no closing quotation mark for the text that begins at column 7"),
    (#"{"a": 1"#, "found the end"),
    (#"{"a" 1}"#, "instead of a colon"), (#"{"a": "\x41"}"#, "a backslash is followed by \"x\""),
    (#"{"a": "\u12g4"}"#, "four hexadecimal digits"), ("[1\n,,]", "at line 2, column 2"), ("", "there is no value"),
    ("nul", "found \"n\" instead of a value"), ("[1 2]", "instead of a comma"), ("]", "instead of a value"),
  ])
  func problems(text: String, what: String) {
    let found = problem(text)
    #expect(found.hasPrefix("rows:3: ") && found.contains(what), "\(found)")
  }

  @Test("bytes that are no UTF-8, and control characters, are named with their place")
  func bytes() {
    #expect(problem(Array("[\"é".utf8) + [0xFF] + Array("\"]".utf8)).contains("the byte 0xFF is not UTF-8 at column 5"))
    #expect(problem(Array("[\"".utf8) + [0xED, 0xA0, 0x80] + Array("\"]".utf8)).contains("the byte 0xED"))
    #expect(problem("[\"a\tb\"]").contains("a text contains the control character 0x09 at column 4. Write \\t instead."))
    #expect(problem([0xFF]).contains("0xFF"))
    #expect(problem("[\u{0}]").contains("control character 0x00"))
  }

  @Test("lists within lists are read to the limit and refused beyond it, however many there are")
  func depth() throws {
    func nested(_ depth: Int) -> String { String(repeating: "[", count: depth) + String(repeating: "]", count: depth) }
    _ = try parse(nested(64))
    for depth in [65, 200_000] {
      #expect(problem(nested(depth)) == "rows:3: byte 64 opens nesting level 65. Nest at most 64 levels.")
    }
  }

  @Test("numbers are equal by value and have equal hashes, objects by their keys whatever the order")
  func equality() throws {
    #expect(JSONValue.integer(3) == .number(3) && JSONValue.integer(3) != .number(3.5))
    #expect(Set<JSONValue>([.integer(3), .number(3)]).count == 1)
    #expect(JSONValue.number(9_007_199_254_740_992) != .integer(9_007_199_254_740_993))
    #expect(JSONValue.unsigned(1 << 63) == .number(0x1p63) && JSONValue.unsigned(1 << 63) != .number(0x1p64))
    #expect(Set<JSONValue>([.unsigned(1 << 63), .number(0x1p63)]).count == 1)
    let (a, b) = (try parse(#"{"x": 1, "y": 2}"#), try parse(#"{"y": 2, "x": 1}"#))
    #expect(a == b && Set([a, b]).count == 1)
    #expect(JSON.write(a) != JSON.write(b))
  }

  @Test("what is written in the alphabet's order has the bytes of the encoder")
  func writing() throws {
    let every = String(String.UnicodeScalarView((0...0x2FF).compactMap(Unicode.Scalar.init))) + "😀/\u{2028}"
    let value: JSONValue = .object([
      "a": .string(every), "b": .array([.integer(-3), .number(0.1), .number(2), .number(1e20), .number(-1.5e-9), .null]),
      "c": .object(["d": .bool(true)]), "é": .bool(false),
    ])
    #expect(JSON.write(value) == (try JSON.encode(value)))
    #expect(try JSON.parse(JSON.write(value), at: "") == value)
  }

  @Test("an object of many keys keeps their order, finds and removes each")
  func manyKeys() throws {
    var object = JSONObject()
    for number in 0..<1_000 { object["k\(999 - number)"] = .integer(number) }
    #expect(object.count == 1_000 && object.keys.first == "k999")
    #expect(object["k500"] == .integer(499))
    #expect(object.removeValue(forKey: "k999") == .integer(0) && object["k999"] == nil && object.keys.first == "k998")
    object["k0"] = nil
    #expect(object.count == 998 && object["k1"] == .integer(998))
  }

  @Test("the source of a value is found as it stands")
  func source() throws {
    func source(_ text: String) throws -> String? {
      try JSON.source(of: "id", in: Array(text.utf8)).map { String(decoding: Array(text.utf8)[$0], as: UTF8.self) }
    }
    #expect(try source(#"{"a": {"id": 1}, "id" : 12345678901234567890 }"#) == "12345678901234567890")
    #expect(try source(#"{"id": {"z": 1.0, "a": "\u00e9"}}"#) == #"{"z": 1.0, "a": "\u00e9"}"#)
    #expect(try source(#"{"i": 1}"#) == nil)
    #expect(try source("{}") == nil)
  }

  @Test("a whole number above Int's keeps every digit, read, written and decoded")
  func unsigned() throws {
    let text = "[18446744073709551615,9223372036854775808,18446744073709551616]"
    let value = try parse(text)
    #expect(value.array?[0] == .unsigned(.max) && value.array?[1].unsigned == 1 << 63)
    #expect(value.array?[2] == .number(0x1p64) && value.array?[2].unsigned == nil && value.array?[0].integer == nil)
    let written = "[18446744073709551615,9223372036854775808,1.8446744073709552e+19]"
    #expect(String(decoding: JSON.write(value), as: UTF8.self) == written)
    #expect(try JSON.decode(JSONValue.self, from: Array(text.utf8), at: "x") == value)
    #expect(try JSON.line(JSONValue(UInt64.max)) == "18446744073709551615" && JSONValue(7) == .integer(7))
    #expect(JSONValue.integer(-1).unsigned == nil && JSONValue.number(2).unsigned == 2)
  }
}
