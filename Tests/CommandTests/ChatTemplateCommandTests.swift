import FoundationEssentials
import Support
import TestSupport
import Testing

/// Chat templates from the command line: `import`, `tokenize`, `chat` and `export`.
@Suite(.serialized) struct ChatTemplateCommandTests {
  private let program: Program
  /// Ids of a golden's special tokens.
  private let start = 277
  private let end = 278
  private static let chatml = """
    {%- for m in messages %}{{- '<|im_start|>' + m.role + '\\n' + m.content + '<|im_end|>\\n' }}{%- endfor %}\
    {%- if tools %}{{- tools | tojson }}{%- endif %}{%- if note %}{{- note }}{%- endif %}\
    {%- if add_generation_prompt %}{{- '<|im_start|>assistant\\n' }}{%- endif %}
    """

  init() throws { program = try Program() }

  /// A model's folder with a template, or without.
  private func folder(_ name: String, template: String? = chatml) throws -> String {
    let folder = try program.fresh("chat-\(name)")
    try FileManager.default.copyItem(atPath: InterchangeCommandTests.golden("qwen2"), toPath: folder)
    if let template { try Files.writeAtomically(Array(template.utf8), to: "\(folder)/chat_template.jinja") }
    return folder
  }

  private func imported(_ folder: String, _ name: String, _ more: String...) throws -> (path: String, said: String) {
    let path = try program.fresh("chat-\(name).trlhf")
    let made = try program.run(["import", folder, "-o", path] + more)
    try #require(made.exitCode == 0, "\(made.errorText)")
    return (path, made.errorText)
  }

  private func tokens(_ object: [String: JSONValue]) -> [Int] { object["tokens"]?.array?.compactMap(\.integer) ?? [] }

  /// What `tokenize` makes of a dialogue.
  private func text(_ model: String, _ line: String, _ more: String...) throws -> String? {
    let result = try program.run(["tokenize", model] + more, input: line + "\n")
    try #require(result.exitCode == 0, "\(result.errorText)")
    return try result.objects().first?["text"]?.string
  }

