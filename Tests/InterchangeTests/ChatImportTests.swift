import Dialogues
import Support
import TestSupport
import Testing

@testable import Interchange
@testable import Tokenizers

/// A folder with ChatML's tokens, and the settings of a test.
private struct ChatFolder {
  static let chatml = """
    {%- for m in messages %}{{- '<|im_start|>' + m.role + '\\n' + m.content + '<|im_end|>\\n' }}{%- endfor %}\
    {%- if add_generation_prompt %}{{- '<|im_start|>assistant\\n' }}{%- endif %}
    """

  let folder = TemporaryFolder()

  /// - Parameter settings: members of tokenizer_config.json.
  init(_ kind: String = "qwen2", settings: JSONObject = [:], template: String? = nil) throws {
    try folder.write(JSON.encode(TokenizerGolden(kind).tokenizer), to: "tokenizer.json")
    try folder.write(JSON.encode(JSONValue.object(settings)), to: "tokenizer_config.json")
    if let template { try folder.write(template, to: "chat_template.jinja") }
  }

  func read(
    _ template: ChatChoice.Template = .own, vocabulary: Int = 600
  ) throws -> (tokenizer: Tokenizer, notes: [String]) {
    try HuggingFaceTokenizer.read(folder: folder.path, vocabulary: vocabulary, chat: .test(template))
  }

  func writeFurther(_ text: String, _ name: String) throws {
    try Files.makeFolder(folder.file("additional_chat_templates"))
    try folder.write(text, to: "additional_chat_templates/\(name).jinja")
  }
}

private func configuration(_ folder: String) throws -> [String: JSONValue] {
  try JSONFile.read([String: JSONValue].self, from: "\(folder)/tokenizer_config.json", .configuration)
}

private func said(_ body: () throws -> Void) -> Failure? {
  do { try body() } catch { return error as? Failure }
  return nil
}

@Suite("Which tokens end answers")
struct EndTokenTests {
  private let ids = ["<|endoftext|>": 420 as Int32, "<|im_start|>": 421, "<|im_end|>": 422]

  private func read(_ end: String?, _ more: [Int] = [], _ template: String?) throws -> (ends: [Int32], notes: [String]) {
    let folder = try ChatFolder(
      settings: end.map { ["eos_token": .string($0)] } ?? [:], template: template)
    if !more.isEmpty {
      try folder.folder.write(
        JSON.encode(["eos_token_id": more.map { JSONValue.integer($0) }]), to: "generation_config.json")
    }
    let (tokenizer, notes) = try folder.read()
    return (tokenizer.endTokens, notes)
  }

  @Test("the settings' end token that the template writes comes first, and the others end answers too")
  func written() throws {
    let one = try read("<|im_end|>", ChatFolder.chatml)
    #expect(one.ends == [422] && one.notes.isEmpty)
    let second = try read("<|endoftext|>", [420, 422], ChatFolder.chatml)
    #expect(second.ends == [422, 420] && second.notes.isEmpty)
    // Of two that it writes, the one that it writes first.
    let both = try read("<|endoftext|>", [422], ChatFolder.chatml.replacing("<|im_end|>", with: "<|im_end|><|endoftext|>"))
    #expect(both.ends == [422, 420])
  }

  private func read(_ end: String?, _ template: String?) throws -> (ends: [Int32], notes: [String]) {
    try read(end, [], template)
  }

