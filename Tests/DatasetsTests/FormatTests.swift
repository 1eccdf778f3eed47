import Dialogues
import Support
import Testing

@testable import Datasets

@Suite struct FormatTests {
  private func comparison(
    _ row: String, _ format: DataFormat, strict: Bool = true
  ) throws -> Comparison {
    let dataset = try read(row, for: .comparisons, strict: strict)
    #expect(dataset.report.format == format)
    #expect(dataset.report.conversion == nil)
    return try #require(dataset.records.first)
  }

  private func demonstration(_ row: String, _ format: DataFormat) throws -> Demonstration {
    let dataset = try read(row, for: .demonstrations)
    #expect(dataset.report.format == format)
    #expect(dataset.report.conversion == nil)
    return try #require(dataset.records.first)
  }

  private func pair(_ prompt: Prompt, _ chosen: String, _ rejected: String) -> Comparison {
    Comparison(prompt: prompt, completions: [chosen, rejected], ranks: [1, 2])
  }

  /// Answers that are messages, which a chat template renders.
  private func messagePair(_ prompt: Prompt, _ chosen: String, _ rejected: String) -> Comparison {
    Comparison(prompt: prompt, answers: [chosen, rejected].map { Turn(.assistant, $0) }, ranks: [1, 2])
  }

