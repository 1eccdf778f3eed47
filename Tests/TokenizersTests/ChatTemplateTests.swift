import Dialogues
import Support
import Testing

@testable import Tokenizers

@Suite struct ChatTemplateTests {
  private let lab = TemplateLab()

  private func source(_ name: String, _ text: String) -> ChatTemplate.Source { .init(name: name, text: text) }

  private func template(_ text: String, special: [String: String] = [:]) throws -> ChatTemplate {
    try ChatTemplate(
      [source("default", text)], origin: .files, specialTokens: special, date: TemplateLab.date, at: "file")
  }

  private func text(_ template: String, _ prompt: Prompt, answers: Bool = false, verbatim: Bool = false) throws -> String {
    try self.template(template).render(prompt, answers: answers, verbatim: verbatim).text
  }

  @Test("the template tool_use is taken where a dialogue has tools, and default elsewhere")
  func tools() throws {
    let sources = [source("rag", "R"), source("tool_use", "T{{ tools[0].name }}"), source("default", "D")]
    let tokenizer = try lab.tokenizer(sources)
    let tool = JSONValue.object(["name": .string("add")])
    let question = [Turn(.user, "a")]
    #expect(try tokenizer.shown(tokenizer.encode(prompt: question)) == "D")
    let withTools = Prompt(turns: question, tools: [tool])
    #expect(try tokenizer.shown(tokenizer.encode(prompt: withTools)) == "Tadd")
    #expect(try tokenizer.show(withTools, opensAnswer: false).text == "Tadd")
    let template = try #require(tokenizer.chatFormat.template)
    #expect(template.name(for: withTools) == "tool_use" && template.name(for: Prompt("a")) == "default")
    // Without such a template the default gets the tools.
    let alone = try lab.tokenizer("D{{ tools | length }}")
    #expect(try alone.shown(alone.encode(prompt: withTools)) == "D1")
  }

  @Test("several templates of which none is the default are refused by their names, and two of one name")
  func noDefault() {
    for (names, what) in [
      (["tool_use", "rag"], "there is no chat template with the name default: tool_use, rag"),
      ([], "there is no chat template with the name default: there is none"),
      (["default", "rag", "rag"], "two chat templates have the name rag"),
    ] {
      let refusal = failure {
        _ = try ChatTemplate(
          names.map { source($0, "") }, origin: .configurationList, specialTokens: [:], date: TemplateLab.date,
          at: "tokenizer_config.json")
      }
      #expect(refusal?.what == what && refusal?.kind == .badData && refusal?.place == "tokenizer_config.json")
      #expect(refusal?.remedy == "Choose one with --chat-template FILE.")
    }
  }

  @Test("what is no template is refused with its file, its name among several, and its line")
  func syntax() {
    let alone = failure { _ = try template("a\n{% if %}") }
    #expect(alone?.place?.hasPrefix("file") == true && alone?.place?.contains("2") == true, "\(alone as Any)")
    let one = failure {
      _ = try lab.tokenizer([source("default", "a"), source("rag", "{{ 1 +")])
    }
    #expect(one?.place?.contains("template rag") == true, "\(one as Any)")
  }

  private static func parts(_ texts: String...) -> Turn {
    let list = texts.map { JSONValue.object(["type": .string("text"), "text": .string($0)]) }
    return Turn(.user, texts.joined(), fields: ["content": .array(list)])
  }

  /// Reads a text, or parts.
  private static let either =
    "{% for m in messages %}{% if m.content is string %}{{ m.content }}{% else %}"
    + "{% for p in m.content %}{{ p.text }}{% if not loop.last %}|{% endif %}{% endfor %}{% endif %}{% endfor %}"
  private static let partsOnly =
    "{% for m in messages %}{% for p in m.content %}{% if p.type == 'text' %}{{ p.text }}|{% endif %}{% endfor %}"
    + "{% endfor %}"
  private static let textOnly = "{% for m in messages %}{{ '[' + m.content + ']' }}{% endfor %}"
  private static let shows = "{% for m in messages %}{{ m.content }}{% endfor %}"

