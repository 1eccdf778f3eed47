import Dialogues
import Foundation
import Support
import TestSupport
import Testing

@testable import Interchange
@testable import Tokenizers

/// Dialogues, and what transformers' apply_chat_template makes of them; Tools/goldens/make_chats.py says what each field is.
struct ChatGolden: Decodable {
  struct Chat: Decodable {
    var template: String
    var special_tokens: [String: String]
  }

  struct Rendered: Decodable {
    var template, dialogue: String
    var answers: Bool
    var text: String?
    var tokens: [String: [Int32]]?
    var error: Bool?
  }

  static let tokenizers = ["qwen2", "llama3", "llama2"]
  static let templates = ["chatml", "instructions", "headers", "reasoning", "parts", "generation"]

  var templates: [String: Chat]
  /// With keys in the order of the file, as rows are read.
  private(set) var dialogues: [String: Prompt] = [:]
  var added: [String: [String: JSONValue]]
  var rendered: [Rendered]

  private enum CodingKeys: CodingKey { case templates, added, rendered }

  static let shared = Result {
    let path = try #require(Bundle.module.path(forResource: "chats", ofType: "json", inDirectory: "Goldens"))
    let bytes = try Files.read(path)
    var golden = try JSON.decode(ChatGolden.self, from: bytes, at: path)
    for (name, dialogue) in try #require(JSON.parse(bytes, at: path)["dialogues"]?.object) {
      let messages = try #require(dialogue["messages"]?.array)
      golden.dialogues[name] = Prompt(
        turns: try messages.map { try Turn(message: #require($0.object)) }, tools: dialogue["tools"]?.array ?? [],
        templateArguments: dialogue["chat_template_kwargs"]?.object ?? [:])
    }
    return golden
  }

  /// A tokenizer with a template and its tokens, as a folder.
  func write(_ kind: String, _ name: String, to folder: TemporaryFolder) throws {
    let chat = try #require(templates[name])
    var tokenizer = try #require(try TokenizerGolden(kind).tokenizer.object)
    tokenizer["added_tokens"] = try #require(added[kind]?[name])
    try folder.write(JSON.encode(tokenizer), to: "tokenizer.json")
    try folder.write(JSON.encode(chat.special_tokens), to: "tokenizer_config.json")
    try folder.write(chat.template, to: "chat_template.jinja")
  }

  func tokenizer(_ kind: String, _ name: String) throws -> Tokenizer {
    let folder = TemporaryFolder()
    try write(kind, name, to: folder)
    return try HuggingFaceTokenizer.read(folder.path, chat: .test())
  }
}

@Suite("Dialogues as transformers writes them")
struct ChatGoldenTests {
  private let golden: ChatGolden

  init() throws { golden = try ChatGolden.shared.get() }

  @Test(
    "text and tokens are those of apply_chat_template, and what it refuses is refused",
    arguments: ChatGolden.tokenizers, ChatGolden.templates)
  func rendered(kind: String, name: String) throws {
    let tokenizer = try golden.tokenizer(kind, name)
    let rendered = golden.rendered.filter { $0.template == name }
    for example in rendered {
      let dialogue = try #require(golden.dialogues[example.dialogue])
      let place = "\(example.dialogue), answers: \(example.answers)"
      guard let text = example.text, let tokens = example.tokens?[kind] else {
        #expect(throws: Failure.self, "\(place)") {
          try tokenizer.show(dialogue, opensAnswer: example.answers, verbatim: true)
        }
        continue
      }
      let shown = try tokenizer.show(dialogue, opensAnswer: example.answers, verbatim: true)
      #expect(shown.text == text && shown.text.utf8.elementsEqual(text.utf8), "\(place)")
      #expect(shown.tokens == tokens, "\(place)")
    }
    #expect(rendered.count == 24 && rendered.contains { $0.text != nil })
  }

  @Test("the answers that are learnt stand behind the prompt that transformers writes", arguments: ChatGolden.tokenizers)
  func learnt(kind: String) throws {
    var learnt = 0
    for example in golden.rendered where !example.answers {
      guard let dialogue = golden.dialogues[example.dialogue], example.text != nil,
        let last = dialogue.turns.lastIndex(where: { $0.role == .assistant })
      else { continue }
      let tokenizer = try golden.tokenizer(kind, example.template)
      var prompt = dialogue
      prompt.turns = Array(dialogue.turns[..<last])
      guard let asked = try? tokenizer.encode(prompt: prompt) else { continue }
      let sequence = try tokenizer.encode(dialogue: dialogue, learning: [last])[0]
      let first = try #require(sequence.learnt.first, "\(example.template) \(example.dialogue)")
      // Where a token joins the prompt and the answer it is not learnt.
      #expect(first.lowerBound >= asked.count - 1 && first.lowerBound <= asked.count + 1, "\(example)")
      #expect(sequence.tokens.starts(with: asked.dropLast()), "\(example.template) \(example.dialogue)")
      #expect(tokenizer.endTokens.contains(try #require(sequence.tokens.last)), "\(example.template)")
      #expect(sequence.learnt.last?.upperBound == sequence.tokens.count)
      learnt += 1
    }
    #expect(learnt > 30)
  }
}
