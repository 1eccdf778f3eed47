import Dialogues
import Testing

@testable import Datasets

@Suite struct ConversionTests {
  private let comparisons = #"""
    {"prompt": "p", "completions": ["a", "b"], "ranks": [2, 1]}
    {"prompt": "q", "completions": ["c", "d"], "ranks": [1, 1]}
    """#

  @Test("comparisons serve as demonstrations of their best answers, and the report says so")
  func demonstrations() throws {
    let dataset = try read(comparisons, for: .demonstrations)
    #expect(dataset.records.map(\.completion) == ["b", "c"])
    #expect(
      dataset.report.description
        == "data.jsonl: ranked answers, 2 rows; the best answer of each comparison serves as its "
        + "demonstration")
  }

  @Test("comparisons and demonstrations serve as prompts, and the report says so")
  func prompts() throws {
    let dataset = try read(comparisons, for: .prompts)
    #expect(dataset.records == [Prompt("p"), Prompt("q")])
    #expect(dataset.report.conversion == "only its prompts are used")
    let row = #"{"prompt": "p", "completion": "c"}"#
    #expect(try read(row, for: .prompts).records == [Prompt("p")])
    #expect(try read(row, for: .prompts).report.conversion == "only its prompts are used")
  }

  @Test("rows of no use are dropped and counted, even when reading is strict")
  func unusable() throws {
    let ties = try read(comparisons, for: .comparisons)
    #expect(ties.records.map(\.prompt) == [Prompt("p")])
    #expect(
      ties.report.description
        == "data.jsonl: ranked answers, 2 rows, 1 dropped (1: all answers are tied, line 2)")
    let hh = #"""
      {"chosen": "\n\nHuman: a\n\nAssistant: b", "rejected": "\n\nHuman: a\n\nAssistant: c"}
      {"chosen": "\n\nHuman: a\n\nAssistant: b", "rejected": "\n\nHuman: a\n\nAssistant: b"}
      {"chosen": "\n\nHuman: a\n\nAssistant: x\n\nHuman: b\n\nAssistant: c", \#
      "rejected": "\n\nHuman: a\n\nAssistant: y\n\nHuman: b\n\nAssistant: c"}
      {"chosen": "\n\nHuman: a\n\nAssistant:", "rejected": "\n\nHuman: a\n\nAssistant: c"}
      """#
    #expect(
      try read(hh, for: .comparisons).report.dropped == [
        .init(line: 2, reason: "the answers are identical"),
        .init(line: 3, reason: "the dialogues differ before their last answer"),
      ])
    #expect(
      try read(hh, for: .demonstrations).report.dropped == [
        .init(line: 3, reason: "the dialogues differ before their last answer"),
        .init(line: 4, reason: "the answer is empty"),
      ])
  }

  @Test("dialogues that end with the user, and answers of weight 0, are no demonstrations")
  func openDialogues() throws {
    let rows = #"""
      {"messages": [{"role": "user", "content": "p"}, {"role": "assistant", "content": "c"}]}
      {"messages": [{"role": "user", "content": "p"}]}
      {"messages": [{"role": "user", "content": "p"}, {"role": "assistant", "content": "c", \#
      "weight": 0}]}
      {"messages": [{"role": "user", "content": "p"}, {"role": "assistant", "content": " "}]}
      """#
    let dataset = try read(rows, for: .demonstrations)
    #expect(dataset.lines == [1])
    #expect(
      dataset.report.dropped == [
        .init(line: 2, reason: "the dialogue does not end with an answer"),
        .init(line: 3, reason: "every answer is marked as not to be trained on"),
        .init(line: 4, reason: "the answer is empty"),
      ])
  }

  @Test("of a dialogue every answer is learnt but those of weight 0 and empty ones, and nothing behind the last")
  func dialogues() throws {
    typealias Said = (role: String, content: String, weight: Int?)
    func row(_ turns: [Said]) -> String {
      let items = turns.map { turn in
        let weight = turn.weight.map { ", \"weight\": \($0)" } ?? ""
        return "{\"role\": \"\(turn.role)\", \"content\": \"\(turn.content)\"\(weight)}"
      }
      return "{\"messages\": [\(items.joined(separator: ", "))]}"
    }
    func ask(_ text: String) -> Said { ("user", text, nil) }
    func answer(_ text: String, _ weight: Int? = nil) -> Said { ("assistant", text, weight) }
    let rows = [
      row([ask("a"), answer("b"), ask("c"), answer("d", 1), ask("e"), answer("f")]),
      row([ask("a"), answer("b", 0), ask("c"), answer("d")]),
      row([ask("a"), answer("b", 1), ask("c"), answer("d", 0)]),
      row([ask("a"), answer(" "), ask("c"), answer("d"), ask("e"), answer("f")]),
    ]
    let records = try read(rows.joined(separator: "\n"), for: .demonstrations).records
    #expect(records.map(\.learntTurns) == [[1, 3], nil, nil, [3]])
    #expect(records.map(\.completion) == ["f", "d", "b", "f"])
    #expect(records.map(\.prompt.turns.count) == [5, 3, 1, 5])
    // The system's turn of ShareGPT moves the others.
    let shareGPT = #"""
      {"system": "s", "conversations": [{"from": "human", "value": "a"}, {"from": "gpt", "value": "b"}, \#
      {"from": "human", "value": "c"}, {"from": "gpt", "value": "d"}]}
      """#
    let shared = try #require(try read(shareGPT, for: .demonstrations).records.first)
    #expect(shared.learntTurns == [2] && shared.prompt.turns[2] == Turn(.assistant, "b"))
    // A prompt may be a dialogue; its completion alone is learnt.
    let completion = #"""
      {"prompt": [{"role": "user", "content": "a"}, {"role": "assistant", "content": "b"}, \#
      {"role": "user", "content": "c"}], "completion": "d"}
      """#
    #expect(try read(completion, for: .demonstrations).records.first?.learntTurns == nil)
  }
}