  @Test("where the template writes none of them, its own last special token ends answers, and that is said")
  func templatesOwn() throws {
    let read = try read("<|endoftext|>", ChatFolder.chatml)
    #expect(read.ends == [422, 420])
    #expect(
      read.notes == ["<|im_end|> ends an answer, because the chat template writes it there; the settings do not name it."])
  }

  @Test("where it writes no special token at all, that is said, and the settings' end stays")
  func none() throws {
    let read = try read(
      "<|endoftext|>", "{% for m in messages %}{{ m.role + ': ' + m.content + '\\n' }}{% endfor %}")
    #expect(read.ends == [420])
    #expect(read.notes.count == 1 && read.notes[0].contains("answers in dialogues are learnt without an end"))
  }

  @Test("without a template dialogues are plain, and that is said with what to do")
  func noTemplate() throws {
    let folder = try ChatFolder(settings: ["eos_token": .string("<|endoftext|>")])
    let (tokenizer, notes) = try folder.read()
    #expect(tokenizer.chatFormat.name == "plain" && tokenizer.chatFormat.shown == "chat format plain")
    #expect(notes.count == 1 && notes[0].hasPrefix("No chat template was found: dialogues are written without roles"))
    #expect(notes[0].contains("--chat-format") && notes[0].contains("--chat-template FILE"))
    #expect(tokenizer.shown([Turn(.user, "a"), Turn(.assistant, "b")]) == "ab<|endoftext|>")
  }

  @Test("a template that cannot write an answer is said to be one, and is read")
  func cannotAnswer() throws {
    let read = try read(
      "<|endoftext|>", "{% if messages | length > 1 %}{{ raise_exception('One question!') }}{% endif %}")
    #expect(read.ends == [420])
    #expect(read.notes.count == 1 && read.notes[0].contains("cannot write a question and its answer"))
    #expect(read.notes[0].contains("One question!"))
  }

  @Test("what the settings name as special tokens is special, also where tokenizer.json names it as a plain token")
  func notAdded() throws {
    // "!" and "#" stand in the vocabulary only.
    let folder = try ChatFolder(
      settings: ["eos_token": .string("<|endoftext|>"), "bos_token": .string("!"), "pad_token": .string("#")],
      template: "{{ bos_token }}{% for m in messages %}{{ m.content }}#{{ eos_token }}{% endfor %}")
    let (tokenizer, _) = try folder.read()
    let (bang, hash) = (Int32(0), Int32(2))
    for id in [bang, hash] {
      #expect(tokenizer.definition.tokens.first { $0.id == id }?.traits.contains(.special) == true)
    }
    let tokens = try tokenizer.encode(dialogue: Prompt("a!#"))
    #expect(tokens.count { $0 == bang } == 1 && tokens.count { $0 == hash } == 1)
    #expect(tokens.first == bang && tokens.suffix(2) == [hash, 420])
  }
}

extension Tokenizer {
  fileprivate func shown(_ turns: [Turn]) -> String? { try? show(Prompt(turns: turns), opensAnswer: false).text }
}

@Suite("Which chat template a model gets")
struct ChatChoiceTests {
  private let end: JSONObject = ["eos_token": .string("<|im_end|>")]

  @Test("--chat-format and --chat-template come before the model's own")
  func choices() throws {
    let folder = try ChatFolder(settings: end, template: "own{{ messages[0].content }}<|im_end|>")
    #expect(try folder.read().tokenizer.shown([Turn(.user, "a")]) == "owna<|im_end|>")
    let named = try folder.read(.named("zephyr")).tokenizer
    #expect(named.shown([Turn(.user, "a")]) == "<|user|>\na<|im_end|>\n")
    #expect(named.chatFormat.shown == "chat format zephyr" && named.chatFormat.template?.origin == .named)
    try folder.folder.write("file{{ messages[0].content }}", to: "mine.jinja")
    let file = try folder.read(.file(folder.folder.file("mine.jinja")))
    #expect(file.tokenizer.shown([Turn(.user, "a")]) == "filea")
    #expect(file.tokenizer.chatFormat.template?.origin == .file)
    #expect(file.tokenizer.chatFormat.shown == "chat template from --chat-template")
    #expect(file.tokenizer.chatFormat.template?.specialTokens == ["eos_token": "<|im_end|>"])
  }

  @Test("a format or a file that cannot be taken is refused with what to do")
  func refusals() throws {
    let folder = try ChatFolder("gpt2", settings: ["eos_token": .string("<|endoftext|>")])
    let unknown = said { _ = try folder.read(.named("alpaca")) }
    #expect(unknown?.kind == .usage && unknown?.what == "the chat format alpaca is unknown")
    let tokens = said { _ = try folder.read(.named("llama3")) }
    #expect(tokens?.kind == .badData && tokens?.place == folder.folder.path)
    #expect(tokens?.what == "the chat format llama3 needs the special token <|start_header_id|>")
    #expect(throws: Failure.self) { try folder.read(.file("/nowhere.jinja")) }
    try folder.folder.write([0x61, 0xFF], to: "mine.jinja")
    let bytes = said { _ = try folder.read(.file(folder.folder.file("mine.jinja"))) }
    #expect(bytes?.what == "is not UTF-8" && bytes?.place == folder.folder.file("mine.jinja"))
    try folder.folder.write("{% if %}", to: "mine.jinja")
    #expect(said { _ = try folder.read(.file(folder.folder.file("mine.jinja"))) }?.kind == .badData)
  }

