import Dialogues
import TestSupport
import Testing

@testable import Interchange
@testable import Tokenizers

/// Tokenizers as GGUF files have them.
@Suite struct GGUFTokenizerTests {
  private func tokenizer(_ definition: TokenizerDefinition) throws -> (tokenizer: Tokenizer, notes: [String]) {
    let folder = TemporaryFolder()
    var gguf = GGUFFile()
    try GGUFTokenizer(definition, count: definition.vocabularyCount, at: "here").add(to: &gguf)
    try gguf.write(to: folder.file("x.gguf"))
    return try GGUFTokenizerReader(GGUFArchive(folder.file("x.gguf")).metadata).tokenizer(.test())
  }

  @Test(
    "what goes out comes in with the tokens of the tokenizers library",
    arguments: ["gpt2", "llama3", "qwen2", "smollm", "neox", "llama2", "llama2-never"])
  func goldens(kind: String) throws {
    let golden = try TokenizerGolden(kind)
    let before = try golden.read()
    let (tokenizer, _) = try tokenizer(before.definition)
    for example in golden.cases {
      #expect(tokenizer.encode(example.text) == example.tokens, "\(example.text)")
      let expected = example.decoded ?? example.text
      #expect(Array(tokenizer.decodeString(example.tokens).utf8) == Array(expected.utf8))
    }
    #expect(golden.cases.count > 80)
    // llama.cpp has a begin and an end for SentencePiece's where no key says it.
    if !before.chatFormat.endTokens.isEmpty {
      #expect(tokenizer.chatFormat.documentBegin == before.chatFormat.documentBegin)
      #expect(tokenizer.chatFormat.endTokens.first == before.chatFormat.endTokens.first)
    }
    guard case .template(let template) = before.chatFormat.form, template.origin != .named else { return }
    #expect(tokenizer.chatFormat.template?.sources == template.sources)
    #expect(tokenizer.chatFormat.template?.origin == .gguf)
    for dialogue in golden.dialogues {
      #expect(try tokenizer.encode(prompt: Prompt(turns: dialogue.messages.dropLast())) == dialogue.asked)
    }
  }

  private func read(_ change: (inout RawGGUF) -> Void) throws -> (tokenizer: Tokenizer, notes: [String]) {
    var file = RawGGUF.llama
    change(&file)
    return try GGUFTokenizerReader(file.archive().metadata).tokenizer(.test())
  }

  private func refusal(_ change: (inout RawGGUF) -> Void) -> String? {
    error { _ = try read(change) }.map { String($0.dropFirst("x.gguf, key ".count)) }
  }

  private static let unsupported = "Such a tokenizer cannot be imported."

  @Test("of SentencePiece, the piece with the highest score is made first, and what is no piece becomes bytes")
  func scores() throws {
    let tokenizer = try read { _ in }.tokenizer
    func names(_ text: String) -> [String] {
      tokenizer.encode(text).map { String(decoding: tokenizer.definition.tokens[Int($0)].bytes, as: UTF8.self) }
    }
    // "ab" before "▁a"; and "▁ab" of "▁" and "ab".
    #expect(names("ab") == ["▁ab"] && names("abc") == ["▁ab", "c"] && names("ca") == ["▁", "c", "a"])
    #expect(names("cabc") == ["▁", "c", "abc"])
    #expect(names("é\n") == ["▁", "<0xC3>", "<0xA9>", "<0x0A>"])
    #expect(names("") == [] && names(" a") == ["▁", "▁a"])
    #expect(tokenizer.decodeString(tokenizer.encode("a é\nb")) == "a é\nb")
    // A text is begun as llama.cpp does where no key says otherwise.
    #expect(tokenizer.chatFormat.documentBegin == [1] && tokenizer.chatFormat.endTokens == [2])
    let turned = try read { file in
      guard case .float32s(var scores) = file["tokenizer.ggml.scores"] else { return }
      scores.swapAt(265, 266)
      file["tokenizer.ggml.scores"] = .float32s(scores)
      file["tokenizer.ggml.add_space_prefix"] = .bool(0)
      file["tokenizer.ggml.add_bos_token"] = .bool(0)
    }.tokenizer
    // "abc" before "▁ab".
    #expect(turned.encode("abc") == [266] && turned.encode(" abc") == [259, 266] && turned.encode(" ab") == [265])
    #expect(turned.chatFormat.documentBegin == turned.chatFormat.documentEnd)
  }

  @Test("merges of scores are every cut of every piece, by falling score and then by the first part")
  func merges() {
    let texts = ["a", "b", "aa", "aab", "ab", "é", "éa"]
    let scores: [Float] = [0, 0, -2, -1, -2, 0, -3]
    let pieces = zip(texts, scores).enumerated().map { id, piece in
      SentencePieceMerges.Piece(id: Int32(id), bytes: Array(piece.0.utf8), score: piece.1)
    }
    let rules = SentencePieceMerges(pieces).rules(atMost: 100)!.map { "\(texts[Int($0.left)])+\(texts[Int($0.right)])" }
    #expect(SentencePieceMerges(pieces).rules(atMost: 4) == nil)
    #expect(rules == ["aa+b", "a+ab", "a+a", "a+b", "é+a"])
  }

