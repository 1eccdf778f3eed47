import Testing

@testable import Datasets

@Suite struct MalformedTests {
  private static let user = #"{"role": "user", "content": "p"}"#

  private static let good: [DataFormat: String] = [
    .ranked: #"{"prompt": "p", "completions": ["a", "b"], "ranks": [1, 2]}"#,
    .openAIPreference: #"""
      {"input": {"messages": [\#(user)]},
       "preferred_output": [{"role": "assistant", "content": "a"}],
       "non_preferred_output": [{"role": "assistant", "content": "b"}]}
      """#.split(separator: "\n").joined(),
    .stiennon:
      #"{"info": {"post": "p"}, "summaries": [{"text": "a"}, {"text": "b"}], "choice": 0}"#,
    .lmHumanPreferences: #"{"query": "q", "sample0": "a", "sample1": "b", "best": 0}"#,
    .preference: #"{"prompt": "p", "chosen": "a", "rejected": "b"}"#,
    .hhRLHF:
      #"{"chosen": "\n\nHuman: p\n\nAssistant: a", "rejected": "\n\nHuman: p\n\nAssistant: b"}"#,
    .implicitPreference: #"{"chosen": "It is a", "rejected": "It is b"}"#,
    .unpaired: #"{"prompt": "p", "completion": "c", "label": true}"#,
    .promptCompletion: #"{"prompt": "p", "completion": "c"}"#,
    .messages:
      #"{"messages": [\#(user), {"role": "assistant", "content": "c"}]}"#,
    .shareGPT:
      #"{"conversations": [{"from": "human", "value": "p"}, {"from": "gpt", "value": "c"}]}"#,
    .alpaca: #"{"instruction": "p", "output": "c"}"#,
    .unranked: #"{"prompt": "p", "completions": ["a", "b"]}"#,
    .prompt: #"{"prompt": "p"}"#,
  ]

  /// A bad third line below two good ones, and what the error says about it.
  private static let bad: [(DataFormat, String, String)] = [
    (.ranked, #"{"prompt": "p", "completions": ["a"], "ranks": [1]}"#, "needs two answers"),
    (
      .ranked, #"{"prompt": "p", "completions": ["a", "b"], "ranks": [1]}"#,
      "2 answers and 1 ranks"
    ),
    (.ranked, #"{"prompt": "p", "completions": ["a", "b"], "ranks": [0, 1]}"#, "a rank is 0"),
    (.ranked, #"{"prompt": "p", "completions": ["a", "b"]}"#, "\"ranks\" is missing"),
    (.ranked, #"{"prompt": [], "completions": ["a", "b"], "ranks": [1, 2]}"#, "prompt is empty"),
    (
      .openAIPreference, #"{"input": {}, "preferred_output": [], "non_preferred_output": []}"#,
      "input.messages"
    ),
    (
      .openAIPreference,
      #"{"input": {"messages": [\#(user)]}, "preferred_output": [], "non_preferred_output": []}"#,
      "\"preferred_output\" does not end with a message of the assistant"
    ),
    (
      .stiennon, #"{"info": {"post": "p"}, "summaries": [{"text": "a"}], "choice": 0}"#,
      "\"summaries\""
    ),
    (
      .stiennon,
      #"{"info": {"post": "p"}, "summaries": [{"text": "a"}, {"text": "b"}], "choice": 2}"#,
      "\"choice\""
    ),
    (
      .stiennon, #"{"info": {}, "summaries": [{"text": "a"}, {"text": "b"}], "choice": 1}"#,
      "\"info\""
    ),
    (
      .lmHumanPreferences, #"{"query": [1, 2], "sample0": [3], "sample1": [4], "best": 0}"#,
      "token ids"
    ),
    (.lmHumanPreferences, #"{"query": "q", "sample0": "a", "best": 0}"#, "sample1"),
    (
      .lmHumanPreferences, #"{"query": "q", "sample0": "a", "sample1": "b", "best": 0.5}"#,
      "\"best\""
    ),
    (.preference, #"{"prompt": "p", "chosen": "a"}"#, "\"rejected\" is missing"),
    (.preference, #"{"prompt": "p", "chosen": 1, "rejected": "b"}"#, "\"chosen\" is a number, not a text"),
    (
      .preference, #"{"prompt": "p", "chosen": "a", "rejected": "b", "margin": "much"}"#,
      "\"margin\" is a text, not a number"
    ),
    (.preference, #"{"prompt": " ", "chosen": "a", "rejected": "b"}"#, "prompt is empty"),
    (.hhRLHF, #"{"chosen": "\n\nHuman: p", "rejected": "\n\nHuman: q"}"#, "common prompt"),
    (
      .hhRLHF, #"{"chosen": "x\n\nAssistant: a", "rejected": "x\n\nAssistant: b"}"#,
      "does not begin"
    ),
    (.implicitPreference, #"{"chosen": "a b", "rejected": "c b"}"#, "common prompt"),
    (.implicitPreference, #"{"chosen": [], "rejected": []}"#, "common prompt"),
    (.unpaired, #"{"prompt": "p", "completion": "c", "label": "yes"}"#, "\"label\""),
    (.promptCompletion, #"{"prompt": "p"}"#, "\"completion\" is missing"),
    (.promptCompletion, #"{"prompt": {}, "completion": "c"}"#, "\"prompt\" has no role"),
    (
      .promptCompletion, #"{"prompt": [{"role": "assistant", "content": "x"}], "completion": "c"}"#,
      "ends with a turn of the assistant"
    ),
    (.messages, #"{"messages": "p"}"#, "\"messages\" is not a list"),
    (
      .messages, #"{"messages": [{"role": "judge", "content": "p"}]}"#,
      "\"messages[0]\" has the unknown role \"judge\""
    ),
    (
      .messages,
      #"{"messages": [\#(user), {"role": "assistant", "content": null, "tool_calls": []}]}"#,
      "\"messages[1].content\" is null"
    ),
    (.messages, #"{"messages": [{"content": "p"}]}"#, "\"messages[0]\" has no role"),
    (
      .messages, #"{"messages": [{"role": "user", "content": [{"type": "image_url"}]}]}"#,
      "has no text"
    ),
    (.shareGPT, #"{"conversations": [{"from": "human"}]}"#, "\"conversations[0]\" has no text"),
    (
      .shareGPT, #"{"conversations": [{"from": "function_call", "value": "4"}]}"#,
      "\"conversations[0]\" has the unknown role \"function_call\""
    ),
    (.alpaca, #"{"instruction": "p", "output": "c", "history": [["q"]]}"#, "\"history\" is not a list"),
    (.alpaca, #"{"instruction": "p"}"#, "\"output\" is missing"),
    (.prompt, #"{"prompt": 3}"#, "\"prompt\" is not"),
    (.prompt, "{\"prompt\": \"p\"", "not JSON"),
    (.prompt, "null", "this is null, not an object"),
    (.unranked, #"{"prompt": null, "completions": ["a", "b"]}"#, "\"prompt\" is null"),
  ]

  @Test("a bad row is an error with file and line, or is dropped and reported", arguments: bad)
  func rows(format: DataFormat, row: String, reason: String) throws {
    let good = try #require(Self.good[format])
    let text = "\(good)\n\(good)\n\(row)\n\(good)\n"
    switch format.content {
    case .comparisons: try check(text, for: .comparisons)
    case .demonstrations: try check(text, for: .demonstrations)
    case .prompts: try check(text, for: .prompts)
    case .documents: try check(text, for: .documents)
    }

    func check<Record>(_ text: String, for use: Use<Record>) throws {
      let message = failure { try read(text, for: use) }
      #expect(message.hasPrefix("data.jsonl:3: "))
      #expect(message.contains(reason))
      let lenient = try read(text, for: use, strict: false)
      #expect(lenient.report.format == format)
      #expect(lenient.lines == [1, 2, 4])
      #expect(lenient.report.rows == 4)
      #expect(lenient.report.dropped.map(\.line) == [3])
      #expect(lenient.report.dropped.allSatisfy { $0.reason.contains(reason) })
    }
  }

  @Test("every format with rows has a bad row above")
  func coverage() {
    #expect(Set(Self.bad.map(\.0)) == Set(DataFormat.allCases).subtracting([.text, .plainText]))
  }

  @Test("an empty file, unknown keys and a JSON array are errors that say what to do")
  func files() {
    #expect(
      failure { try read("\n \n", for: .prompts) }
        == "data.jsonl: there is no row. Give one JSON object per line.")
    #expect(
      failure { try read(#"{"b": 1, "a": 2}"#, for: .prompts) }
        .hasPrefix("data.jsonl:1: the keys match no known format: a, b. Rename them"))
    for strict in [true, false] {
      let array = failure { try read("\n[\n{\"prompt\": \"p\"}\n]", for: .prompts, strict: strict) }
      #expect(array.hasPrefix("data.jsonl:2: this is a JSON list"))
      #expect(array.contains("jq -c"))
    }
    let unreadable = failure { try read("x\n{}\n", for: .prompts, strict: false) }
    #expect(unreadable.contains("no row can be read"))
  }

  @Test("a file that cannot serve is refused by what it holds")
  func wrongUse() {
    for strict in [true, false] {
      #expect(
        failure { try read(#"{"prompt": "p"}"#, for: .comparisons, strict: strict) }
          .hasPrefix("data.jsonl: this file contains prompts (TRL prompt), not comparisons"))
      #expect(
        failure { try read(#"{"text": "p"}"#, for: .demonstrations, strict: strict) }
          .hasPrefix("data.jsonl: this file contains documents (JSON text), not demonstrations"))
      #expect(
        failure { try read(#"{"prompt": "p"}"#, for: .demonstrations, strict: strict) }
          .contains("not demonstrations"))
    }
  }

  @Test("a file whose every row is of no use is an error that says why")
  func nothingLeft() {
    let row = #"{"prompt": "p", "completions": ["a", "b"], "ranks": [1, 1]}"#
    #expect(
      failure { try read(row, for: .comparisons) }.hasPrefix(
        "data.jsonl: there is no usable row: 1 dropped because all answers are tied"))
  }

  @Test("a row with a key twice is refused, or dropped with the reason")
  func repeatedKeys() throws {
    let row = #"{"prompt": "p", "completion": "good", "completion": "evil"}"#
    let good = #"{"prompt": "p", "completion": "good"}"#
    #expect(
      failure { try read("\(good)\n\(row)", for: .demonstrations) }.hasPrefix(
        "data.jsonl:2: the key \"completion\" appears twice at column 39"))
    let lenient = try read("\(good)\n\(row)", for: .demonstrations, strict: false)
    #expect(lenient.records.count == 1 && lenient.report.dropped.count == 1)
    #expect(lenient.report.dropped[0].reason.contains("appears twice"))
  }

  @Test("text that is not UTF-8 or has half a surrogate is refused with its line")
  func encoding() {
    let bytes = Array("{\"prompt\": \"a\"}\n{\"prompt\": \"".utf8) + [0xFF] + Array("\"}".utf8)
    let reader = LineReader(MemorySource(bytes), name: "data.jsonl", limit: 1_000)
    #expect(
      failure { try readRows(RowReader(reader, allowsText: false), for: .prompts, strict: true) }.hasPrefix("data.jsonl:2: "))
    #expect(
      failure { try read(#"{"prompt": "\ud800"}"#, for: .prompts) }.hasPrefix("data.jsonl:1: "))
  }
}
