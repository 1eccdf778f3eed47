import Dialogues
import Support
import Testing

@testable import Datasets

@Suite("What a row says is read or named, never passed over")
struct SilentKeysTests {
  private func reason(_ row: String) throws -> String {
    do {
      return "read: \(try read(row, for: .demonstrations, strict: false).records)"
    } catch let failure as Failure { return failure.what }
  }

  @Test("a label of 0 marks an answer as bad in every format that has an answer, as false does", arguments: ["0", "false"])
  func labels(label: String) throws {
    let rows = """
      {"prompt": "q", "response": "good", "label": 1}
      {"prompt": "r", "response": "bad", "label": \(label)}
      """
    let dataset = try read(rows, for: .demonstrations, strict: false)
    #expect(dataset.records.map(\.completion) == ["good"])
    #expect(dataset.report.dropped.map(\.reason) == ["the answer is labelled as bad"])
  }

  @Test("an answer of a pair that says it is not to be learnt leaves the row out, counted")
  func flags() throws {
    let rows = """
      {"prompt": "p", "chosen": "a", "rejected": "b"}
      {"prompt": "q", "chosen": [{"role": "assistant", "content": "a", "train": false}], "rejected": "b"}
      """
    let dataset = try read(rows, for: .comparisons, strict: false)
    #expect(dataset.records.count == 1)
    #expect(dataset.report.dropped.map(\.line) == [2])
  }

  @Test("a prompt that is an object may hold arguments as JSON text, and nothing that has no meaning there")
  func promptObjects() throws {
    let messages = #"[{"role": "user", "content": "x"}]"#
    let good = #"{"prompt": {"messages": \#(messages), "chat_template_kwargs": "{\"a\": 1}"}, "completion": "b"}"#
    let prompt = try read(good, for: .demonstrations).records[0].prompt
    #expect(prompt.templateArguments["a"] == .integer(1))
    let bad = #"{"prompt": {"messages": \#(messages), "system": "s"}, "completion": "b"}"#
    #expect(try reason(bad).contains("\"prompt.system\" is not allowed there"))
  }

  @Test("a text and a message in one pair are both messages, so that they differ by what they say alone")
  func mixedPair() throws {
    let row = #"{"prompt": "p", "chosen": "a", "rejected": [{"role": "assistant", "content": "b"}]}"#
    #expect(try read(row, for: .comparisons).records[0].answers == [Turn(.assistant, "a"), Turn(.assistant, "b")])
    let same = row.replacing("\"b\"", with: "\"a\"")
    #expect(throws: Failure.self) { try read(same, for: .comparisons, strict: false) }
  }

  @Test("a document with a system text or tools is refused")
  func documents() throws {
    let rows = """
      {"text": "one"}
      {"text": "two", "system": "Be kind."}
      """
    let dataset = try read(rows, for: .documents, strict: false)
    #expect(dataset.records == ["one"] && dataset.report.dropped.map(\.line) == [2])
  }

  @Test("columns of null beside those that say something change nothing")
  func nullColumns() throws {
    let row = """
      {"conversations": [{"role": null, "from": "human", "content": null, "value": "q"}, \
      {"role": null, "from": "gpt", "content": null, "value": "a"}]}
      """
    let demonstration = try read(row, for: .demonstrations).records[0]
    #expect(demonstration.prompt == Prompt("q") && demonstration.completion == "a")
  }

  @Test("an answer without a text that says nothing otherwise either is empty")
  func emptyAnswers() throws {
    for answer in [#""content": []"#, #""content": "", "name": "bot""#] {
      let row = #"{"messages": [{"role": "user", "content": "q"}, {"role": "assistant", \#(answer)}]}"#
      #expect(try reason(row).contains("the answer is empty"), "\(answer)")
    }
  }
}