  @Test("ours: K answers with ranks, ties, labeler, policy and time")
  func ranked() throws {
    let row = #"""
      {"prompt": "p", "completions": ["a", "b", "c", "d"], "ranks": [1, 2, 2, 4], \#
      "labeler": "ann", "policy": "sft", "seconds": 12.5}
      """#
    #expect(
      try comparison(row, .ranked)
        == Comparison(
          prompt: Prompt("p"), completions: ["a", "b", "c", "d"], ranks: [1, 2, 2, 4],
          labeler: "ann", policy: "sft", seconds: 12.5))
  }

  @Test("TRL: prompt, chosen and rejected, as texts or messages, with a margin, and with who chose")
  func preference() throws {
    let texts = #"{"prompt": "p", "chosen": "a", "rejected": "b", "margin": 0.5, "labeler": "ann"}"#
    #expect(
      try comparison(texts, .preference)
        == Comparison(
          prompt: Prompt("p"), completions: ["a", "b"], ranks: [1, 2], labeler: "ann", margin: 0.5))
    let messages = #"""
      {"prompt": [{"role": "system", "content": "s"}, {"role": "user", "content": "p"}], \#
      "chosen": [{"role": "assistant", "content": "a"}], "rejected": [{"role": "assistant", \#
      "content": "b"}]}
      """#
    let prompt = Prompt(turns: [Turn(.system, "s"), Turn(.user, "p")])
    #expect(try comparison(messages, .preference) == messagePair(prompt, "a", "b"))
    let repeated = #"""
      {"prompt": "p", "chosen": [{"role": "user", "content": "p"}, {"role": "assistant", \#
      "content": "a"}], "rejected": [{"role": "user", "content": "p"}, {"role": "assistant", \#
      "content": "b"}]}
      """#
    #expect(try comparison(repeated, .preference) == messagePair(Prompt("p"), "a", "b"))
  }

  @Test("TRL: answers of several messages part at their last, and a text beside dialogues repeats their prompt")
  func dialoguesOfPreference() throws {
    func message(_ role: String, _ content: String) -> String {
      "{\"role\": \"\(role)\", \"content\": \"\(content)\"}"
    }
    let opening = "\(message("assistant", "a")), \(message("user", "q"))"
    let turns = [Turn(.user, "p"), Turn(.assistant, "a"), Turn(.user, "q")]
    let several = """
      {"prompt": [\(message("user", "p"))], "chosen": [\(opening), \(message("assistant", "b"))], \
      "rejected": [\(opening), \(message("assistant", "c"))]}
      """
    #expect(try comparison(several, .preference) == messagePair(Prompt(turns: turns), "b", "c"))
    // As in UltraFeedback: the system's turn is in the dialogues only.
    let system = "\(message("system", "s")), \(message("user", "p"))"
    let whole = """
      {"prompt": "p", "chosen": [\(system), \(message("assistant", "b"))], \
      "rejected": [\(system), \(message("assistant", "c"))]}
      """
    #expect(
      try comparison(whole, .preference)
        == messagePair(Prompt(turns: [Turn(.system, "s"), Turn(.user, "p")]), "b", "c"))
    let single = """
      {"prompt": "p", "chosen": [\(message("assistant", "b"))], "rejected": [\(message("assistant", "c"))]}
      """
    #expect(try comparison(single, .preference) == messagePair(Prompt("p"), "b", "c"))
    let answers = """
      {"prompt": "p", "completion": [\(opening), \(message("assistant", "b"))]}
      """
    #expect(
      try demonstration(answers, .promptCompletion)
        == Demonstration(prompt: Prompt(turns: turns), answer: Turn(.assistant, "b"), learntTurns: [1]))
  }

  @Test("TRL: an implicit prompt is what both begin with, up to the end of a word")
  func implicitPrompt() throws {
    let sky = #"{"chosen": "The sky is blue.", "rejected": "The sky is black."}"#
    #expect(
      try comparison(sky, .implicitPreference) == pair(Prompt("The sky is"), " blue.", " black."))
    let messages = #"""
      {"chosen": [{"role": "user", "content": "p"}, {"role": "assistant", "content": "a"}], \#
      "rejected": [{"role": "user", "content": "p"}, {"role": "assistant", "content": "b"}]}
      """#
    #expect(try comparison(messages, .implicitPreference) == messagePair(Prompt("p"), "a", "b"))
  }

  @Test("hh-rlhf: the prompt ends at the last Assistant: inside the common prefix")
  func hh() throws {
    let row = #"""
      {"chosen": "\n\nHuman: a\n\nAssistant: b\n\nHuman: c\n\nAssistant: yes é", \#
      "rejected": "\n\nHuman: a\n\nAssistant: b\n\nHuman: c\n\nAssistant: yes ê"}
      """#
    let prompt = Prompt(turns: [Turn(.user, "a"), Turn(.assistant, "b"), Turn(.user, "c")])
    #expect(try comparison(row, .hhRLHF) == pair(prompt, "yes é", "yes ê"))
    let empty = #"""
      {"chosen": "\n\nHuman: a\n\nAssistant:", \#
      "rejected": "\n\nHuman: a\n\nAssistant: Assistant: no"}
      """#
    #expect(try comparison(empty, .hhRLHF) == pair(Prompt("a"), "", "Assistant: no"))
  }

  @Test("hh-rlhf: a shared opening of the answers stays with the answers")
  func hhSharedOpening() throws {
    let row = #"""
      {"chosen": "\n\nHuman: a\n\nAssistant: Well, no.", \#
      "rejected": "\n\nHuman: a\n\nAssistant: Well, yes."}
      """#
    #expect(try comparison(row, .hhRLHF) == pair(Prompt("a"), "Well, no.", "Well, yes."))
  }

  @Test("OpenAI's preference form")
  func openAI() throws {
    let row = #"""
      {"input": {"messages": [{"role": "developer", "content": "s"}, {"role": "user", \#
      "content": [{"type": "text", "text": "p"}, {"type": "text", "text": "q"}]}], \#
      "tools": []}, "preferred_output": [{"role": "assistant", "content": "a"}], \#
      "non_preferred_output": [{"role": "assistant", "content": "b"}]}
      """#
    // A chat template may read the parts themselves.
    func part(_ text: String) -> JSONValue { .object(["type": .string("text"), "text": .string(text)]) }
    let parts = JSONValue.array([part("p"), part("q")])
    let prompt = Prompt(turns: [Turn(.developer, "s"), Turn(.user, "pq", fields: ["content": parts])])
    #expect(try comparison(row, .openAIPreference) == messagePair(prompt, "a", "b"))
  }

  @Test("Stiennon: a post or an article, summaries, and the chosen one")
  func stiennon() throws {
    let post = #"""
      {"info": {"id": "t3", "post": "P", "title": "T", "subreddit": "tifu"}, \#
      "summaries": [{"text": "a", "policy": "sup"}, {"text": "b", "policy": "sup"}], \#
      "choice": 1, "worker": "w", "extra": {}}
      """#
    #expect(
      try comparison(post, .stiennon)
        == Comparison(
          prompt: Prompt("SUBREDDIT: r/tifu\n\nTITLE: T\n\nPOST: P\n\nTL;DR:"),
          completions: ["a", "b"], ranks: [2, 1], labeler: "w", policy: "sup"))
    let blank = #"""
      {"info": {"article": "", "post": "P"}, "summaries": [{"text": "a"}, {"text": "b"}], "choice": 0}
      """#
    #expect(try comparison(blank, .stiennon) == pair(Prompt("POST: P\n\nTL;DR:"), "a", "b"))
    let article = #"""
      {"info": {"article": "A", "post": null}, "summaries": [{"text": "a", "policy": "x"}, \#
      {"text": "b", "policy": "y"}], "choice": 0}
      """#
    #expect(
      try comparison(article, .stiennon) == pair(Prompt("Article:\n\nA\n\nTL;DR:"), "a", "b"))
  }

  @Test("lm-human-preferences: the best of four samples, the others tied")
  func lmHumanPreferences() throws {
    let row = #"""
      {"query": "q", "sample0": "a", "sample1": "b", "sample2": "c", "sample3": "d", "best": 2}
      """#
    #expect(
      try comparison(row, .lmHumanPreferences)
        == Comparison(
          prompt: Prompt("q"), completions: ["a", "b", "c", "d"], ranks: [2, 2, 1, 2]))
  }

  @Test("TRL: prompt and completion, as texts or messages")
  func promptCompletion() throws {
    let expected = Demonstration(prompt: Prompt("p"), completion: "c")
    let texts = #"{"prompt": "p", "completion": "c"}"#
    #expect(try demonstration(texts, .promptCompletion) == expected)
    let messages = #"""
      {"prompt": [{"role": "user", "content": "p"}], "completion": [{"role": "assistant", \#
      "content": "c"}]}
      """#
    #expect(
      try demonstration(messages, .promptCompletion)
        == Demonstration(prompt: Prompt("p"), answer: Turn(.assistant, "c")))
  }

  @Test("TRL: of unpaired answers the good ones are demonstrations")
  func unpaired() throws {
    let rows = #"""
      {"prompt": "p", "completion": "c", "label": true}
      {"prompt": "q", "completion": "d", "label": false}
      """#
    let dataset = try read(rows, for: .demonstrations)
    #expect(dataset.report.format == .unpaired)
    #expect(dataset.records == [Demonstration(prompt: Prompt("p"), completion: "c")])
    #expect(dataset.report.dropped == [.init(line: 2, reason: "the answer is labelled as bad")])
    #expect(try read(rows, for: .prompts).records == [Prompt("p"), Prompt("q")])
  }

  @Test("messages, ShareGPT and Alpaca are demonstrations")
  func dialogues() throws {
    let messages = #"""
      {"messages": [{"role": "system", "content": "s"}, {"role": "user", "content": "p"}, \#
      {"role": "assistant", "content": "c"}]}
      """#
    #expect(
      try demonstration(messages, .messages)
        == Demonstration(
          prompt: Prompt(turns: [Turn(.system, "s"), Turn(.user, "p")]), answer: Turn(.assistant, "c")))
    let shareGPT = #"""
      {"id": "1", "conversations": [{"from": "human", "value": "a"}, {"from": "gpt", \#
      "value": "b"}, {"from": "human", "value": "c"}, {"from": "gpt", "value": "d"}]}
      """#
    let turns = [Turn(.user, "a"), Turn(.assistant, "b"), Turn(.user, "c")]
    #expect(
      try demonstration(shareGPT, .shareGPT)
        == Demonstration(prompt: Prompt(turns: turns), answer: Turn(.assistant, "d"), learntTurns: [1]))
    let alpaca = #"{"instruction": "Add.", "input": "1, 2", "output": "3"}"#
    #expect(
      try demonstration(alpaca, .alpaca)
        == Demonstration(prompt: Prompt("Add.\n\n1, 2"), completion: "3"))
    for input in [#""input": """#, #""input": null"#, #""input": "<noinput>""#, #""text": "x""#] {
      let short = #"{"instruction": "Sing.", \#(input), "output": "La"}"#
      #expect(
        try demonstration(short, .alpaca) == Demonstration(prompt: Prompt("Sing."), completion: "La"))
    }
  }

  @Test("what stands before the question in Alpaca and ShareGPT stands in the prompt")
  func context() throws {
    let alpaca = #"""
      {"system": "s", "history": [["a", "b"]], "instruction": "c", "input": "", "output": "d"}
      """#
    let turns = [Turn(.system, "s"), Turn(.user, "a"), Turn(.assistant, "b"), Turn(.user, "c")]
    var expected = Demonstration(prompt: Prompt(turns: turns), completion: "d")
    #expect(try demonstration(alpaca, .alpaca) == expected)
    let shareGPT = #"""
      {"system": "s", "conversations": [{"from": "human", "value": "a"}, {"from": "chatgpt", \#
      "value": "b"}, {"from": "user", "value": "c"}, {"from": "gpt", "value": "d"}]}
      """#
    expected.learntTurns = [2]
    expected.answer = Turn(.assistant, "d")
    #expect(try demonstration(shareGPT, .shareGPT) == expected)
    let inside = #"""
      {"system": "t", "conversations": [{"from": "system", "value": "s"}, {"from": "human", \#
      "value": "a"}, {"from": "gpt", "value": "b"}]}
      """#
    #expect(failure { try demonstration(inside, .shareGPT) }.contains("\"system\" of the row and of its dialogue differ"))
    let agreeing = inside.replacing("\"t\"", with: "\"s\"")
    #expect(
      try demonstration(agreeing, .shareGPT).prompt.turns == [Turn(.system, "s"), Turn(.user, "a")])
  }

  @Test("TRL prompts are texts, hh-rlhf dialogues or messages")
  func prompts() throws {
    let rows = #"""
      {"prompt": "p"}
      {"prompt": "\n\nHuman: a\n\nAssistant: b\n\nHuman: c\n\nAssistant:"}
      {"prompt": [{"role": "user", "content": "q"}]}
      """#
    let dataset = try read(rows, for: .prompts)
    let turns = [Turn(.user, "a"), Turn(.assistant, "b"), Turn(.user, "c")]
    #expect(dataset.records == [Prompt("p"), Prompt(turns: turns), Prompt("q")])
    #expect(dataset.lines == [1, 2, 3])
    let open = #"{"messages": [{"role": "user", "content": "p"}]}"#
    #expect(try read(open, for: .prompts).records == [Prompt("p")])
  }

  @Test("TRL text is documents")
  func text() throws {
    let dataset = try read("{\"text\": \"a\\nb\"}\n\n{\"text\": \"c\"}\n", for: .documents)
    #expect(dataset.report.format == .text)
    #expect(dataset.records == ["a\nb", "c"])
    #expect(dataset.lines == [1, 3])
  }
}
