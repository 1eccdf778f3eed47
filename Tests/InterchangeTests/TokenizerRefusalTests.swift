import Foundation
import Support
import TestSupport
import Testing
import Tokenizers

@testable import Interchange

@Suite("What is refused of a tokenizer's folder")
struct TokenizerRefusalTests {
  /// What `read` says of a golden's folder in which one text is another.
  private func refusal(
    _ kind: String, _ old: String, _ new: String, vocabulary: Int? = nil, chatFormat: String? = nil
  ) throws -> String {
    let folder = TemporaryFolder()
    try TokenizerGolden(kind).write(to: folder.path)
    let path = "\(folder.path)/tokenizer.json"
    let text = String(decoding: try Files.read(path), as: UTF8.self)
    #expect(old.isEmpty || text.contains(old), "\(old)")
    let changed = old.isEmpty ? text : text.replacing(old, with: new, maxReplacements: 1)
    try Files.writeAtomically(Array(changed.utf8), to: path)
    do {
      if let vocabulary {
        _ = try HuggingFaceTokenizer.read(
          folder: folder.path, vocabulary: vocabulary, chat: .test(format: chatFormat))
      } else {
        _ = try HuggingFaceTokenizer.read(folder.path, chat: .test(format: chatFormat))
      }
    } catch let failure as Failure {
      #expect(failure.kind == .badData && failure.place?.hasPrefix(folder.path) == true)
      return failure.what
    }
    return "nothing"
  }

  @Test(
    "what this program does not know is refused by its name",
    arguments: [
      (
        "gpt2", "\"type\":\"BPE\"", "\"type\":\"Unigram\"",
        "the tokenizer's model is Unigram, but only BPE is supported"
      ),
      (
        "llama3", #"\\p{N}{1,3}"#, #"\\p{N}{1,4}"#,
        #"the tokenizer's pattern \#(SplitPatterns.llama3.replacing("1,3", with: "1,4")) is not supported"#
      ),
      ("qwen2", "\"NFC\"", "\"NFKC\"", "the tokenizer's normalizer NFKC is not supported in this form"),
      (
        "smollm", "\"Digits\"", "\"Punctuation\"",
        "the tokenizer's pre_tokenizer Punctuation is not supported in this form"
      ),
      (
        "smollm", "\"individual_digits\":true", "\"individual_digits\":false",
        "the tokenizer's pre_tokenizer Digits is not supported in this form"
      ),
      (
        "llama2-first", "\"first\",\"replacement\"", "\"last\",\"replacement\"",
        "the tokenizer's pre_tokenizer Metaspace is not supported in this form"
      ),
      ("llama2", "\"ByteFallback\"", "\"WordPiece\"", "the tokenizer's decoder Replace is not supported in this form"),
      (
        "gpt2", "\"post_processor\":null", "\"post_processor\":{\"type\":\"BertProcessing\"}",
        "the tokenizer's post_processor BertProcessing is not supported in this form"
      ),
      (
        "gpt2", "\"end_of_word_suffix\":null", "\"end_of_word_suffix\":\"</w>\"",
        "the tokenizer's model has a end_of_word_suffix"
      ),
      ("gpt2", "\"dropout\":null", "\"dropout\":0.1", "the tokenizer's model has a dropout"),
    ])
  func unknown(kind: String, old: String, new: String, expected: String) throws {
    #expect(try refusal(kind, old, new) == expected)
  }

