import Dialogues
import Foundation
import Support
import TestSupport
import Testing

@testable import Interchange
@testable import Tokenizers

/// A tiny tokenizer of one kind, and what `tokenizers` and `transformers` make of text with it;
/// Tools/goldens/make_tokenizers.py says what each field is.
struct TokenizerGolden: Decodable {
  static let kinds = [
    "gpt2", "llama3", "qwen2", "smollm", "neox", "added", "llama2", "llama2-added", "llama2-first",
    "llama2-always", "llama2-never", "llama2-crossing", "characters", "characters-apart",
  ]
  /// Those with a chat template.
  static let chats = ["gpt2", "llama3", "qwen2", "llama2", "llama2-first", "llama2-always"]

  struct Case: Decodable {
    var text: String
    var tokens: [Int32]
    var decoded: String?
  }

  struct Dialogue: Decodable {
    var messages: [Turn]
    var asked: [Int32]
    var answered: [Int32]
  }

  var cases: [Case]
  var dialogues: [Dialogue]
  var tokenizer: JSONValue
  var configuration: JSONValue

  init(_ kind: String) throws {
    let path = try #require(
      Bundle.module.path(forResource: kind, ofType: "json", inDirectory: "Goldens/tokenizers"))
    self = try JSON.decode(TokenizerGolden.self, from: Files.read(path), at: path)
  }

  /// The tokenizer as a folder.
  func write(to folder: String) throws {
    try Files.writeAtomically(JSON.encode(tokenizer), to: "\(folder)/tokenizer.json")
    try Files.writeAtomically(JSON.encode(configuration), to: "\(folder)/tokenizer_config.json")
  }

  func read() throws -> Tokenizer {
    let folder = TemporaryFolder()
    try write(to: folder.path)
    return try HuggingFaceTokenizer.read(folder.path, chat: .test())
  }
}

@Suite("Tokenizers in Hugging Face's form")
struct TokenizerGoldenTests {
  @Test("tokens are those of the tokenizers library", arguments: TokenizerGolden.kinds)
  func tokens(kind: String) throws {
    let golden = try TokenizerGolden(kind)
    let tokenizer = try golden.read()
    for example in golden.cases {
      #expect(tokenizer.encode(example.text) == example.tokens, "\(example.text)")
    }
    #expect(golden.cases.count > 80)
  }

  @Test("decoding gives what the tokenizers library gives", arguments: TokenizerGolden.kinds)
  func decoding(kind: String) throws {
    let golden = try TokenizerGolden(kind)
    let tokenizer = try golden.read()
    for example in golden.cases {
      let expected = example.decoded ?? example.text
      #expect(Array(tokenizer.decodeString(example.tokens).utf8) == Array(expected.utf8))
    }
  }

