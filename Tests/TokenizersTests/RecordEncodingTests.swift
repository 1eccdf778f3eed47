import Dialogues
import Jinja
import Support
import Testing

@testable import Tokenizers

@Suite("Records in tokens, by a chat template")
struct RecordEncodingTests {
  /// Trims what is said, and ends an answer with its token 256.
  private static let trims = """
    {%- for m in messages %}{%- if m.role == 'tool' %}{{- raise_exception('No tools.') }}{%- endif %}\
    {{- m.role[0] + ':' + m.content | trim }}\
    {%- if m.role == 'assistant' %}{{- '<end>' }}{%- endif %}{{- '\\n' }}{%- endfor %}\
    {%- if add_generation_prompt %}{{- 'a:' }}{%- endif %}
    """
  private let tokenizer: Tokenizer

  init() throws {
    var tokens = (0...255 as ClosedRange<UInt8>).map {
      TokenizerDefinition.Token(id: Int32($0), bytes: [$0], traits: .model)
    }
    tokens.append(.init(id: 256, bytes: Array("<end>".utf8), traits: [.added, .special]))
    let template = try ChatTemplate(
      [.init(name: ChatTemplate.defaultName, text: Self.trims)], origin: .files, specialTokens: [:],
      date: CalendarDate(year: 2025, month: 3, day: 9), at: "here")
    tokenizer = try Tokenizer(
      TokenizerDefinition(
        splitting: .gpt2, normalization: .none, vocabularyCount: 257, tokens: tokens, merges: [],
        chatFormat: ChatFormat(
          name: "template", template: template, endTokens: [256], answerPrefix: "", documentBegin: [],
          documentEnd: [])))
  }

  private func text(_ tokens: some Sequence<Int32>) -> String {
    tokenizer.decodeString(tokens, namingSpecialTokens: true)
  }

  private func learnt(_ sequence: LearntTokens) -> [String] { sequence.learnt.map { text(sequence.tokens[$0]) } }

  @Test("an answer that is a text is learnt as it is, and a message as the template writes it")
  func answers() throws {
    let prompt = Prompt("1? ")
    for (demonstration, expected) in [
      (Demonstration(prompt: prompt, completion: " one "), " one <end>"),
      (Demonstration(prompt: prompt, answer: Turn(.assistant, " one ")), "one<end>"),
      (Demonstration(prompt: prompt, completion: ""), "<end>"),
      (Demonstration(prompt: prompt, completion: "<end>"), "<end><end>"),
    ] {
      let sequences = try tokenizer.encode(demonstration)
      #expect(sequences.map { text($0.tokens) } == ["u:1?\na:\(expected)"])
      #expect(sequences.map(learnt) == [[expected]])
      #expect(sequences[0].tokens.count { $0 == 256 } == 1)
      #expect(try sequences[0].tokens.starts(with: tokenizer.encode(prompt: prompt)))
    }
  }

  @Test("a dialogue is learnt in the answers that are to be learnt, up to the last of them")
  func dialogues() throws {
    let turns = [Turn(.user, "1?"), Turn(.assistant, "one"), Turn(.user, "2?"), Turn(.assistant, "two"), Turn(.user, "3?")]
    let demonstration = Demonstration(
      prompt: Prompt(turns: turns), answer: Turn(.assistant, "three"), learntTurns: [1], trailing: [Turn(.user, "4?")])
    let sequences = try tokenizer.encode(demonstration)
    #expect(sequences.map { text($0.tokens) } == ["u:1?\na:one<end>\nu:2?\na:two<end>\nu:3?\na:three<end>"])
    #expect(sequences.map(learnt) == [["one<end>", "three<end>"]])
  }

  @Test("each answer of a comparison stands behind the prompt, in its own form")
  func comparisons() throws {
    let comparison = Comparison(
      prompt: Prompt("1?"), answers: [.continuation(" one "), Turn(.assistant, " two "), .continuation("")],
      ranks: [1, 2, 3])
    let sequences = try tokenizer.encode(comparison)
    #expect(sequences.map(text) == ["u:1?\na: one <end>", "u:1?\na:two<end>", "u:1?\na:<end>"])
  }

  @Test("a dialogue that the template refuses is refused with its words")
  func refused() {
    let prompt = Prompt(turns: [Turn(.user, "1?"), Turn(.tool, "1")])
    let expected = "the chat template says: No tools."
    for body in [
      { _ = try tokenizer.encode(Demonstration(prompt: prompt, completion: "a")) },
      { _ = try tokenizer.encode(Demonstration(prompt: prompt, answer: Turn(.assistant, "a"))) },
      { _ = try tokenizer.encode(Comparison(prompt: prompt, completions: ["a", "b"], ranks: [1, 2])) },
    ] as [() throws -> Void] {
      #expect {
        try body()
      } throws: { error in
        let failure = error as? Failure
        return failure?.what == expected && failure?.kind == .badData
      }
    }
  }
}
