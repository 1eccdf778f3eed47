import Dialogues
import Support
import Testing

@testable import Tokenizers

/// The format of tokenizers that tinyrlhf trains.
@Suite struct ChatFormatTests {
  private let turns = [
    Turn(.system, "Be kind."), Turn(.user, "Hello"), Turn(.assistant, "Hi!"), Turn(.user, ""),
  ]
  private func text(_ text: String) -> [Int32] { sampleTokenizer.encode(text) }

  @Test("ids 0 to 3 are end, system, user and assistant")
  func identifiers() throws {
    #expect(SpecialToken.allCases.map(\.rawValue) == [0, 1, 2, 3])
    let names = SpecialToken.allCases.map(\.name)
    #expect(names == ["<|end|>", "<|system|>", "<|user|>", "<|assistant|>"])
    let frames = try [Speaker.system, .user, .assistant].map {
      try sampleTokenizer.encode(dialogue: Prompt(turns: [Turn($0, "")]))
    }
    #expect(frames == [[1], [2], [3, 0]])
    #expect(sampleTokenizer.endTokens == [0])
  }

  @Test("a prompt is its turns, past answers closed, and the assistant's token")
  func prompt() throws {
    let expected =
      [1] + text("Be kind.") + [2] + text("Hello") + [3] + text("Hi!") + [0] + [2] + [3]
    #expect(try sampleTokenizer.encode(prompt: turns) == expected)
    #expect(try sampleTokenizer.encode(prompt: []) == [3])
    #expect(try sampleTokenizer.encode(prompt: [Turn(.developer, "a")]) == [1] + text("a") + [3])
  }

  @Test("a prompt and its completion are exactly the dialogue")
  func oneFunction() throws {
    for answer in ["", "Fine.", " spaced ", "<|end|>"] {
      let prompt = try sampleTokenizer.encode(prompt: turns)
      let completion = sampleTokenizer.encode(completion: answer)
      let dialogue = Prompt(turns: turns + [Turn(.assistant, answer)])
      #expect(try prompt + completion == sampleTokenizer.encode(dialogue: dialogue))
      let answered = try sampleTokenizer.encode(Prompt(turns: turns), answer: Turn(.assistant, answer))
      #expect(answered.tokens == prompt + completion)
      #expect(answered.learnt == [prompt.count..<answered.tokens.count])
      #expect(completion.last == 0)
      #expect(sampleTokenizer.decode(completion: completion) == answer)
      #expect(sampleTokenizer.decode(completion: completion.dropLast()) == answer)
    }
  }

  @Test("an answer and its end are what the same answer is as a completion")
  func completions() throws {
    let turns = [
      Turn(.system, "Be."), Turn(.user, "Hello"), Turn(.assistant, "Hi!"), Turn(.user, ""),
      Turn(.assistant, ""), Turn(.assistant, "aa bb"), Turn(.user, "Bye"),
    ]
    let learnt = try sampleTokenizer.encode(dialogue: Prompt(turns: turns), learning: [2, 4, 5])
    #expect(learnt.count == 1)
    #expect(try learnt[0].tokens == sampleTokenizer.encode(dialogue: Prompt(turns: turns.dropLast())))
    #expect(
      learnt[0].learnt.map { Array(learnt[0].tokens[$0]) }
        == ["Hi!", "", "aa bb"].map { sampleTokenizer.encode(completion: $0) })
    let second = try sampleTokenizer.encode(dialogue: Prompt(turns: turns), learning: [4])
    #expect(try second[0].tokens == sampleTokenizer.encode(dialogue: Prompt(turns: Array(turns[...4]))))
    #expect(second[0].learnt.map { Array(second[0].tokens[$0]) } == [sampleTokenizer.encode(completion: "")])
  }

  @Test("a document is closed on both sides")
  func document() {
    #expect(sampleTokenizer.encode(document: "Once.") == [0] + text("Once.") + [0])
  }

  @Test("what is shown names special tokens, and its tokens are those of the prompt or the dialogue")
  func shown() throws {
    let dialogue = Prompt(turns: [Turn(.user, "a<|end|>"), Turn(.assistant, "b")])
    let asked = try sampleTokenizer.show(dialogue, opensAnswer: true)
    #expect(asked.text == "<|user|>a<|end|><|assistant|>b<|end|><|assistant|>")
    #expect(try asked.tokens == sampleTokenizer.encode(prompt: dialogue))
    let written = try sampleTokenizer.show(dialogue, opensAnswer: false)
    #expect(written.text == "<|user|>a<|end|><|assistant|>b<|end|>")
    #expect(try written.tokens == sampleTokenizer.encode(dialogue: dialogue))
  }

  private static let call = Turn(
    .assistant, "", fields: ["tool_calls": .array([.object(["name": .string("add")])])])

  @Test(
    "what the format has no place for is refused by its name",
    arguments: [
      (Prompt(turns: [Turn(.user, "a")], tools: [.object(["name": .string("add")])]), "tools"),
      (
        Prompt(turns: [Turn(.user, "a")], templateArguments: ["enable_thinking": .bool(true)]),
        "\"chat_template_kwargs\""
      ),
      (Prompt(turns: [Turn(.user, "a"), call]), "\"tool_calls\" of a message"),
      (
        Prompt(turns: [Turn(.assistant, "a", fields: ["reasoning_content": .string("b")])]),
        "\"reasoning_content\" of a message"
      ),
    ])
  func noPlace(prompt: Prompt, what: String) {
    for body in [
      { _ = try sampleTokenizer.encode(prompt: prompt) }, { _ = try sampleTokenizer.encode(dialogue: prompt) },
    ] as [() throws -> Void] {
      let refusal = failure(body)
      #expect(refusal?.what == "this model's chat format does not support \(what)")
      #expect(refusal?.kind == .badData && refusal?.remedy != nil)
    }
  }

  @Test("turns of a tool and of unknown roles are refused by their role", arguments: ["tool", "narrator", "User"])
  func roles(role: String) {
    let turn = Turn(Speaker(rawValue: role), "42")
    let refusal = failure { _ = try sampleTokenizer.encode(prompt: [turn]) }
    #expect(refusal?.what == "this model's chat format does not support the role \"\(role)\"")
    #expect(refusal?.kind == .badData && refusal?.remedy != nil)
  }

  @Test("fields that say nothing, and parts that are texts, change nothing")
  func nothingSaid() throws {
    let plain = try sampleTokenizer.encode(prompt: [Turn(.user, "ab")])
    let parts = JSONValue.array(["a", "b"].map { .object(["type": .string("text"), "text": .string($0)]) })
    for fields in [
      ["tool_calls": .null], ["tool_calls": .array([])], ["reasoning_content": .string("")], ["name": .string("Ann")],
      ["content": parts],
    ] as [JSONObject] {
      #expect(try sampleTokenizer.encode(prompt: [Turn(.user, "ab", fields: fields)]) == plain)
    }
  }
}