  @Test("in the binary form it is the same tokenizer", arguments: TokenizerGolden.kinds)
  func binary(kind: String) throws {
    let golden = try TokenizerGolden(kind)
    let one = try golden.read()
    let two = try Tokenizer(serialized: one.serialized)
    #expect(two.definition == one.definition)
    #expect(two.serialized == one.serialized)
    for example in golden.cases { #expect(two.encode(example.text) == example.tokens) }
  }

  @Test("written and read again it is the same tokenizer", arguments: TokenizerGolden.kinds)
  func written(kind: String) throws {
    let one = try TokenizerGolden(kind).read()
    let folder = TemporaryFolder()
    try HuggingFaceTokenizer.write(one, to: folder.path)
    var two = try HuggingFaceTokenizer.read(folder.path, chat: .test()).definition
    if let template = one.chatFormat.template, template.origin == .named {
      // A known format is a template like any other from then on.
      #expect(two.chatFormat.template?.sources == template.sources)
      #expect(two.chatFormat.template?.origin == .configuration && two.chatFormat.name == "template")
      (two.chatFormat.form, two.chatFormat.name) = (one.chatFormat.form, one.chatFormat.name)
    }
    #expect(two == one.definition)
  }

  @Test("our own tokenizer, written and read again, is the same to the byte")
  func own() throws {
    let text = "The cat sat on the mat, the cat's mat; 12345 cats\n\n  sat there. Ein schöner Tag\t!"
    let one = Tokenizer.train(on: [text, text], vocabularySize: 300)
    let folder = TemporaryFolder()
    try HuggingFaceTokenizer.write(one, to: folder.path)
    let (two, notes) = try HuggingFaceTokenizer.read(
      folder: folder.path, vocabulary: one.vocabularyCount, chat: .test())
    #expect(two.serialized == one.serialized && notes.isEmpty)
    let padded = try HuggingFaceTokenizer.read(folder: folder.path, vocabulary: 512, chat: .test()).tokenizer
    #expect(padded.chatFormat == .tinyrlhf)
    #expect(padded.vocabularyCount == 512)
    #expect(padded.encode(text) == one.encode(text))
    #expect(padded.decode([511, 400]) == [])
  }

  @Test("dialogues are those of the model's chat template", arguments: TokenizerGolden.chats)
  func dialogues(kind: String) throws {
    let golden = try TokenizerGolden(kind)
    let tokenizer = try golden.read()
    for dialogue in golden.dialogues {
      let (asked, answer) = (Prompt(turns: dialogue.messages.dropLast()), try #require(dialogue.messages.last))
      #expect(try tokenizer.encode(prompt: asked) == dialogue.asked)
      let answered = try tokenizer.encode(asked, answer: answer)
      #expect(answered.tokens == dialogue.answered)
      #expect(answered.learnt == [dialogue.asked.count..<dialogue.answered.count])
      // Behind an answer's end the whole dialogue may have more.
      #expect(try tokenizer.encode(dialogue: Prompt(turns: dialogue.messages)).starts(with: dialogue.answered))
    }
    #expect(golden.dialogues.count == 6)
  }

  @Test("a prompt and its completion are the dialogue's text, with one end", arguments: TokenizerGolden.chats)
  func oneFunction(kind: String) throws {
    let folder = TemporaryFolder()
    try TokenizerGolden(kind).write(to: folder.path)
    for name in [nil, "plain", "hh-rlhf", "zephyr"] {
      let tokenizer = try HuggingFaceTokenizer.read(
        folder: folder.path, vocabulary: 600, chat: .test(format: name)
      ).tokenizer
      func text(_ tokens: [Int32]) -> String {
        tokenizer.decodeString(tokens, continuing: true, namingSpecialTokens: true)
      }
      let turns = [Turn(.system, "Be kind."), Turn(.user, "Hi"), Turn(.assistant, "Yes?"), Turn(.user, "\nNo")]
      let prompt = try tokenizer.encode(prompt: turns)
      for answer in ["Fine.", "", " spaced ", "\n\nline", "</s> <|im_end|> <|eot_id|>", "▁", "é"] {
        let completion = tokenizer.encode(completion: answer)
        let answered = try tokenizer.encode(Prompt(turns: turns), answer: Turn(.assistant, answer)).tokens
        // Llama 3's template trims what is said.
        let isTrimmed = name == nil && kind == "llama3" && answer.contains { $0.isWhitespace }
        if !isTrimmed { #expect(text(prompt + completion) == text(answered), "\(name ?? "own") \(answer)") }
        // Behind a frame of text that a letter does not join the tokens are the same, too.
        if answer == "Fine.", name != "plain" { #expect(prompt + completion == answered) }
        #expect(completion.filter(tokenizer.endTokens.contains) == [tokenizer.endToken])
        // SentencePiece has no other character for a space than this one.
        let isKept = answer != "▁" || !tokenizer.definition.isOfCharacters
        if isKept { #expect(tokenizer.decode(completion: completion) == answer) }
      }
    }
  }

  @Test("token by token an answer is what it is as a whole", arguments: TokenizerGolden.chats)
  func stream(kind: String) throws {
    let tokenizer = try TokenizerGolden(kind).read()
    for answer in ["The cat sat.", " spaced", "über 日本", ""] {
      let tokens = tokenizer.encode(completion: answer)
      let bytes = tokens.indices.flatMap {
        tokenizer.decode(answer: tokens[$0...$0], continuing: $0 > 0)
      }
      #expect(bytes == tokenizer.decode(answer: tokens))
      #expect(bytes == Array(answer.utf8))
    }
  }
}