  @Test(
    "what contradicts itself is refused, and the error names it",
    arguments: [
      ("\"!\":0", "\"!\":1", "has the id 1 of another token"),
      ("\"!\":0", "\"!\":0,\"!\":0", "the key \"!\" appears twice in one object"),
      ("\"!\":0", "\"!\":\"0\"", "the id of \"!\" is not a whole number"),
      ("\"!\":0", "\"!\":-1", "the token \"!\" has the id -1, but ids go from 0 to 16777216"),
      ("\"!\":0", "\"日\":0", "the token \"日\", id 0, has a character that represents no byte"),
      ("\"id\":420", "\"id\":5", "the added token \"<|endoftext|>\" has the id 5 of another token"),
      ("[\"Ġ\",\"t\"]", "[\"Ġ\",\"日\"]", "merge 1 uses \"日\", which is not in the vocabulary"),
      ("[\"Ġ\",\"t\"]", "[\"Ġ\",\"Ġ\",\"t\"]", "merge 1 is not two tokens"),
      ("[\"Ġ\",\"t\"]", "\"Ġt\"", "merge 1 is not two tokens"),
      ("[\"Ġ\",\"t\"]", "[\"!\",\"Ġ\"]", "merge 1 uses \"!Ġ\", which is not in the vocabulary"),
      ("\"merges\":", "\"mergers\":", "\"model.merges\" is missing or not a list"),
      ("\"vocab\":", "\"vocabulary\":", "\"model.vocab\" is missing or empty"),
      ("\"model\":", "\"module\":", "the key \"model\" is missing"),
      ("\"ignore_merges\":false", "\"ignore_merges\":0", "\"model.ignore_merges\" is not true or false"),
      ("\"unk_token\":null", "\"unk_token\":\"<unk>\"", "\"model.unk_token\" is not in the vocabulary"),
    ])
  func contradiction(old: String, new: String, expected: String) throws {
    #expect(try refusal("gpt2", old, new).hasSuffix(expected))
  }

  private static func template(_ single: String, _ ids: String = "420") -> String {
    "\"post_processor\":{\"type\":\"TemplateProcessing\",\"single\":[\(single)],\"special_tokens\":"
      + "{\"!\":{\"ids\":[\(ids)]}}}"
  }
  private static let text = "{\"Sequence\":{\"id\":\"A\"}}"
  private static let mark = "{\"SpecialToken\":{\"id\":\"!\"}}"
  private static let end = "{\"SpecialToken\":{\"id\":\"<|endoftext|>\"}}"

  @Test(
    "what a post-processor writes beside one token before a text is refused",
    arguments: [
      (template("\(mark),\(text)", "0"), "nothing"), (template(text), "nothing"),
      (template("\(text),\(mark)"), "a text is not the last part of the tokenizer's post_processor"),
      (template(mark), "a text is not the last part of the tokenizer's post_processor"),
      (
        template("\(mark),\(mark),\(text)"),
        "the tokenizer's post_processor puts more than one token before a text"
      ),
      (template("\(mark),\(text)", "7"), "the post_processor's token \"!\" has other ids"),
      (
        template("\(end),\(text)"),
        "the tokenizer puts \"<|endoftext|>\", which ends texts, before every text"
      ),
    ])
  func postProcessor(new: String, expected: String) throws {
    #expect(try refusal("gpt2", "\"post_processor\":null", new) == expected)
  }

  @Test(
    "what would be dropped or taken as absent is refused",
    arguments: [
      ("\"truncation\":null", "\"truncation\":{\"max_length\":9}", "the tokenizer truncates texts"),
      ("\"padding\":null", "\"padding\":{\"length\":9}", "nothing"),
      ("\"ignore_merges\":", "\"merge_all\":", "the tokenizer's model has the unknown key \"merge_all\""),
      ("\"special\":true", "\"special\":1", "\"special\" of the added token \"<|endoftext|>\" is not true or false"),
      (
        "\"normalized\":false", "\"normalized\":\"no\"",
        "\"normalized\" of the added token \"<|endoftext|>\" is not true or false"
      ),
      ("\"added_tokens\":[", "\"added_tokens\":{},\"x\":[", "\"added_tokens\" is not a list"),
    ])
  func dropped(old: String, new: String, expected: String) throws {
    #expect(try refusal("gpt2", old, new) == expected)
  }