  @Test("content in parts reaches templates that read parts, and is joined for those that read texts")
  func contentParts() throws {
    let prompt = Prompt(turns: [Self.parts("a", "b")])
    #expect(try text(Self.either, prompt) == "a|b")
    #expect(try text(Self.partsOnly, prompt) == "a|b|")
    #expect(try text(Self.textOnly, prompt) == "[ab]")
    #expect(try text(Self.shows, prompt) == "ab")
    #expect(try text(Self.either, Prompt("ab")) == "ab")
  }

  @Test("verbatim, parts are handed over as they are, also to a template that reads texts")
  func verbatim() throws {
    let prompt = Prompt(turns: [Self.parts("a")])
    #expect(try text(Self.shows, prompt, verbatim: true) == "[{'type': 'text', 'text': 'a'}]")
    #expect(throws: Failure.self) { try text(Self.textOnly, prompt, verbatim: true) }
  }

  @Test("the template's own refusal comes through, word by word")
  func raises() throws {
    let tokenizer = try lab.tokenizer(
      "{% if messages[0].role != 'user' %}{{ raise_exception('Begin with a question, please!') }}{% endif %}")
    for body in [
      { _ = try tokenizer.encode(prompt: [Turn(.system, "a")]) },
      { _ = try tokenizer.encode(dialogue: Prompt(turns: [Turn(.system, "a")])) },
      { _ = try tokenizer.encode(Prompt(turns: [Turn(.system, "a")]), answer: Turn(.assistant, "b")) },
    ] as [() throws -> Void] {
      let refusal = failure(body)
      #expect(refusal?.what == "the chat template says: Begin with a question, please!")
      #expect(refusal?.kind == .badData && refusal?.place == nil)
    }
  }

  @Test("what goes wrong in a template is said with its line, and the row's place is free for the caller's")
  func fails() throws {
    let refusal = failure { _ = try text("a\n{{ messages[0].content + 1 }}", Prompt("a")) }
    #expect(refusal?.what.hasPrefix("the chat template fails at ") == true, "\(refusal as Any)")
    #expect(refusal?.what.contains("2") == true && refusal?.place == nil && refusal?.kind == .badData)
  }