  @Test("an own template that is not understood is refused by its file, with the ways out")
  func ownTemplate() throws {
    let folder = try ChatFolder(settings: end, template: "a\n{{ 1 | nothing }}")
    let refusal = said { _ = try folder.read() }
    #expect(refusal?.place?.hasPrefix(folder.folder.file("chat_template.jinja")) == true, "\(refusal as Any)")
    #expect(refusal?.kind == .badData && refusal?.remedy?.contains("--chat-") == true)
    #expect(try folder.read(.named("chatml")).tokenizer.chatFormat.name == "chatml")
  }

  @Test("the file comes before the key of the settings, a further template is taken for tools, and both are named")
  func places() throws {
    var settings = end
    settings["chat_template"] = .string("key<|im_end|>")
    let folder = try ChatFolder(settings: settings)
    #expect(try folder.read().tokenizer.shown([Turn(.user, "a")]) == "key<|im_end|>")
    #expect(try folder.read().tokenizer.chatFormat.shown == "chat template from tokenizer_config.json")
    try folder.folder.write("file<|im_end|>", to: "chat_template.jinja")
    try folder.writeFurther("tools<|im_end|>", "tool_use")
    let (tokenizer, notes) = try folder.read()
    #expect(tokenizer.shown([Turn(.user, "a")]) == "file<|im_end|>")
    let tools = Prompt(turns: [Turn(.user, "a")], tools: [.object(["name": .string("add")])])
    #expect(try tokenizer.show(tools, opensAnswer: false).text == "tools<|im_end|>")
    #expect(tokenizer.chatFormat.shown == "chat template from chat_template.jinja")
    #expect(
      notes.first == "There are 2 chat templates (default, tool_use); the one with the name default is used; tool_use "
        + "is used for dialogues with tools.")
  }

  @Test("several templates without a default are refused by their names")
  func noDefault() throws {
    let list = JSONValue.array(["tool_use", "rag"].map { .object(["name": .string($0), "template": .string("a")]) })
    let listed = try ChatFolder(settings: ["eos_token": .string("<|im_end|>"), "chat_template": list])
    let refusal = said { _ = try listed.read() }
    #expect(refusal?.what == "there is no chat template with the name default: tool_use, rag")
    #expect(refusal?.place == listed.folder.file("tokenizer_config.json"))
    let files = try ChatFolder(settings: end)
    try files.writeFurther("a", "tool_use")
    #expect(said { _ = try files.read() }?.what == "there is no chat template with the name default: tool_use")
  }

  @Test("the date that is given is the one that strftime_now gives, after reading it again too")
  func date() throws {
    let folder = try ChatFolder(settings: end, template: "{{ strftime_now('%d %b %Y') }}<|im_end|>")
    let tokenizer = try folder.read().tokenizer
    #expect(tokenizer.shown([]) == "09 Mar 2025<|im_end|>")
    #expect(try Tokenizer(serialized: tokenizer.serialized).shown([]) == "09 Mar 2025<|im_end|>")
  }
}

@Suite("Chat templates that go out as they came in")
struct ChatRoundTripTests {
  /// With what JSON must escape, and without a last newline.
  private static let text = "{#- é \u{2028} \\ \" -#}\r\n" + ChatFolder.chatml + "{{ '' if x is defined }}\t "
  private static let special: JSONObject = [
    "bos_token": .string("<|endoftext|>"), "eos_token": .string("<|im_end|>"), "pad_token": .string("<|endoftext|>"),
    "extra_special_tokens": .object(["start_token": .string("<|im_start|>")]),
  ]

  /// Writes what was read, through the binary form, and reads it again.
  private func again(_ tokenizer: Tokenizer) throws -> (folder: TemporaryFolder, tokenizer: Tokenizer) {
    let folder = TemporaryFolder()
    try HuggingFaceTokenizer.write(Tokenizer(serialized: tokenizer.serialized), to: folder.path)
    return (
      folder,
      try HuggingFaceTokenizer.read(folder: folder.path, vocabulary: tokenizer.vocabularyCount, chat: .test()).tokenizer
    )
  }

  private func expectSame(_ one: Tokenizer, _ two: Tokenizer) throws {
    #expect(two.definition == one.definition)
    let turns = [Turn(.user, "a"), Turn(.assistant, "b")]
    #expect(try two.encode(dialogue: Prompt(turns: turns)) == one.encode(dialogue: Prompt(turns: turns)))
  }

