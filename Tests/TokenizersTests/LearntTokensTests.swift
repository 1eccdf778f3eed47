import Dialogues
import Support
import Testing

@testable import Tokenizers

/// What is learnt under templates that write an answer otherwise once it is past, or open it otherwise than they write it.
@Suite struct LearntTokensTests {
  private let lab = TemplateLab()

  /// Writes reasoning in the last message only.
  private static let forgetful = """
    {%- for m in messages %}{{- '<|im_start|>' + m.role + '\\n' }}\
    {%- if loop.last and m.reasoning_content %}{{- '<think>\\n' + m.reasoning_content + '\\n</think>\\n\\n' }}{%- endif %}\
    {{- m.content + '<|im_end|>\\n' }}{%- endfor %}\
    {%- if add_generation_prompt %}{{- '<|im_start|>assistant\\n' }}{%- endif %}
    """

  /// Opens an answer with `<think>`, and writes given messages without.
  private static let opensThinking = """
    {%- for m in messages %}{{- '<|im_start|>' + m.role + '\\n' }}\
    {%- if m.reasoning_content %}{{- '<think>\\n' + m.reasoning_content + '\\n</think>\\n\\n' }}{%- endif %}\
    {{- m.content }}\
    {%- for call in m.tool_calls or [] %}{{- '<tool_call>' + call.name + '</tool_call>' }}{%- endfor %}\
    {{- '<|im_end|>\\n' }}{%- endfor %}\
    {%- if add_generation_prompt %}{{- '<|im_start|>assistant\\n<think>\\n' }}{%- endif %}
    """

  private func thinking(_ reasoning: String, _ content: String) -> Turn {
    Turn(.assistant, content, fields: ["reasoning_content": .string(reasoning)])
  }

