import TestSupport
import Testing

@testable import Interchange
@testable import Tokenizers

@Suite("Ollama's Modelfile")
struct ModelfileTests {
  /// A tokenizer with these added tokens behind the letters, and a template.
  private func tokenizer(
    _ template: String, special: [String: String] = [:], ends: [String] = ["<|im_end|>"],
    origin: ChatTemplate.Origin = .files
  ) throws -> Tokenizer {
    let names = [
      "<|im_start|>", "<|im_end|>", "<s>", "</s>", "<|start_header_id|>", "<|end_header_id|>", "<|eot_id|>",
      "\"quoted\\end\"",
    ]
    var tokens = (0...255 as ClosedRange<UInt8>).map {
      TokenizerDefinition.Token(id: Int32($0), bytes: [$0], traits: .model)
    }
    for name in names {
      tokens.append(.init(id: Int32(tokens.count), bytes: Array(name.utf8), traits: [.added, .special]))
    }
    let ids = ends.map { Int32(256 + names.firstIndex(of: $0)!) }
    let chat = try ChatTemplate(
      [.init(name: "default", text: template)], origin: origin, specialTokens: special, date: ChatChoice.test().date,
      at: "here")
    return try Tokenizer(
      TokenizerDefinition(
        splitting: .gpt2, normalization: .none, vocabularyCount: tokens.count, tokens: tokens, merges: [],
        chatFormat: ChatFormat(
          name: "template", template: chat, endTokens: ids, answerPrefix: "", documentBegin: [], documentEnd: ids)))
  }

  private static let turn = "{{- '<|im_start|>' + m.role + '\\n' + m.content + '<|im_end|>\\n' }}"
  private static let open = "{%- if add_generation_prompt %}{{- '<|im_start|>assistant\\n' }}{%- endif %}"

  @Test("ChatML has its template, its stops in order, and the file beside it")
  func chatml() throws {
    let tokenizer = try tokenizer(
      "{%- for m in messages %}\(Self.turn){%- endfor %}\(Self.open)", ends: ["<|im_end|>", "</s>"])
    let (text, notes) = Modelfile.text(tokenizer, gguf: "model.gguf")
    #expect(notes.isEmpty)
    #expect(
      text == """
        FROM ./model.gguf
        TEMPLATE \"\"\"{{- range .Messages }}<|im_start|>{{ .Role }}
        {{ .Content }}<|im_end|>
        {{ end }}<|im_start|>assistant
        \"\"\"
        PARAMETER stop "<|im_end|>"
        PARAMETER stop "</s>"

        """)
  }

  @Test("what the template makes the system say of itself is the SYSTEM")
  func standingSystem() throws {
    let tokenizer = try tokenizer(
      "{%- if messages[0].role != 'system' %}{{- '<|im_start|>system\\nYou are \"Owl\".<|im_end|>\\n' }}{%- endif %}"
        + "{%- for m in messages %}\(Self.turn){%- endfor %}\(Self.open)")
    let text = Modelfile.text(tokenizer, gguf: "a b.gguf").text
    #expect(text.contains("FROM ./a b.gguf\n"))
    #expect(text.contains("SYSTEM \"\"\"You are \"Owl\".\"\"\"\n"), "\(text)")
  }

  @Test("Llama 3 has its template without the begin token, which Ollama writes itself")
  func llama3() throws {
    for name in ["llama3", nil] {
      let trimming = """
        {{- bos_token }}{%- for m in messages %}\
        {{- '<|start_header_id|>' + m.role + '<|end_header_id|>\\n\\n' + m.content | trim + '<|eot_id|>' }}{%- endfor %}\
        {%- if add_generation_prompt %}{{- '<|start_header_id|>assistant<|end_header_id|>\\n\\n' }}{%- endif %}
        """
      let tokenizer = try tokenizer(
        name.map { try #require(ChatFormat.template(named: $0)) } ?? trimming, special: ["bos_token": "<s>"],
        ends: ["<|eot_id|>"])
      let (text, notes) = Modelfile.text(tokenizer, gguf: "m.gguf")
      #expect(notes.isEmpty)
      #expect(
        text == """
          FROM ./m.gguf
          TEMPLATE \"\"\"{{- range .Messages }}<|start_header_id|>{{ .Role }}<|end_header_id|>

          {{ .Content }}<|eot_id|>{{ end }}<|start_header_id|>assistant<|end_header_id|>

          \"\"\"
          PARAMETER stop "<|eot_id|>"

          """)
    }
  }

  @Test("Zephyr has its template with the model's own end token")
  func zephyr() throws {
    let tokenizer = try tokenizer(
      #require(ChatFormat.template(named: "zephyr")), special: ["eos_token": "</s>"], ends: ["</s>"], origin: .named)
    let (text, notes) = Modelfile.text(tokenizer, gguf: "m.gguf")
    #expect(notes.isEmpty)
    #expect(
      text.contains(
        "TEMPLATE \"\"\"{{- range .Messages }}<|{{ .Role }}|>\n{{ .Content }}</s>\n{{ end }}<|assistant|>\n\"\"\"\n"))
    #expect(text.hasSuffix("PARAMETER stop \"</s>\"\n"))
  }

  @Test("another template is not guessed at: that is said, and the stops are there, escaped")
  func others() throws {
    for template in [
      "{%- for m in messages %}{{- m.role + ': ' + m.content + '\\n' }}{%- endfor %}",
      "{{ raise_exception('no') }}", "",
    ] {
      let (text, notes) = Modelfile.text(try tokenizer(template, ends: ["\"quoted\\end\""]), gguf: "m.gguf")
      #expect(text == "FROM ./m.gguf\nPARAMETER stop \"\\\"quoted\\\\end\\\"\"\n")
      #expect(notes.count == 1 && notes[0].hasPrefix("The Modelfile has no TEMPLATE"))
    }
    let own = Modelfile.text(Tokenizer.train(on: ["a"], vocabularySize: 260), gguf: "m.gguf")
    #expect(own.notes.count == 1 && own.text == "FROM ./m.gguf\nPARAMETER stop \"<|end|>\"\n")
  }

  @Test("it is written beside the GGUF file")
  func written() throws {
    let folder = TemporaryFolder()
    let tokenizer = try tokenizer("{{ messages }}")
    let (path, notes) = try Modelfile.write(tokenizer, besideGGUF: folder.file("model.gguf"))
    #expect(path == folder.file("Modelfile") && notes.count == 1)
    #expect(try folder.read("Modelfile") == Modelfile.text(tokenizer, gguf: "model.gguf").text)
    #expect(Modelfile.path(besideGGUF: "model.gguf") == "./Modelfile")
  }
}