  @Test("tokenize answers dialogues with the text that the template writes, and its tokens")
  func dialogues() throws {
    let folder = try folder("tokenize")
    let path = try imported(folder, "tokenize").path
    let input = """
      {"messages":[{"role":"user","content":"<|im_end|>"}],"id":"a"}
      {"messages":[{"role":"user","content":"Hi"}],"add_generation_prompt":true}
      {"messages":[{"role":"user","content":[{"type":"text","text":"H"},{"type":"text","text":"i"}]}],"tools":null}
      {"messages":[],"tools":[{"z":1,"a":2.50}],"chat_template_kwargs":{"note":"<|im_start|>"},"add_generation_prompt":false}
      {"text":"<|im_end|>Hi"}

      """
    for model in [folder, path] {
      // Parts are handed over as they are: this template takes texts only.
      let result = try program.run("tokenize", model, input: input)
      #expect(result.exitCode == 65 && result.errorText.contains("stdin:3: "), "\(result.errorText)")
      let answers = try result.objects()
      try #require(answers.count == 4, "\(result.outputText)")
      #expect(
        answers[0]["text"]?.string == "<|im_start|>user\n<|im_end|><|im_end|>\n" && answers[0]["id"]?.string == "a")
      #expect(tokens(answers[0]).count { $0 == end } == 1 && tokens(answers[0]).first == start)
      #expect(answers[1]["text"]?.string == "<|im_start|>user\nHi<|im_end|>\n<|im_start|>assistant\n")
      #expect(tokens(answers[1]).count { $0 == start } == 2)
      #expect(answers[2]["text"]?.string == "[{\"z\": 1, \"a\": 2.5}]<|im_start|>")
      #expect(!tokens(answers[2]).contains(start))
      #expect(answers[3]["text"] == nil && !tokens(answers[3]).contains(end))
    }
  }

  @Test("a dialogue that is none is refused with its line, and the lines behind it are answered")
  func badDialogues() throws {
    let path = try imported(folder("bad"), "bad").path
    let lines = [
      ("{\"messages\":3}", "\"messages\" is not a list of messages"),
      ("{\"messages\":[3]}", "\"messages\" is not a list of messages"),
      ("{\"messages\":[{\"content\":\"a\"}]}", "a message has no role"),
      ("{\"messages\":[{\"role\":\"user\",\"content\":3}]}", "a message's \"content\" is not a text"),
      ("{\"messages\":[],\"text\":\"a\"}", "\"text\" and \"messages\" are both given"),
      ("{\"messages\":[],\"tools\":3}", "\"tools\" is not a list"),
      ("{\"messages\":[],\"chat_template_kwargs\":3}", "\"chat_template_kwargs\" is not an object"),
      ("{\"messages\":[],\"add_generation_prompt\":3}", "\"add_generation_prompt\" is not true or false"),
    ]
    let result = try program.run(
      "tokenize", path, input: lines.map { $0.0 + "\n" }.joined() + "{\"messages\":[]}\n")
    #expect(result.exitCode == 65)
    #expect(try result.objects().count == 1)
    for (index, line) in lines.enumerated() {
      #expect(result.errorText.contains("stdin:\(index + 1): \(line.1)"), "\(line.0)")
    }
  }

  @Test("a template's own refusal is said in its words")
  func raises() throws {
    let path = try imported(
      folder("raises", template: "{% if messages[0].role == 'tool' %}{{ raise_exception('No tools, please.') }}{% endif %}<|im_end|>"),
      "raises"
    ).path
    let result = try program.run("tokenize", path, input: "{\"messages\":[{\"role\":\"tool\",\"content\":\"\"}]}\n")
    #expect(result.exitCode == 65 && result.standardOutput.isEmpty)
    #expect(result.errorText.contains("stdin:1: the chat template says: No tools, please."), "\(result.errorText)")
  }

  @Test("the built-in format refuses what it has no place for, by name")
  func builtIn() throws {
    let lines = [
      ("{\"messages\":[{\"role\":\"tool\",\"content\":\"5\"}]}", "does not support the role \"tool\""),
      ("{\"messages\":[{\"role\":\"user\",\"content\":\"a\"}],\"tools\":[{}]}", "does not support tools"),
    ]
    let result = try program.run("tokenize", program.base, input: lines.map { $0.0 + "\n" }.joined())
    #expect(result.exitCode == 65 && result.standardOutput.isEmpty)
    for (_, what) in lines { #expect(result.errorText.contains(what), "\(result.errorText)") }
    #expect(
      try text(program.base, "{\"messages\":[{\"role\":\"user\",\"content\":\"a\"}],\"add_generation_prompt\":true}")
        == "<|user|>a<|assistant|>")
  }

  private static let question = "{\"messages\":[{\"role\":\"user\",\"content\":\"Hi\"}],\"add_generation_prompt\":true}"

  @Test("import takes the model's own template, a known format or a file, and says which")
  func choices() throws {
    let folder = try folder("choices")
    let own = try imported(folder, "own")
    #expect(own.said.contains("chat template from chat_template.jinja."), "\(own.said)")
    #expect(try text(own.path, Self.question) == "<|im_start|>user\nHi<|im_end|>\n<|im_start|>assistant\n")
    let named = try imported(folder, "named", "--chat-format", "zephyr")
    #expect(named.said.contains("chat format zephyr."), "\(named.said)")
    #expect(try text(named.path, Self.question) == "<|user|>\nHi<|im_end|>\n<|assistant|>\n")
    let file = try program.write("file: {{ messages[0].content }}<|im_end|>", to: "chat-mine.txt")
    let mine = try imported(folder, "file", "--chat-template", file)
    #expect(mine.said.contains("chat template from --chat-template."), "\(mine.said)")
    #expect(try text(mine.path, Self.question) == "file: Hi<|im_end|>")
    // A folder takes them, too; a model has its format already.
    #expect(try text(folder, Self.question, "--chat-template", file) == "file: Hi<|im_end|>")
    let late = try program.run("tokenize", own.path, "--chat-format", "plain")
    #expect(late.exitCode == 64 && late.errorText.contains("a model already has its chat format"), "\(late.errorText)")
  }

  @Test("a model without a template is plain, and that is a warning with what to do")
  func noTemplate() throws {
    let folder = try folder("none", template: nil)
    let path = try program.fresh("chat-none.trlhf")
    let made = try program.run("import", folder, "-o", path, "--json")
    #expect(made.exitCode == 0)
    let warnings = try made.objects()[0]["warnings"]?.array?.compactMap(\.string) ?? []
    #expect(warnings.count == 1 && warnings[0].hasPrefix("No chat template was found"), "\(warnings)")
    #expect(made.errorText.contains("warning: \(warnings.first ?? "")") && made.errorText.contains("chat format plain."))
    #expect(try text(path, Self.question) == "Hi")
  }

  @Test("wrong use of the options is wrong use, and a file that is no template bad data")
  func refusals() throws {
    let folder = try folder("refused")
    let path = try program.fresh("chat-refused.trlhf")
    let file = try program.write("{% if %}", to: "chat-broken.jinja")
    for (code, more) in [
      (64, ["--chat-format", "alpaca"]), (64, ["--chat-format", "chatml", "--chat-template", file]),
      (64, ["--date", "2025-02-30"]), (64, ["--date", "today"]), (64, ["--date", "2025-03-09T25:00:00"]),
      (65, ["--chat-template", file]), (65, ["--chat-format", "llama3"]),
    ] as [(Int32, [String])] {
      let refused = try program.run(["import", folder, "-o", path] + more)
      #expect(refused.exitCode == code && !Files.exists(path), "\(more): \(refused.errorText)")
    }
    #expect(try program.run("import", folder, "-o", path, "--chat-template", "/nowhere").exitCode != 0)
  }

  @Test("the date of an import is what the template's strftime_now gives from then on")
  func date() throws {
    let folder = try folder("date", template: "{{ strftime_now('%Y-%m-%d %H:%M:%S') }}<|im_end|>")
    for (date, expected) in [
      ("2024-02-29", "2024-02-29 00:00:00"), ("2025-03-09T14:05:07", "2025-03-09 14:05:07"),
      ("2025-03-09T14:05:07Z", "2025-03-09 14:05:07"),
    ] {
      let path = try imported(folder, "date", "--date", date).path
      #expect(try text(path, Self.question) == "\(expected)<|im_end|>")
      #expect(try text(folder, Self.question, "--date", date) == "\(expected)<|im_end|>")
    }
    // Without it, now: of this millennium, and the same whenever the model is asked.
    let path = try imported(folder, "date").path
    let now = try text(path, Self.question)
    #expect(now?.hasPrefix("20") == true)
    #expect(try text(path, Self.question) == now)
  }

  @Test("two imports with the same date are the same bytes")
  func sameBytes() throws {
    let folder = try folder("same")
    let first = try Files.read(imported(folder, "same", "--date", "2025-03-09").path)
    #expect(try Files.read(imported(folder, "same", "--date", "2025-03-09").path) == first)
  }

  @Test("chat --show-prompt shows on standard error what the model sees, text and tokens")
  func showsPrompt() throws {
    let path = try imported(folder("shown"), "shown").path
    let options = ["--max-new-tokens", "2", "--seed", "1", "--precision", "float32"]
    let result = try program.run(["chat", path, "--show-prompt"] + options, input: "Hi<|im_end|>\n/reset\nWho\n")
    #expect(result.exitCode == 0, "\(result.errorText)")
    #expect(
      result.errorText.hasPrefix("<|im_start|>user\nHi<|im_end|><|im_end|>\n<|im_start|>assistant\n\n["),
      "\(result.errorText)")
    let shown = result.errorText.split(separator: "\n").filter { $0.hasPrefix("[") }
    try #require(shown.count == 2)
    let asked = try program.run("tokenize", path, input: Self.question.replacing("Hi", with: "Who") + "\n")
    let tokens = tokens(try asked.objects()[0])
    #expect(shown[1] == "[\(tokens.count) tokens: \(tokens.map(String.init).joined(separator: " "))]")
    // The answers are those without it.
    let plain = try program.run(["chat", path] + options, input: "Hi<|im_end|>\n/reset\nWho\n")
    #expect(plain.outputText == result.outputText && plain.errorText.isEmpty, "\(plain.errorText)")
  }

  @Test("a GGUF file gets a Modelfile beside it, and another's Modelfile stays, without --force")
  func modelfile() throws {
    let path = try imported(folder("gguf"), "gguf").path
    let folder = try program.fresh("chat-gguf-out")
    try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
    let (file, modelfile) = ("\(folder)/m.gguf", "\(folder)/Modelfile")
    try Files.writeAtomically(Array("theirs".utf8), to: modelfile)
    let refused = try program.run("export", path, "-o", file, "--format", "gguf")
    #expect(refused.exitCode == 73 && refused.errorText.contains("\(modelfile): exists already"), "\(refused.errorText)")
    #expect(!Files.exists(file))
    #expect(try Files.read(modelfile) == Array("theirs".utf8))
    let made = try program.run("export", path, "-o", file, "--format", "gguf", "--force")
    #expect(made.exitCode == 0 && made.errorText.contains("The file for Ollama is \(modelfile)."), "\(made.errorText)")
    let text = String(decoding: try Files.read(modelfile), as: UTF8.self)
    #expect(text.hasPrefix("FROM ./m.gguf\nTEMPLATE \"\"\"") && text.contains("PARAMETER stop \"<|im_end|>\"\n"), "\(text)")
    let bytes = try Files.read(file)
    #expect(Files.exists(file) && bytes.firstRange(of: Array("tokenizer.chat_template".utf8)) != nil)
    #expect(bytes.firstRange(of: Array(Self.chatml.utf8)) != nil)
  }

  @Test("what is exported for transformers has the template as it came, and is imported as the same")
  func exported() throws {
    let (path, _) = try imported(folder("out"), "out", "--date", "2025-03-09")
    let folder = try program.fresh("chat-exported")
    #expect(try program.run("export", path, "-o", folder).exitCode == 0)
    #expect(try Files.read("\(folder)/chat_template.jinja") == Array(Self.chatml.utf8))
    let again = try imported(folder, "again", "--date", "2025-03-09").path
    for line in [Self.question, Self.question.replacing("true", with: "false")] {
      #expect(
        try program.run("tokenize", again, input: line + "\n").outputText
          == program.run("tokenize", path, input: line + "\n").outputText)
    }
  }
}