  @Test(
    "settings that would change what a text becomes, or of a wrong type, are refused with their file",
    arguments: [
      ("tokenizer_config.json", "\"add_eos_token\":true", "\"add_eos_token\" puts a token after every text"),
      ("tokenizer_config.json", "\"add_prefix_space\":true", "\"add_prefix_space\" is true, but tokenizer.json"),
      ("tokenizer_config.json", "\"add_bos_token\":1", "\"add_bos_token\" is not true or false"),
      ("tokenizer_config.json", "\"eos_token\":4", "\"eos_token\" is not the text of a token"),
      ("tokenizer_config.json", "\"chat_template\":[]", "\"chat_template\" is neither a text nor a list"),
      ("config.json", "\"eos_token_id\":\"x\"", "\"eos_token_id\" is not a whole number"),
      ("tokenizer_config.json", "\"clean_up_tokenization_spaces\":true", "no file names a token that ends a text"),
    ])
  func settings(file: String, member: String, expected: String) throws {
    let folder = TemporaryFolder()
    try TokenizerGolden("gpt2").write(to: folder.path)
    try folder.write(Array("{\(member)}".utf8), to: file)
    let failure = #expect(throws: Failure.self) {
      try HuggingFaceTokenizer.read(folder: folder.path, vocabulary: 421, chat: .test())
    }
    #expect(failure?.what.hasPrefix(expected) == true, "\(failure?.what ?? "")")
    let place = expected.hasPrefix("no file") ? folder.path : folder.file(file)
    #expect(failure?.place == place && failure?.kind == .badData)
  }

  @Test("tokens for which the embedding has no row are left out and named")
  func absent() throws {
    let folder = TemporaryFolder()
    try TokenizerGolden("gpt2").write(to: folder.path)
    try folder.write(Array("{\"eos_token_id\":[5,421]}".utf8), to: "generation_config.json")
    let (tokenizer, notes) = try HuggingFaceTokenizer.read(folder: folder.path, vocabulary: 421, chat: .test())
    #expect(tokenizer.endTokens.contains(5) && !tokenizer.endTokens.contains(421))
    #expect(
      notes == [
        "\(folder.file("generation_config.json")): \"eos_token_id\" is 421, "
          + "but the embedding has 421 rows: it is left out."
      ])
    // The one added token is the last of 421.
    let (shorter, more) = try HuggingFaceTokenizer.read(folder: folder.path, vocabulary: 420, chat: .test())
    #expect(shorter.vocabularyCount == 420)
    #expect(shorter.encode("<|endoftext|>").count > 1)
    #expect(
      more.first
        == "\(folder.file("tokenizer.json")): the added token \"<|endoftext|>\" has the id 420, "
        + "but the embedding has 420 "
        + "rows: it is left out, and its text is read as ordinary text.")
    // What the template writes for it is text, and ends nothing.
    #expect(more.count == 3 && more[2].contains("writes no special token after an answer"), "\(more)")
    #expect(shorter.endTokens == [5])
  }

  @Test("hostile files are refused early, and what is quoted of them is short")
  func hostile() throws {
    let keys = (0..<5000).map { "\"k\($0)\":0" }.joined(separator: ",")
    #expect(
      try refusal("gpt2", "\"model\":", "\"x\":{\(keys)},\"model\":") == "an object has more than 4096 keys")
    let long = String(repeating: "é", count: 1 << 19)
    let said = try refusal("gpt2", "\"!\":0", "\"\(long)\":-1")
    #expect(said.hasPrefix("the token \"\(String(repeating: "é", count: 50))…\" has the id -1, but ids go from 0 to"))
    for (text, what) in [
      ("{\"\(long.prefix(3000))\":1}", "a key has 6002 bytes; the limit is 4096"),
      ("[\"\(long)\"]", "a text has 1048578 bytes; the limit is 1048576"),
    ] {
      let failure = #expect(throws: Failure.self) {
        try JSONFile.decode(JSONValue.self, from: Array(text.utf8), at: "file")
      }
      #expect(failure?.what == what)
    }
  }

  @Test("a model without a type is BPE if it has merges, as GPT-2's own file has it")
  func withoutType() throws {
    #expect(try refusal("gpt2", "\"type\":\"BPE\",", "") == "nothing")
  }

  @Test("both forms of a merge are the same merge")
  func forms() throws {
    let golden = try TokenizerGolden("gpt2")
    let folder = TemporaryFolder()
    try golden.write(to: folder.path)
    let path = "\(folder.path)/tokenizer.json"
    let text = String(decoding: try Files.read(path), as: UTF8.self)
    let changed = text.replacing("[\"Ġ\",\"t\"]", with: "\"Ġ t\"")
    #expect(changed != text)
    try Files.writeAtomically(Array(changed.utf8), to: path)
    #expect(try HuggingFaceTokenizer.read(folder.path, chat: .test()).definition == golden.read().definition)
  }

  @Test("any cut or changed byte gives an error or a tokenizer, never a trap")
  func damaged() throws {
    let folder = TemporaryFolder()
    var random = RandomStream(seed: 1, purpose: "tests/tokenizer.json")
    for kind in ["added", "llama2"] {
      try TokenizerGolden(kind).write(to: folder.path)
      let good = try Files.read(folder.file("tokenizer.json"))
      var refused = 0
      for round in 0..<150 {
        var bytes = good
        if round % 3 == 0 { bytes.removeLast(1 + random.below(good.count)) }
        for _ in 0..<round % 3 {
          bytes[random.below(bytes.count)] = random.pick(Array("\"[]{},:0159 \\u▁Ġ".utf8))
        }
        try folder.write(bytes, to: "tokenizer.json")
        do {
          let tokenizer = try HuggingFaceTokenizer.read(folder.path, chat: .test())
          #expect(try Tokenizer(serialized: tokenizer.serialized).definition == tokenizer.definition)
          _ = tokenizer.encode("The cat sat <|endoftext|> é\n")
        } catch is Failure { refused += 1 }
      }
      #expect(refused >= 50)
    }
  }

  @Test("a vocabulary larger than the embedding is refused, and a chat format whose tokens are missing")
  func disagreement() throws {
    #expect(try refusal("gpt2", "", "", vocabulary: 400).hasSuffix("but the embedding has 400 rows"))
    #expect(
      try refusal("gpt2", "", "", vocabulary: 421, chatFormat: "chatml")
        == "the chat format chatml needs the special token <|im_start|>")
    #expect(
      try refusal("smollm", "", "", vocabulary: 423) == "no file names a token that ends a text")
  }

  @Test(
    "what is not JSON is refused with the byte where it is not",
    arguments: [
      ("", 0, "the JSON ends within a value"), ("{\"a\":1", 6, "an object is not closed"),
      ("{\"a\" 1}", 5, "a colon is missing"), ("[1,]", 3, "this is not a JSON value"),
      ("[1] 2", 4, "there is text after the JSON value"), ("[\"a", 3, "a text is not closed"),
      ("[\"\\q\"]", 4, "\\q is not a valid escape"), ("[\"\\ud800\"]", 8, "a surrogate is not paired"),
      ("[\"\\u12\"]", 4, "\\u is not followed by four digits"), ("[nul]", 1, "this is not a JSON value"),
      ("{1:2}", 1, "a key is missing"), ("[\"\n\"]", 2, "a text contains a control character"),
      (String(repeating: "[", count: 65), 64, "opens nesting level 65"),
    ])
  func syntax(text: String, byte: Int, expected: String) {
    #expect {
      try JSONTree(Array(text.utf8), at: "file")
    } throws: { error in
      let failure = error as? Failure
      return failure?.what == expected && failure?.place == "file, byte \(byte)"
    }
  }

  @Test("texts are told apart by their bytes, and escapes are what they stand for")
  func texts() throws {
    let text = "{\"\u{E9}\":1,\"e\u{301}\":2" + #","😀\n\u00e9\ud83d\ude00":[true,null,-1.5e1]}"#
    let tree = try JSONTree(Array(text.utf8), at: "")
    #expect(tree.members?.count == 3)
    #expect(tree["😀\n\u{E9}😀"]?.list == [.bool(true), .null, .number(-15)])
  }
}