  @Test("a template that drops past reasoning gives a sequence for each answer, the last answer's first")
  func forgets() throws {
    let tokenizer = try lab.tokenizer(Self.forgetful)
    let turns = [Turn(.user, "1?"), thinking("r1", "one"), Turn(.user, "2?"), thinking("r2", "two"), Turn(.user, "3?")]
    let sequences = try tokenizer.encode(dialogue: Prompt(turns: turns), learning: [1, 3])
    #expect(
      sequences.map { tokenizer.shown($0.tokens) } == [
        "⟦<|im_start|>⟧user\n1?⟦<|im_end|>⟧\n⟦<|im_start|>⟧assistant\none⟦<|im_end|>⟧\n"
          + "⟦<|im_start|>⟧user\n2?⟦<|im_end|>⟧\n⟦<|im_start|>⟧assistant\n<think>\nr2\n</think>\n\ntwo⟦<|im_end|>⟧",
        "⟦<|im_start|>⟧user\n1?⟦<|im_end|>⟧\n⟦<|im_start|>⟧assistant\n<think>\nr1\n</think>\n\none⟦<|im_end|>⟧",
      ])
    #expect(
      sequences.map(tokenizer.shown) == [
        ["<think>\nr2\n</think>\n\ntwo⟦<|im_end|>⟧"], ["<think>\nr1\n</think>\n\none⟦<|im_end|>⟧"],
      ])
    // Each answer stands behind the prompt that it would have had.
    for (sequence, turn) in zip(sequences, [3, 1]) {
      let prompt = try tokenizer.encode(prompt: Array(turns[..<turn]))
      #expect(Array(sequence.tokens.prefix(prompt.count)) == prompt)
      #expect(sequence.learnt == [prompt.count..<sequence.tokens.count])
    }
  }

  @Test("answers without what is dropped share a sequence")
  func shares() throws {
    let tokenizer = try lab.tokenizer(Self.forgetful)
    let turns = [
      Turn(.user, "1?"), Turn(.assistant, "one"), Turn(.user, "2?"), thinking("r", "two"), Turn(.user, "3?"),
      Turn(.assistant, "three"),
    ]
    let sequences = try tokenizer.encode(dialogue: Prompt(turns: turns), learning: [1, 3, 5])
    #expect(
      sequences.map(tokenizer.shown) == [
        ["one⟦<|im_end|>⟧", "three⟦<|im_end|>⟧"], ["<think>\nr\n</think>\n\ntwo⟦<|im_end|>⟧"],
      ])
    let second = try tokenizer.encode(dialogue: Prompt(turns: turns), learning: [5])
    #expect(second.map(tokenizer.shown) == [["three⟦<|im_end|>⟧"]])
    #expect(second[0].tokens == sequences[0].tokens)
  }

  @Test("an answer that the template opens otherwise than it writes it follows the prompt")
  func opensThinking() throws {
    let tokenizer = try lab.tokenizer(Self.opensThinking)
    let question = Turn(.user, "1?")
    let prompt = try tokenizer.encode(prompt: [question])
    for (answer, shown) in [
      (Turn(.assistant, "one"), "one⟦<|im_end|>⟧"),
      (thinking("r", "one"), "r\n</think>\n\none⟦<|im_end|>⟧"),
      (Turn(.assistant, "", fields: ["reasoning_content": .string("r")]), "r\n</think>\n\n⟦<|im_end|>⟧"),
      (
        Turn(.assistant, "", fields: ["tool_calls": .array([.object(["name": .string("add")])])]),
        "<tool_call>add</tool_call>⟦<|im_end|>⟧"
      ),
      (
        Turn(.assistant, "so", fields: ["tool_calls": .array([.object(["name": .string("add")])])]),
        "so<tool_call>add</tool_call>⟦<|im_end|>⟧"
      ),
    ] {
      let learnt = try tokenizer.encode(Prompt(turns: [question]), answer: answer)
      #expect(Array(learnt.tokens.prefix(prompt.count)) == prompt, "\(answer)")
      #expect(tokenizer.shown(learnt) == [shown])
      #expect(learnt.learnt.last?.upperBound == learnt.tokens.count)
    }
    // An answer that is a text is the same.
    #expect(tokenizer.shown(tokenizer.encode(completion: "one")) == "one⟦<|im_end|>⟧")
  }

  @Test("of several answers that the template opens otherwise, each has its own sequence")
  func opensThinkingTwice() throws {
    let tokenizer = try lab.tokenizer(Self.opensThinking)
    let turns = [Turn(.user, "1?"), Turn(.assistant, "one"), Turn(.user, "2?"), Turn(.assistant, "two")]
    let sequences = try tokenizer.encode(dialogue: Prompt(turns: turns), learning: [1, 3])
    #expect(sequences.map(tokenizer.shown) == [["two⟦<|im_end|>⟧"], ["one⟦<|im_end|>⟧"]])
    for (sequence, turn) in zip(sequences, [3, 1]) {
      let prompt = try tokenizer.encode(prompt: Array(turns[..<turn]))
      #expect(Array(sequence.tokens.prefix(prompt.count)) == prompt)
    }
  }

  @Test("an answer that the template does not show at all is refused with its place")
  func hidden() throws {
    let tokenizer = try lab.tokenizer(
      """
      {%- for m in messages %}{%- if m.role == 'user' %}{{- '<|im_start|>' + m.content }}{%- endif %}{%- endfor %}\
      {%- if add_generation_prompt %}{{- '<s>' }}{%- endif %}
      """)
    let refusal = failure {
      _ = try tokenizer.encode(Prompt(turns: [Turn(.user, "a")]), answer: Turn(.assistant, "b"))
    }
    #expect(refusal?.what == "the chat template does not show the answer, turn 2" && refusal?.kind == .badData)
  }

  private func marking(_ answer: String) -> String {
    """
    {%- for m in messages %}{%- if m.role == 'assistant' %}{{- '<|im_start|>assistant\\n' }}\(answer){{- '\\n' }}\
    {%- else %}{{- '<|im_start|>' + m.role + '\\n' + m.content + '<|im_end|>\\n' }}{%- endif %}{%- endfor %}\
    {%- if add_generation_prompt %}{{- '<|im_start|>assistant\\n' }}{%- endif %}
    """
  }

  private static let turns = [
    Turn(.user, "1?"), Turn(.assistant, "one"), Turn(.user, "2?"), Turn(.assistant, "two"),
  ]

  @Test(
    "generation blocks decide what is learnt of an answer",
    arguments: [
      (
        "{%- generation %}{{- m.content + '<|im_end|>' }}{%- endgeneration %}",
        [["one⟦<|im_end|>⟧", "two⟦<|im_end|>⟧"]]
      ),
      ("{%- generation %}{{- m.content }}{%- endgeneration %}{{- '<|im_end|>' }}", [["one", "two"]]),
      (
        "{{- '(' }}{%- generation %}{{- m.content + ')<|im_end|>' }}{%- endgeneration %}",
        [["one)⟦<|im_end|>⟧", "two)⟦<|im_end|>⟧"]]
      ),
      (
        "{%- generation %}{{- 'a' + m.content }}{%- endgeneration %}{{- 'b' }}"
          + "{%- generation %}{{- 'c<|im_end|>' }}{%- endgeneration %}",
        [["aone", "c⟦<|im_end|>⟧", "atwo", "c⟦<|im_end|>⟧"]]
      ),
    ])
  func generation(answer: String, expected: [[String]]) throws {
    let tokenizer = try lab.tokenizer(marking(answer))
    let sequences = try tokenizer.encode(dialogue: Prompt(turns: Self.turns), learning: [1, 3])
    #expect(sequences.map(tokenizer.shown) == expected)
    let second = try tokenizer.encode(dialogue: Prompt(turns: Self.turns), learning: [3])
    #expect(second.map(tokenizer.shown) == [Array(expected[0].suffix(expected[0].count / 2))])
  }

  @Test("of an answer outside the generation blocks nothing is learnt, and no other answer in its place")
  func unmarked() throws {
    let tokenizer = try lab.tokenizer(
      marking(
        "{%- if m.content == 'two' %}{{- m.content + '<|im_end|>' }}{%- else %}"
          + "{%- generation %}{{- m.content + '<|im_end|>' }}{%- endgeneration %}{%- endif %}"))
    let both = try tokenizer.encode(dialogue: Prompt(turns: Self.turns), learning: [1, 3])
    #expect(both.map(tokenizer.shown) == [["one⟦<|im_end|>⟧"]])
    let second = try tokenizer.encode(dialogue: Prompt(turns: Self.turns), learning: [3])
    #expect(second.map(tokenizer.shown) == [[]])
  }
}