  @Test("control tokens come from no text, what the user defined is found in it, and fillings are no tokens")
  func kinds() throws {
    let (tokenizer, notes) = try read { file in
      guard case .texts(var names) = file["tokenizer.ggml.tokens"], case .int32s(var kinds) = file["tokenizer.ggml.token_type"],
        case .float32s(let scores) = file["tokenizer.ggml.scores"]
      else { return }
      names += ["<tool>", "[PAD268]", "", "<|end|>"]
      kinds += [4, 5, 1, 3]
      file["tokenizer.ggml.tokens"] = .texts(names)
      file["tokenizer.ggml.token_type"] = .int32s(kinds)
      file["tokenizer.ggml.scores"] = .float32s(scores + [-1000, 0, 0, 0])
      file["tokenizer.ggml.eot_token_id"] = .uint32(270)
      file["tokenizer.ggml.padding_token_id"] = .uint32(0xFFFF_FFFF)
      file["tokenizer.chat_template"] = .text("{% for m in messages %}{{ m.content }}<|end|>{% endfor %}")
    }
    #expect(tokenizer.encode("a<tool>b") == [264, 267, 259, 261])
    #expect(!tokenizer.encode("<s></s><|end|>").contains { [1, 2, 270].contains($0) })
    #expect(tokenizer.vocabularyCount == 271 && !tokenizer.definition.tokens.contains { [268, 269].contains($0.id) })
    #expect(tokenizer.chatFormat.endTokens == [270, 2])
    #expect(
      notes == [
        "x.gguf, key \"tokenizer.ggml.tokens\": 1 tokens without bytes are left out.",
        "x.gguf, key \"tokenizer.ggml.padding_token_id\": it is 4294967295, but there are 271 tokens: it is left out.",
      ])
  }

  @Test("a tokenizer of another kind, or that cuts text in a way that is not known, is refused by its name")
  func unknown() {
    for name in ["bert", "t5", "rwkv", "none", "plamo2"] {
      #expect(
        refusal { $0["tokenizer.ggml.model"] = .text(name) }
          == "\"tokenizer.ggml.model\": the tokenizer \"\(name)\" is not supported; gpt2 and llama are. \(Self.unsupported)")
    }
    let known = "gpt-2, olmo, mpt, llama-bpe, llama3, llama-v3, smaug-bpe, dbrx, qwen2, smollm, starcoder, refact"
    for name in ["default", "deepseek-llm", "falcon", "command-r", "tekken"] {
      #expect(
        refusal {
          $0["tokenizer.ggml.model"] = .text("gpt2")
          $0["tokenizer.ggml.pre"] = .text(name)
        } == "\"tokenizer.ggml.pre\": the splitting \"\(name)\" is not supported; \(known) are. \(Self.unsupported)")
    }
    #expect(refusal { $0["tokenizer.ggml.model"] = .text("gpt2") }?.hasPrefix("\"tokenizer.ggml.pre\": is missing, so it is unknown") == true)
  }

  @Test("what a tokenizer lacks, and what does not fit, is refused by its key")
  func malformed() {
    func expect(_ said: String, _ change: (inout RawGGUF) -> Void) {
      let message = refusal(change)
      #expect(message?.hasPrefix(said) == true, "\(said): \(message ?? "taken")")
    }
    expect("\"tokenizer.ggml.tokens\": is missing or empty") { $0["tokenizer.ggml.tokens"] = nil }
    expect("\"tokenizer.ggml.tokens\": is not a list of texts") { $0["tokenizer.ggml.tokens"] = .int32s([1]) }
    expect("\"tokenizer.ggml.token_type\": is missing") { $0["tokenizer.ggml.token_type"] = nil }
    expect("\"tokenizer.ggml.token_type\": has 1 elements, but there are 267 tokens") { $0["tokenizer.ggml.token_type"] = .int32s([1]) }
    expect("\"tokenizer.ggml.token_type\": element 0 is 7; the range is 1 to 6") {
      $0["tokenizer.ggml.token_type"] = .int32s((0..<267).map { _ in 7 })
    }
    expect("\"tokenizer.ggml.scores\": is missing") { $0["tokenizer.ggml.scores"] = nil }
    expect("\"tokenizer.ggml.scores\": has 1 elements") { $0["tokenizer.ggml.scores"] = .float32s([1]) }
    expect("\"tokenizer.ggml.scores\": element 0 is nan") { $0["tokenizer.ggml.scores"] = .float32s((0..<267).map { _ in .nan }) }
    expect("\"tokenizer.ggml.tokens\": the byte token <0x00> is missing") { file in
      guard case .texts(var names) = file["tokenizer.ggml.tokens"] else { return }
      names[3] = "x"
      file["tokenizer.ggml.tokens"] = .texts(names)
    }
    expect("\"tokenizer.ggml.tokens\": element 3 has 4097 bytes; the limit is 4096") { file in
      guard case .texts(var names) = file["tokenizer.ggml.tokens"] else { return }
      names[3] = String(repeating: "x", count: 4097)
      file["tokenizer.ggml.tokens"] = .texts(names)
    }
    expect("\"tokenizer.chat_template\": has 1048577 bytes; the limit is 1048576") {
      $0["tokenizer.chat_template"] = .text(String(repeating: "x", count: (1 << 20) + 1))
    }
    expect("\"tokenizer.ggml.eos_token_id\": is not a whole number") { $0["tokenizer.ggml.eos_token_id"] = .float32(1.5) }
    expect("\"tokenizer.ggml.add_bos_token\": the tokenizer puts \"</s>\", which ends texts, before every text") {
      $0["tokenizer.ggml.bos_token_id"] = .uint32(2)
    }
    let flags = error {
      _ = try read { $0["tokenizer.ggml.add_eos_token"] = .bool(1) }
    }
    #expect(flags == "x.gguf: \"tokenizer.ggml.add_eos_token\" is true. Such a model cannot be imported.")
  }

  @Test("a model whose tokenizer names no end is refused")
  func withoutEnd() throws {
    var file = RawGGUF.llama
    file["tokenizer.ggml.eos_token_id"] = .uint32(999)
    let model = try GGUFModel(file.archive())
    #expect(
      error { _ = try model.tokenizer(.test()) }
        == "x.gguf, key \"tokenizer.ggml.eos_token_id\": no key names the token that ends a text. "
        + "Add it with gguf_new_metadata of PyPI's gguf.")
  }

  @Test("merges of bytes name tokens of the vocabulary")
  func byteMerges() throws {
    func read(_ merges: [String], _ pre: String = "gpt-2") throws -> Tokenizer {
      var file = RawGGUF()
      let bytes = (0...255).map { String(decoding: ByteAlphabet.encode([$0]), as: UTF8.self) }
      let words = ["ab", "Ġa", "abc", "<|end|>", "<tool>"]
      file.keys = [
        ("tokenizer.ggml.model", .text("gpt2")), ("tokenizer.ggml.pre", .text(pre)),
        ("tokenizer.ggml.tokens", .texts(bytes + words)), ("tokenizer.ggml.merges", .texts(merges)),
        ("tokenizer.ggml.token_type", .int32s((0..<261).map { $0 < 259 ? 1 : Int32($0 - 256) })),
        ("tokenizer.ggml.eos_token_id", .uint32(259)),
      ]
      return try GGUFTokenizerReader(file.archive().metadata).tokenizer(.test()).tokenizer
    }
    let tokenizer = try read(["a b", "Ġ a", "ab c"])
    #expect(tokenizer.encode("abc ab a") == [258, 32, 256, 257])
    #expect(tokenizer.encode("ab<tool><|end|>").prefix(2) == [256, 260] && !tokenizer.encode("<|end|>").contains(259))
    // Whole pieces come first where llama.cpp ignores merges.
    #expect(try read(["a b"], "gpt-2").encode("abc") == [256, 99])
    #expect(try read(["a b"], "llama-bpe").encode("abc") == [258])
    for name in ["smaug-bpe", "dbrx"] {
      #expect(try read(["a b"], name).encode("abc") == [256, 99])
      #expect(try read(["a b"], name).definition.splitting == .llama3)
    }
    for (merge, said) in [("ab", "is not two tokens"), ("a x y", "uses \"x y\""), ("b a", "uses \"ba\"")] {
      #expect(error { _ = try read([merge]) }?.contains("merge 0 \(said)") == true)
    }
  }

  @Test("templates with names come in, and one that nobody named default is refused")
  func templates() throws {
    let tokenizer = try read {
      $0["tokenizer.chat_templates"] = .texts(["tool_use"])
      $0["tokenizer.chat_template"] = .text("{{ messages[0].content }}")
      $0["tokenizer.chat_template.tool_use"] = .text("x")
    }.tokenizer
    #expect(tokenizer.chatFormat.template?.sources.map(\.name) == ["default", "tool_use"])
    #expect(
      error { _ = try read { $0["tokenizer.chat_template.tool_use"] = .text("x") } }?
        .contains("there is no chat template with the name default") == true)
    let (_, notes) = try read {
      $0["tokenizer.ggml.mood"] = .text("good")
      $0["tokenizer.ggml.suppress_tokens"] = .int32s([1, 2])
    }
    #expect(
      notes.prefix(2) == [
        "x.gguf: \"tokenizer.ggml.mood\", which is \"a text of 4 bytes\", is ignored.",
        "x.gguf: \"tokenizer.ggml.suppress_tokens\", which is \"a list of 2\", is ignored.",
      ], "\(notes)")
  }
}