  @Test("a template sees messages with all their fields, special tokens, arguments and the date")
  func variables() throws {
    let turn = Turn(.user, "a", fields: ["name": .string("Ann"), "n": .integer(3), "x": .null])
    let prompt = Prompt(turns: [turn], templateArguments: ["enable_thinking": .bool(false)])
    let shown = try template(
      "{{ bos_token }}{{ messages[0] | tojson }} {{ enable_thinking }} {{ add_generation_prompt }} "
        + "{{ tools is none }} {{ strftime_now('%Y-%m-%d %H:%M:%S') }}", special: ["bos_token": "<s>"]
    ).render(prompt, answers: true)
    #expect(
      shown.text
        == "<s>{\"role\": \"user\", \"content\": \"a\", \"name\": \"Ann\", \"n\": 3, \"x\": null} False True True "
        + "2025-03-09 14:05:07")
  }

  @Test("arguments take the place of no variable that a template always has")
  func arguments() throws {
    let prompt = Prompt(
      turns: [Turn(.user, "a")], templateArguments: ["add_generation_prompt": .bool(true), "messages": .null])
    #expect(try text("{{ messages | length }}{{ add_generation_prompt }}", prompt) == "1False")
  }

  @Test("the known formats write what they say")
  func named() throws {
    let turns = [Turn(.system, "s"), Turn(.user, "u"), Turn(.assistant, "a"), Turn(.user, "v")]
    for (name, expected, answered) in [
      (
        "chatml",
        "<|im_start|>system\ns<|im_end|>\n<|im_start|>user\nu<|im_end|>\n<|im_start|>assistant\na<|im_end|>\n"
          + "<|im_start|>user\nv<|im_end|>\n<|im_start|>assistant\n", "w<|im_end|>\n"
      ),
      (
        "llama3",
        "<s><|start_header_id|>system<|end_header_id|>\n\ns<|eot_id|><|start_header_id|>user<|end_header_id|>\n\n"
          + "u<|eot_id|><|start_header_id|>assistant<|end_header_id|>\n\na<|eot_id|>"
          + "<|start_header_id|>user<|end_header_id|>\n\nv<|eot_id|><|start_header_id|>assistant<|end_header_id|>\n\n",
        "w<|eot_id|>"
      ),
      (
        "zephyr", "<|system|>\ns</s>\n<|user|>\nu</s>\n<|assistant|>\na</s>\n<|user|>\nv</s>\n<|assistant|>\n",
        "w</s>\n"
      ),
      ("hh-rlhf", "<s>s\n\nHuman: u\n\nAssistant: a\n\nHuman: v\n\nAssistant:", " w</s>"),
      ("plain", "<s>suav", "w</s>"),
    ] {
      let template = try template(
        #require(ChatFormat.template(named: name)), special: ["bos_token": "<s>", "eos_token": "</s>"])
      #expect(try template.render(Prompt(turns: turns), answers: true).text == expected, "\(name)")
      let whole = try template.render(Prompt(turns: turns + [Turn(.assistant, "w")]), answers: false)
      #expect(whole.text == expected + answered, "\(name)")
      let probe = TemplateProbe(template)
      #expect(probe.answerPrefix == (name == "hh-rlhf" ? " " : "") && probe.problem == nil)
      #expect(probe.tail == String(answered.drop { " w".contains($0) }), "\(name)")
    }
    #expect(ChatFormat.names == ["chatml", "llama3", "zephyr", "hh-rlhf", "plain"])
    #expect(ChatFormat.template(named: "alpaca") == nil && ChatFormat.requiredTokens(ofFormat: "plain").isEmpty)
  }

  @Test("what is exported for our own format writes what the format writes")
  func exported() throws {
    let template = try template(ChatFormat.exportedTemplate)
    #expect(TemplateProbe(template).isTinyrlhf)
    let turns = [Turn(.system, " s"), Turn(.user, "u "), Turn(.assistant, "a"), Turn(.user, "")]
    for answers in [false, true] {
      #expect(
        try template.render(Prompt(turns: turns), answers: answers).text
          == sampleTokenizer.show(Prompt(turns: turns), opensAnswer: answers).text)
    }
  }

  @Test("the probe finds what ends an answer, the white space before it, and what goes wrong")
  func probe() throws {
    let spaced = TemplateProbe(
      try template(
        "{% for m in messages %}{{ m.role + ': ' + m.content + '<|im_end|> .' }}{% endfor %}"
          + "{% if add_generation_prompt %}assistant:{% endif %}"))
    #expect(spaced.tail == "<|im_end|> ." && spaced.answerPrefix == " " && spaced.problem == nil)
    // A word between is no white space.
    let word = TemplateProbe(
      try template(
        "{% for m in messages %}{{ m.role + ': ' + m.content }}{% endfor %}"
          + "{% if add_generation_prompt %}assist{% endif %}"))
    #expect(word.answerPrefix.isEmpty && word.tail == "")
    let questions = TemplateProbe(try template("{% if messages | length > 1 %}{{ raise_exception('one!') }}{% endif %}"))
    #expect(questions.problem?.contains("one!") == true && questions.tail == nil)
    #expect(TemplateProbe(try template("nothing")).tail == nil)
  }

  @Test("more messages than origins are rendered and learnt")
  func manyMessages() throws {
    let tokenizer = try lab.tokenizer(TemplateLab.chatml)
    let turns = (0..<1100).map { Turn($0 % 2 == 0 ? .user : .assistant, "\($0)<|im_end|>") }
    let sequences = try tokenizer.encode(dialogue: Prompt(turns: turns), learning: [1001, 1099])
    #expect(sequences.map(tokenizer.shown) == [["1001<|im_end|>⟦<|im_end|>⟧", "1099<|im_end|>⟦<|im_end|>⟧"]])
  }
}
