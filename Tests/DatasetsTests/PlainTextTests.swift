import Testing

@testable import Datasets

@Suite struct PlainTextTests {
  @Test("documents end at the separator, and every other byte is kept")
  func inside() throws {
    let dataset = try readText("\n\nHuman: a\nb.<|endoftext|>\n\nHuman: c <|endoftext|> d\n")
    #expect(dataset.records == ["\n\nHuman: a\nb.", "\n\nHuman: c ", " d\n"])
    #expect(dataset.lines == [1, 5, 6])
    #expect(dataset.report.description == "data.txt: plain text, 3 rows")
  }

  @Test("a separator on its own line takes its line ends with it")
  func ownLine() throws {
    #expect(try readText("a\n<|endoftext|>\nb\r\n<|endoftext|>\r\nc").records == ["a", "b", "c"])
    #expect(try readText("a\n\n<|endoftext|>\n\nb").records == ["a\n", "\nb"])
    #expect(try readText("a\n<|endoftext|>\nb").lines == [1, 3])
  }

  @Test("blank documents do not count, and a text without a separator is one document")
  func blank() throws {
    #expect(
      try readText("<|endoftext|>a<|endoftext|><|endoftext|>\n \n<|endoftext|>").records == ["a"])
    #expect(try readText("First\nSecond\n").records == ["First\nSecond\n"])
    #expect(failure { try readText(" \n<|endoftext|>\n") }.contains("there is no usable row"))
  }

  @Test("a document that is not UTF-8 is refused, or dropped and counted")
  func encoding() throws {
    let bytes = Array("a\n<|endoftext|>\nb".utf8) + [0xFF] + Array("<|endoftext|>c".utf8)
    #expect(failure { try readText(bytes) }.hasPrefix("data.txt:3: this document is not UTF-8. "))
    let dataset = try readText(bytes, strict: false)
    #expect(dataset.records == ["a", "c"])
    #expect(dataset.report.rows == 3)
    #expect(dataset.report.dropped == [.init(line: 3, reason: "this document is not UTF-8", isBad: true)])
  }

  @Test("a file is plain text unless its name or its first line says JSON")
  func detection() throws {
    for (name, content, expected) in [
      ("a.txt", "x\ny", ["x\ny"]), ("b.txt", "{\"text\": \"x\"}\n{\"text\": \"y\"}", ["x", "y"]),
      ("c.jsonl", "{\"text\": \"x\"}", ["x"]), ("e.json", "{\"text\": \"x\"}", ["x"]),
      ("d.txt", "<|endoftext|>\n{ x }\ny", ["{ x }\ny"]), ("h.txt", "\n\n{\"text\": \"x\"}", ["x"]),
    ] {
      try withFile(name, content) { path in
        let records = try readDocuments(path).records
        #expect(records == expected)
      }
    }
    for list in ["[\n{\"text\": \"x\"}\n]\n", " [ {\"text\": \"x\"}]"] {
      for name in ["f.json", "f"] {
        try withFile(name, list) { path in
          #expect(failure { try readDocuments(path) }.hasPrefix("\(path):1: this is a JSON list"))
        }
      }
    }
    // A row that is broken is no text.
    for broken in ["{ x }\ny", "{\"text\": \"x\"\n{\"text\": \"y\"}\n"] {
      try withFile("i.txt", broken) { path in
        let message = failure { try readDocuments(path) }
        #expect(message.hasPrefix("\(path):1: this is not JSON") && message.contains("<|endoftext|>"), "\(message)")
      }
    }
    try withFile("g.txt", "[Enter Hamlet]\n") { path in
      let records = try readDocuments(path).records
      #expect(records == ["[Enter Hamlet]\n"])
    }
  }
}