  @Test("a template file and further ones come back to the byte, with the settings' special tokens")
  func files() throws {
    let folder = try ChatFolder(settings: Self.special, template: Self.text)
    let further = "{{ tools }}\r\né"
    try folder.writeFurther(further, "tool_use")
    try folder.writeFurther("", "empty")
    let one = try folder.read().tokenizer
    let (written, two) = try again(one)
    #expect(try Files.read(written.file("chat_template.jinja")) == Array(Self.text.utf8))
    #expect(try Files.names(in: written.file("additional_chat_templates")) == ["empty.jinja", "tool_use.jinja"])
    #expect(try Files.read(written.file("additional_chat_templates/tool_use.jinja")) == Array(further.utf8))
    let settings = try configuration(written.path)
    #expect(settings["chat_template"] == nil)
    for key in ["bos_token", "eos_token", "pad_token"] { #expect(settings[key] == Self.special[key], "\(key)") }
    #expect(settings["unk_token"] == nil && settings["extra_special_tokens"] == Self.special["extra_special_tokens"])
    #expect(one.chatFormat.template?.specialTokens["start_token"] == "<|im_start|>")
    try expectSame(one, two)
  }

  @Test("a model's own special token is the template's, also where it stands beside the others")
  func ownSpecialTokens() throws {
    var settings: JSONObject = ["eos_token": .string("<|im_end|>"), "add_bos_token": .bool(false)]
    settings["image_token"] = .object(["content": .string("<|im_start|>")])
    let one = try ChatFolder(settings: settings, template: "{{ image_token }}{{ add_bos_token }}<|im_end|>").read().tokenizer
    #expect(try one.encode(dialogue: Prompt("a")) == [421, 422])
    try expectSame(one, again(one).tokenizer)
  }

  @Test("a template in the settings comes back in the settings, to the byte")
  func key() throws {
    var settings = Self.special
    settings["chat_template"] = .string(Self.text)
    let one = try ChatFolder(settings: settings).read().tokenizer
    let (written, two) = try again(one)
    let text = try configuration(written.path)["chat_template"]?.string
    #expect(text.map { Array($0.utf8) } == Array(Self.text.utf8))
    #expect(!Files.exists(written.file("chat_template.jinja")))
    try expectSame(one, two)
  }

  @Test("a list of templates comes back as the list, in its order")
  func list() throws {
    var settings = Self.special
    let named = [("rag", "r"), ("default", Self.text), ("tool_use", "{{ tools }}")]
    let list = JSONValue.array(named.map { .object(["name": .string($0.0), "template": .string($0.1)]) })
    settings["chat_template"] = list
    let one = try ChatFolder(settings: settings).read().tokenizer
    let (written, two) = try again(one)
    #expect(try configuration(written.path)["chat_template"] == list)
    try expectSame(one, two)
  }

  @Test("a template that the user named goes out as a file, and a known format in the settings")
  func chosen() throws {
    let folder = try ChatFolder(settings: Self.special)
    try folder.folder.write(Self.text, to: "mine.txt")
    let (written, two) = try again(folder.read(.file(folder.folder.file("mine.txt"))).tokenizer)
    #expect(try Files.read(written.file("chat_template.jinja")) == Array(Self.text.utf8))
    #expect(two.chatFormat.template?.origin == .files)
    let known = try folder.read(.named("chatml")).tokenizer
    let (folders, three) = try again(known)
    #expect(try configuration(folders.path)["chat_template"]?.string == ChatFormat.template(named: "chatml"))
    #expect(try three.encode(prompt: [Turn(.user, "a")]) == known.encode(prompt: [Turn(.user, "a")]))
  }

  @Test("a template's name that leads out of the folder is refused", arguments: ["../evil", "/tmp/evil", "a/b", ""])
  func names(name: String) throws {
    let one = try ChatFolder(settings: ["eos_token": .string("<|im_end|>")], template: ChatFolder.chatml).read().tokenizer
    var definition = one.definition
    definition.chatFormat.form = .template(
      try ChatTemplate(
        [.init(name: "default", text: "a"), .init(name: name, text: "b")], origin: .files, specialTokens: [:],
        date: ChatChoice.test().date, at: "here"))
    let folder = TemporaryFolder()
    let inner = folder.file("inner")
    try Files.makeFolder(inner)
    let refusal = said { try HuggingFaceTokenizer.write(Tokenizer(definition, at: "here"), to: inner) }
    #expect(refusal?.kind == .badData && refusal?.what.hasSuffix("has a name that is not valid for a file") == true)
    #expect(try Files.names(in: folder.path) == ["inner"])
  }
}
