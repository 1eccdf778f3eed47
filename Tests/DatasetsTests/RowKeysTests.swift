import Dialogues
import Support
import Testing

@testable import Datasets

/// What stands in a row beside what its format needs.
@Suite struct RowKeysTests {
  private func demonstration(_ row: String) throws -> Demonstration {
    try #require(try read(row, for: .demonstrations).records.first)
  }

  private func comparison(_ row: String) throws -> Comparison {
    try #require(try read(row, for: .comparisons).records.first)
  }

  private static let dialogue =
    #""messages": [{"role": "user", "content": "p"}, {"role": "assistant", "content": "a"}]"#

  @Test("a system column stands in front of the dialogue, whatever the format", arguments: [
    #""prompt": "p", "completion": "a""#, dialogue, #""instruction": "p", "output": "a""#, #""question": "p", "answer": "a""#,
    #""prompt": "p", "chosen": "a", "rejected": "b""#, #""prompt": "p", "completions": ["a", "b"], "ranks": [1, 2]"#,
    #""conversations": [{"from": "human", "value": "p"}, {"from": "gpt", "value": "a"}]"#,
    #""prompt": "p", "completion": "a", "label": true"#, #""query": "p", "sample0": "a", "sample1": "b", "best": 0"#,
    #""chosen": "\n\nHuman: p\n\nAssistant: a", "rejected": "\n\nHuman: p\n\nAssistant: b""#,
  ])
  func system(row: String) throws {
    for key in ["system", "system_prompt"] {
      let found = try demonstration("{\"\(key)\": \"s\", \(row)}")
      #expect(found.prompt.turns == [Turn(.system, "s"), Turn(.user, "p")])
      #expect(found.completion == "a")
      #expect(try demonstration("{\"\(key)\": \" \", \(row)}").prompt == Prompt("p"))
      #expect(failure { try demonstration("{\"\(key)\": 7, \(row)}") }.contains("\"\(key)\" is a number, not a text"))
    }
    #expect(
      failure { try demonstration("{\"system\": \"s\", \"system_prompt\": \"t\", \(row)}") }
        .contains("\"system\" and \"system_prompt\" differ"))
  }

  @Test("tools and arguments of the chat template go with the prompt, as JSON or as its text")
  func tools() throws {
    let tool = #"{"type": "function", "function": {"name": "f", "arguments": {"z": 1, "a": 2}}}"#
    let text = tool.replacing("\"", with: "\\\"")
    for tools in ["[\(tool)]", "\"[\(text)]\""] {
      let found = try demonstration(
        "{\"tools\": \(tools), \"chat_template_kwargs\": {\"enable_thinking\": false}, \(Self.dialogue)}")
      #expect(found.prompt.tools == [try JSON.parse(tool.utf8, at: "")])
      #expect(found.prompt.tools[0]["function"]?["arguments"]?.object?.keys == ["z", "a"])
      #expect(found.prompt.templateArguments == ["enable_thinking": .bool(false)])
    }
    for empty in ["null", "[]", "\"\""] {
      #expect(try demonstration("{\"tools\": \(empty), \(Self.dialogue)}").prompt.isPlain)
    }
    for bad in ["3", "\"f\"", "{\"a\": 1}"] {
      #expect(
        failure { try demonstration("{\"tools\": \(bad), \(Self.dialogue)}") }
          .contains("\"tools\" is neither a list nor the JSON text of one"))
    }
  }

  @Test("a question, query, instruction or input beside the answers is the prompt")
  func questions() throws {
    for key in ["question", "query", "instruction", "input"] {
      let pair = try comparison("{\"\(key)\": \"p?\", \"chosen\": \"It is a.\", \"rejected\": \"It is b.\"}")
      #expect(pair == Comparison(prompt: Prompt("p?"), completions: ["It is a.", "It is b."], ranks: [1, 2]))
      let ranked = try comparison("{\"\(key)\": \"p?\", \"completions\": [\"a\", \"b\"], \"ranks\": [1, 2]}")
      #expect(ranked.prompt == Prompt("p?"))
      for answer in ["completion", "answer", "response", "output"] {
        #expect(try demonstration("{\"\(key)\": \"p?\", \"\(answer)\": \"a\"}") == Demonstration(prompt: Prompt("p?"), completion: "a"))
      }
    }
    #expect(
      try comparison(#"{"instruction": "Add.", "input": "1", "chosen": "a", "rejected": "b"}"#).prompt == Prompt("Add.\n\n1"))
  }

  @Test("a prompt that another key contradicts is refused, one that holds it is not")
  func contradictions() throws {
    let message = failure { try demonstration(#"{"prompt": "p", "question": "q", "completion": "a"}"#) }
    #expect(message.contains("\"prompt\" and \"question\" ask different things"))
    #expect(failure { try demonstration(#"{"question": "p", "query": "q", "answer": "a"}"#) }.contains("differ"))
    let kept = try read(#"{"prompt": "Q: who?\nA:", "question": "who?", "completion": "a"}"#, for: .demonstrations)
    #expect(kept.records.first?.prompt == Prompt("Q: who?\nA:"))
    #expect(kept.report.unusedKeys.entries.map(\.name) == ["question"])
    let dialogues = #"""
      {"prompt": "other", "chosen": [{"role": "user", "content": "p"}, {"role": "assistant", "content": "a"}], \#
      "rejected": [{"role": "user", "content": "p"}, {"role": "assistant", "content": "b"}]}
      """#
    #expect(failure { try comparison(dialogues) }.contains("ask different things"))
  }

  @Test("a prompt made of what two texts begin with is told, and never made beside a key that tells of one")
  func implicitPrompt() throws {
    let row = #""chosen": "The sky is blue.", "rejected": "The sky is black.""#
    let dataset = try read("{\(row)}", for: .comparisons)
    #expect(dataset.report.description.contains("in every row the prompt is what both answers begin with"))
    for key in ["system", "system_prompt", "tools"] {
      let value = key == "tools" ? "[{}]" : "\"s\""
      #expect(failure { try comparison("{\"\(key)\": \(value), \(row)}") }.contains("there is no prompt beside \"\(key)\""))
    }
  }

  @Test("a message's flag says whether its answer is learnt, a row's whether the row is", arguments: ["train", "loss", "weight", "loss_mask"])
  func flags(key: String) throws {
    func row(_ first: String, _ second: String, beside: String = "") -> String {
      func flag(_ value: String) -> String { value.isEmpty ? "" : ", \"\(key)\": \(value)" }
      return "{\"messages\": [{\"role\": \"user\", \"content\": \"p\"}, {\"role\": \"assistant\", \"content\": \"a\"\(flag(first))}, "
        + "{\"role\": \"user\", \"content\": \"q\"}, {\"role\": \"assistant\", \"content\": \"b\"\(flag(second))}]\(beside)}"
    }
    #expect(try demonstration(row("false", "true")).learntTurns == nil)
    #expect(try demonstration(row("0", "1.0")).learntTurns == nil)
    #expect(try demonstration(row("true", "null")).learntTurns == [1])
    let first = try demonstration(row("1", "0"))
    #expect(first.completion == "a" && first.trailing == [Turn(.user, "q"), Turn(.assistant, "b")])
    #expect(failure { try demonstration(row("0.5", "1")) }.contains("\"messages[1].\(key)\" is 0.5"))
    #expect(failure { try demonstration(row("\"no\"", "1")) }.contains("\"messages[1].\(key)\" is a text, not true or false"))
    let rows = [row("", ""), row("", "", beside: ", \"\(key)\": 0")].joined(separator: "\n")
    let dataset = try read(rows, for: .demonstrations)
    #expect(dataset.report.dropped == [.init(line: 2, reason: "\"\(key)\" marks the row as not to be trained on")])
    #expect(failure { try demonstration(row("", "", beside: ", \"\(key)\": 0.3")) }.contains("\"\(key)\" is 0.3"))
    #expect(failure { try demonstration(row("", "", beside: ", \"mask\": 1")) }.contains("\"mask\" is ambiguous"))
  }

  @Test("pictures and sounds are refused by name, and empty lists of them are nothing")
  func media() throws {
    for key in ["images", "videos", "audio"] {
      #expect(failure { try demonstration("{\"\(key)\": [\"a.png\"], \(Self.dialogue)}") }.contains("\"\(key)\" is not empty"))
      #expect(try demonstration("{\"\(key)\": [], \(Self.dialogue)}").completion == "a")
      #expect(try read("{\"\(key)\": null, \(Self.dialogue)}", for: .demonstrations).report.unusedKeys.isEmpty)
    }
  }

  @Test("keys that mean nothing are counted, those that hold nothing are not")
  func unused() throws {
    let rows = (0..<12).map { "{\"prompt\": \"p\($0)\", \"completion\": \"a\", \"id\": \($0), \"note\": \($0 == 3 ? "1" : "null")}" }
    let report = try read(rows.joined(separator: "\n"), for: .demonstrations).report
    #expect(report.unusedKeys.entries.map(\.name) == ["id", "note"])
    #expect(report.unusedKeys.entries.map(\.rows.count) == [12, 1])
    #expect(report.unusedKeys.entries[0].rows.lines == Array(1...10) && report.unusedKeys.entries[1].rows.lines == [4])
    #expect(report.description.hasSuffix("; keys not used: \"id\" (12 rows), \"note\" (1 row)"))
    var many = NamedRows()
    for number in 0..<1_000 { many.add("k\(number)", number) }
    #expect(many.entries.count == 51 && many.entries.last?.name == NamedRows.others && many.entries.last?.rows.count == 950)
  }

  @Test("a dialogue that ends with the user loses that turn and not its answers; as a prompt it is whole")
  func trailing() throws {
    let row = #"""
      {"messages": [{"role": "user", "content": "p"}, {"role": "assistant", "content": "a"}, {"role": "user", "content": "q"}]}
      """#
    let dataset = try read(row, for: .demonstrations)
    #expect(dataset.records[0].completion == "a" && dataset.records[0].trailing == [Turn(.user, "q")])
    #expect(dataset.report.description.contains("in every row the turns behind the last answer are left out"))
    let prompts = try read(row, for: .prompts)
    #expect(prompts.records[0].turns.map(\.content) == ["p", "a", "q"] && prompts.report.remarks.isEmpty)
  }

  @Test("tool turns and what else a message says go along, and null says nothing")
  func fields() throws {
    let row = #"""
      {"messages": [{"role": "user", "content": "p", "name": null}, {"role": "assistant", "content": null, \#
      "tool_calls": [{"function": {"name": "f", "arguments": "{}"}}]}, {"role": "tool", "content": "4", "tool_call_id": "1"}, \#
      {"role": "assistant", "content": "a", "reasoning_content": "because"}]}
      """#
    let found = try demonstration(row)
    #expect(found.answer == Turn(.assistant, "a", fields: ["reasoning_content": .string("because")]))
    #expect(found.learntTurns == [1])
    #expect(found.prompt.turns[0] == Turn(.user, "p"))
    #expect(found.prompt.turns[1].fields["content"] == .null && found.prompt.turns[1].fields["tool_calls"]?.array?.count == 1)
    #expect(found.prompt.turns[2] == Turn(.tool, "4", fields: ["tool_call_id": .string("1")]))
    let copy = try JSON.decode(Demonstration.self, from: JSON.encode(found), at: "copy")
    #expect(copy == found)
  }

  @Test("unpaired and stepwise rows, and answers without ranks, are refused by name")
  func feedback() {
    let unpaired = failure { try comparison(#"{"prompt": "p", "completion": "a", "label": true}"#) }
    #expect(unpaired.contains("unpaired feedback") && unpaired.contains("chosen"))
    let stepwise = #"{"prompt": "p", "completions": ["a", "b"], "labels": [true, false]}"#
    #expect(failure { try comparison(stepwise) }.contains("stepwise supervision"))
    #expect(failure { try demonstration(stepwise) }.contains("stepwise supervision"))
    #expect(failure { try comparison(#"{"prompt": "p", "completions": ["a", "b"]}"#) }.contains("Add \"ranks\""))
  }

  @Test("a value of the wrong kind is named with what it is", arguments: [
    (#"{"prompt": null, "completion": "a"}"#, "\"prompt\" is null"), (#"{"prompt": 3, "completion": "a"}"#, "but a number"),
    (#"{"prompt": "p", "completion": 12}"#, "\"completion\" is a number, not a"), (#"{"prompt": "p", "completion": null}"#, "\"completion\" is null"),
    (#"{"prompt": "p", "completions": ["a", "b"], "ranks": [1, 1.5]}"#, "\"ranks\"[1] is 1.5, not a whole number"),
    (#"{"prompt": "p", "completions": ["a", null], "ranks": [1, 2]}"#, "\"completions\"[1] is null"),
    (#"{"prompt": "p", "completions": ["a", "b"], "ranks": [1, 2], "labeler": []}"#, "\"labeler\" is a list, not a text"),
    (#"{"prompt": ["a"], "completion": "a"}"#, "\"prompt[0]\" is a text, not a message"), ("[]", "list"),
  ])
  func kinds(row: String, what: String) {
    let message = failure { try read(row, for: .demonstrations) }
    #expect(message.contains(what), "\(message)")
  }

  @Test("a bad row's message tells of --skip-bad-rows")
  func skipping() {
    #expect(failure { try demonstration(#"{"prompt": "p", "completion": 1}"#) }.hasSuffix("Or leave such rows out with --skip-bad-rows."))
  }
}

/// Rows that are not like the first.
@Suite struct MixedRowsTests {
  @Test("columns that hold null do not decide what a file is")
  func nulls() throws {
    let rows = #"""
      {"messages": null, "chosen": null, "rejected": null, "label": null, "prompt": "p", "completion": "a"}
      {"prompt": "q", "completion": "b", "label": false}
      {"prompt": "r", "completion": "c"}
      """#
    let dataset = try read(rows, for: .demonstrations)
    #expect(dataset.report.format == .promptCompletion && dataset.records.map(\.completion) == ["a", "c"])
    #expect(dataset.report.dropped == [.init(line: 2, reason: "the answer is labelled as bad")])
    #expect(failure { try read(#"{"prompt": "p", "completion": null}"#, for: .demonstrations) }.contains("\"completion\" is null"))
    #expect(failure { try read(#"{"chosen": null, "rejected": null}"#, for: .comparisons) }.contains("\"chosen\" is null"))
    #expect(failure { try read(#"{"messages": null}"#, for: .demonstrations) }.contains("\"messages\" is null"))
  }

  @Test("a later row's question is its prompt, though the first has none")
  func laterQuestions() throws {
    let rows = #"""
      {"chosen": "It is a.", "rejected": "It is b."}
      {"question": "q?", "chosen": "It is c.", "rejected": "It is d."}
      """#
    #expect(try read(rows, for: .comparisons).records.map(\.prompt) == [Prompt("It is"), Prompt("q?")])
  }

  @Test("a first line that is broken does not make the file text, nor keep the others from being read")
  func brokenFirst() throws {
    let rows = "{\"prompt\": \"p\", \"completion\": \"a\"\n{\"prompt\": \"q\", \"completion\": \"b\"}\n"
    let dataset = try read(rows, for: .demonstrations, strict: false)
    #expect(dataset.lines == [2] && dataset.report.dropped.map(\.line) == [1])
    #expect(dataset.report.badText?.hasPrefix("1 dropped (1: this is not JSON: ") == true)
  }
}

@Test("a text is found in another wherever it stands, and in long alike ones without end")
func holding() {
  #expect("abcabd".holds("abcabd") && "xabcabcabd".holds("abcabd") && "aab".holds("ab") && "abab".holds("bab") && "a".holds(""))
  #expect(!"abcabc".holds("abcabd") && !"".holds("a") && !"aaa".holds("aaaa") && !"abac".holds("abab"))
  let long = String(repeating: "a", count: 1 << 20)
  #expect(!long.holds(String(repeating: "a", count: 1 << 19) + "b"))
  // All short texts of two letters, against the slow way.
  let texts = (0..<7).flatMap { length in
    (0..<(1 << length)).map { bits in String((0..<length).map { bits >> $0 & 1 == 0 ? "a" : "b" }) }
  }
  for text in texts { for sought in texts { #expect(text.holds(sought) == (sought.isEmpty || text.contains(sought))) } }
}
