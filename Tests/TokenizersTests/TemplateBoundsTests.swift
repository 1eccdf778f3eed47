import Dialogues
import Jinja
import Support
import Testing

@testable import Tokenizers

@Suite("Chat templates on long dialogues and with arguments of a dialogue's own")
struct TemplateBoundsTests {
  @Test("an answer behind a thousand messages is found where the template opens answers in another way")
  func manyMessages() throws {
    let tokenizer = try TemplateLab().tokenizer(
      """
      {%- for m in messages %}{{- '<|im_start|>' + m.content + '<|im_end|>' }}{%- endfor %}
      {%- if add_generation_prompt %}{{- '<|im_start|>?' }}{%- endif %}
      """)
    let prompt = Prompt(turns: (0..<1100).map { Turn($0 % 2 == 0 ? .user : .assistant, "\($0)") })
    let answered = try tokenizer.encode(prompt, answer: Turn(.assistant, "yes"))
    let learnt = try #require(answered.learnt.first)
    #expect(tokenizer.decodeString(answered.tokens[learnt]) == "yes")
    #expect(Array(answered.tokens[..<learnt.lowerBound]) == (try tokenizer.encode(prompt: prompt)))
  }

  @Test("a dialogue whose answers would be rendered to more than the bound is refused and not rendered on")
  func tooManyAnswers() throws {
    let lab = TemplateLab()
    let template = try #require(ChatFormat.template(named: "plain"))
    let tokenizer = try lab.tokenizer(template)
    let text = String(repeating: "a", count: 1 << 20)
    let turns = (0..<40).map { Turn($0 % 2 == 0 ? .user : .assistant, text) }
    #expect(throws: Failure.self) {
      try tokenizer.encode(dialogue: Prompt(turns: turns), learning: Array(stride(from: 1, to: 40, by: 2)))
    }
  }

  @Test("a template that writes a long text for a few words is refused when the model is opened")
  func probing() throws {
    func template(_ text: String) throws -> ChatTemplate {
      try ChatTemplate(
        [.init(name: ChatTemplate.defaultName, text: text)], origin: .files, specialTokens: [:],
        date: CalendarDate(year: 2026, month: 1, day: 1), at: "chat_template.jinja")
    }
    let failure = try #require(throws: Failure.self) { try template("{{ messages | string * 5000 }}") }
    #expect(failure.code == .templateLimit && failure.place == "chat_template.jinja")
    #expect(failure.what.contains("a text is longer than 100000 characters"), "\(failure)")
    let slow = try #require(throws: Failure.self) {
      try template("{% for i in range(100000) %}{% if i == messages | length %}{% endif %}{% endfor %}")
    }
    #expect(slow.code == .templateLimit, "\(slow)")
    // Long dialogues have the wide limits.
    let long = try template("{{ messages[0].content * 20 }}")
    #expect(try long.render(Prompt(String(repeating: "a", count: 10_000)), answers: true).bytes.count == 200_000)
  }

  @Test("an argument of a dialogue comes before a special token's name, and no argument replaces the messages")
  func arguments() throws {
    let tokenizer = try TemplateLab().tokenizer("{{ eos_token }}{{ messages | length }}")
    var prompt = Prompt("q")
    #expect(try tokenizer.show(prompt, opensAnswer: false).text == "</s>1")
    prompt.templateArguments = ["eos_token": .string("ZZ"), "messages": .string("none")]
    #expect(try tokenizer.show(prompt, opensAnswer: false).text == "ZZ1")
    let template = try #require(tokenizer.chatFormat.template)
    #expect(template.unread(prompt, []) == ["chat_template_kwargs.messages"])
  }
}
