import Dialogues
import Support
import Testing

@testable import Tokenizers

/// Bytes, a few merges, a hole, and special tokens at the end; of characters when asked.
private func definition(ofCharacters: Bool = false) -> TokenizerDefinition {
  typealias Token = TokenizerDefinition.Token
  var tokens: [Token] = []
  func add(_ text: String, _ traits: TokenizerDefinition.Traits = .model) {
    tokens.append(Token(id: Int32(tokens.count), bytes: Array(text.utf8), traits: traits))
  }
  if ofCharacters {
    for byte in 0...255 as ClosedRange<UInt8> { add(TokenizerDefinition.byteToken(byte)) }
    for text in ["▁", "a", "b", "▁a", "ab", "▁ab"] { add(text) }
  } else {
    for byte in 0...255 as ClosedRange<UInt8> {
      tokens.append(Token(id: Int32(byte), bytes: [byte], traits: .model))
    }
    for text in [" a", "ab", " ab", "<e", "nd", "<end"] { add(text) }
  }
  tokens.append(Token(id: 270, bytes: Array("<end>".utf8), traits: [.model, .added, .special]))
  tokens.append(Token(id: 271, bytes: Array("<end".utf8) + [0x7E], traits: [.added]))
  var definition = TokenizerDefinition(
    splitting: ofCharacters ? .none : .gpt2, normalization: ofCharacters ? .prepend : .nfc,
    vocabularyCount: 280, tokens: tokens,
    merges: ofCharacters
      ? [.init(left: 257, right: 258, result: 260), .init(left: 256, right: 257, result: 259),
        .init(left: 256, right: 260, result: 261)]
      : [.init(left: 97, right: 98, result: 257), .init(left: 32, right: 97, result: 256),
        .init(left: 32, right: 257, result: 258), .init(left: 60, right: 101, result: 259),
        .init(left: 110, right: 100, result: 260), .init(left: 259, right: 260, result: 261),
        .init(left: 261, right: 62, result: 270)],
    chatFormat: chat)
  definition.fallsBackToBytes = ofCharacters
  return definition
}

private let chat: ChatFormat = {
  let text = """
    {#- strftime_now #}{%- if messages[0].role != 'system' %}{{- 'S:Be.\\n' }}{%- endif %}\
    {%- for m in messages %}{{- '<end>' if m.role == 'user' }}{{- m.role[0] | upper + ': ' + m.content + '\\n' }}\
    {%- endfor %}{%- if add_generation_prompt %}{{- 'A:' }}{%- endif %}
    """
  let template = try! ChatTemplate(
    [.init(name: "default", text: text), .init(name: "tool_use", text: "{{ tools }}")], origin: .files,
    specialTokens: ["eos_token": "<end>"], date: TemplateLab.date, at: "chat_template.jinja")
  return ChatFormat(
    name: "test", template: template, endTokens: [270, 271], answerPrefix: " ", documentBegin: [270],
    documentEnd: [271])
}()

/// The format with another template.
private func changed(
  _ sources: [ChatTemplate.Source], _ specialTokens: [String: String] = [:]
) -> ChatFormat {
  var format = chat
  format.form = .template(
    try! ChatTemplate(sources, origin: .files, specialTokens: specialTokens, date: TemplateLab.date, at: ""))
  return format
}

private typealias Change = @Sendable (inout TokenizerDefinition) -> Void

/// What is refused, and what makes it of a good definition.
private let contradictions: [(String, Change)] = [
  ("the vocabulary has 0 ids; the range is 1…16777216", { $0.vocabularyCount = 0 }),
  ("the vocabulary has 66065 ids for 264 tokens; the limit is 66064", { $0.vocabularyCount = 66_065 }),
  ("token 271 does not follow the one before it in a vocabulary of 271", { $0.vocabularyCount = 271 }),
  ("token 3 does not follow the one before it in a vocabulary of 280", { $0.tokens[4].id = 3 }),
  ("token 4 has 0 bytes; the range is 1 to 4096", { $0.tokens[4].bytes = [] }),
  ("token 4 has the traits 0, which contradict each other", { $0.tokens[4].traits = [] }),
  ("token 4 has the traits 5, which contradict each other", { $0.tokens[4].traits = [.model, .special] }),
  ("token 4 has the traits 128, which contradict each other", { $0.tokens[4].traits = .init(rawValue: 128) }),
  ("tokens 4 and 5 are the same", { $0.tokens[5].bytes = [4] }),
  ("merge 1 uses token 265, which does not exist", { $0.merges[1].left = 265 }),
  ("merge 1 uses token 271, which does not exist", { $0.merges[1].result = 271 }),
  ("merge 1 makes token 257, which is not the sum of its two parts", { $0.merges[1].result = 257 }),
  ("the unknown token 266 does not exist", { $0.unknown = 266 }),
  ("unknown characters are fused, but there is no unknown token", { $0.fusesUnknown = true }),
  ("tokens are made of bytes, so they cannot fall back to bytes", { $0.fallsBackToBytes = true }),
  ("tokens are made of bytes, but normalisation is prepend", { $0.normalization = .prepend }),
  ("tokens are made of characters, but normalisation is nfc", { $0.splitting = .none }),
  ("the chat format names token 269, which does not exist", { $0.chatFormat.endTokens = [269] }),
  ("the chat format names token -1, which does not exist", { $0.chatFormat.documentBegin = [-1] }),
  (
    "the chat format has a list of 256 elements; the limit is 255",
    {
      $0.chatFormat = changed(
        [.init(name: "default", text: "")] + (1...255).map { .init(name: "\($0)", text: "") })
    }
  ),
  (
    "the chat format has a list of 256 elements; the limit is 255",
    {
      $0.chatFormat = changed(
        [.init(name: "default", text: "")],
        Dictionary(uniqueKeysWithValues: (1...256).map { ("\($0)_token", "a") }))
    }
  ),
  (
    "the chat format has a text of 16385 bytes; the limit is 16384",
    { $0.chatFormat.answerPrefix = String(repeating: " ", count: 16_385) }
  ),
  (
    "the chat format has a text of 16385 bytes; the limit is 16384",
    {
      $0.chatFormat = changed(
        [.init(name: "default", text: "")], ["bos_token": String(repeating: "a", count: 16_385)])
    }
  ),
  (
    "the chat template default has 1048577 bytes; the limit is 1048576",
    { $0.chatFormat = changed([.init(name: "default", text: "{#\(String(repeating: "a", count: 1_048_573))#}")]) }
  ),
  (
    "the chat format has a list of 256 elements; the limit is 255",
    { $0.chatFormat.documentEnd = Array(repeating: 270, count: 256) }
  ),
]

@Suite struct DefinitionTests {
  @Test("a definition is what its tokenizer says, and what its binary form holds", arguments: [false, true])
  func roundTrip(ofCharacters: Bool) throws {
    let one = try Tokenizer(definition(ofCharacters: ofCharacters))
    #expect(one.definition == definition(ofCharacters: ofCharacters))
    let two = try Tokenizer(serialized: one.serialized)
    #expect(two.definition == one.definition)
    #expect(two.serialized == one.serialized)
    #expect(two.vocabularyCount == 280)
  }

  @Test("an id without a token decodes to nothing", arguments: [false, true])
  func holes(ofCharacters: Bool) throws {
    let tokenizer = try Tokenizer(definition(ofCharacters: ofCharacters))
    #expect(tokenizer.decode([265, 279, 97, 269]) == tokenizer.decode([97]))
    try tokenizer.check([279])
    #expect(throws: Failure.self) { try tokenizer.check([280]) }
  }

  @Test("no text yields a special token, not even by merges")
  func special() throws {
    for ofCharacters in [false, true] {
      let tokenizer = try Tokenizer(definition(ofCharacters: ofCharacters))
      let tokens = tokenizer.encode("ab<end><end>")
      #expect(!tokens.contains(270))
      #expect(tokenizer.decodeString(tokens) == "ab<end><end>")
    }
    // Up to the last merge, which would make it.
    let tokens = try Tokenizer(definition()).encode("<end>")
    #expect(tokens.count > 1)
  }

  @Test("any bytes come back from a tokenizer of characters, too")
  func bytes() throws {
    let tokenizer = try Tokenizer(definition(ofCharacters: true))
    for index in 0..<50 as Range<UInt64> {
      let bytes = randomBytes(Int(index) * 3, index: index)
      #expect(tokenizer.decode(tokenizer.encode(bytes: bytes)) == bytes)
    }
    #expect(tokenizer.encode("ab ab") == [261, 261])
    #expect(tokenizer.encode("ab", continuing: true) == [260])
  }

  @Test("a megabyte without a cut is encoded in well under a minute")
  func longRun() throws {
    let tokenizer = try Tokenizer(definition(ofCharacters: true))
    let clock = ContinuousClock()
    for letters in ["a", "ab", "a b"] {
      let text = String(repeating: letters, count: 1_000_000 / letters.count)
      var tokens: [Int32] = []
      // A quadratic merge would take hours.
      #expect(clock.measure { tokens = tokenizer.encode(text) } < .seconds(20))
      #expect(tokenizer.decode(tokens) == Array(text.utf8))
    }
  }

  @Test(
    "what contradicts itself is refused, and the error says where",
    arguments: contradictions)
  fileprivate func contradiction(expected: String, change: Change) {
    var changed = definition()
    change(&changed)
    #expect(refusal { _ = try Tokenizer(changed, at: "model.trlhf") } == expected)
  }

  @Test("characters fall back to bytes only where all of them are tokens, and are UTF-8")
  func characters() {
    var changed = definition(ofCharacters: true)
    changed.tokens[65].bytes = [0x78]
    #expect(
      refusal { _ = try Tokenizer(changed, at: "model.trlhf") }
        == "characters fall back to bytes, but there is no token <0x41>")
    changed.tokens[65].bytes = [0xC3]
    #expect(refusal { _ = try Tokenizer(changed, at: "model.trlhf") } == "token 65 is not UTF-8")
  }

  private func refusal(_ body: () throws -> Void) -> String? {
    do { try body() } catch let failure as Failure {
      #expect(failure.kind == .badData && failure.place == "model.trlhf")
      return failure.what
    } catch {}
    return nil
  }

  @Test(
    "a damaged binary form is refused, and the error says how it is damaged",
    arguments: [
      (5, 6, "the tokenizer has the unknown splitting 6"),
      (6, 6, "the tokenizer has the unknown normalisation 6"),
      (7, 16, "the tokenizer has the flags 16, over 15"),
      (8, 1, "the unknown token is 1, which contradicts its flag"),
      (12, 0, "token 256 does not follow the one before it in a vocabulary of 256"),
      (16, 0, "the counts of the tokenizer do not match its 2860 bytes"),
      (23, 1, "the counts of the tokenizer do not match its 2860 bytes"),
      (28 + 7, 1, "record 0 of the tokenizer's tokens is damaged"),
      (28 + 8 + 4, 2, "the counts of the tokenizer do not match its 2860 bytes"),
    ] as [(Int, UInt8, String)])
  func damaged(offset: Int, value: UInt8, expected: String) throws {
    var bytes = try Tokenizer(definition()).serialized
    #expect(bytes.count == 2860)
    bytes[offset] = value
    #expect(refusal { _ = try Tokenizer(serialized: bytes, at: "model.trlhf") } == expected)
  }

  @Test("any cut or flipped bit gives an error or a valid tokenizer, never a trap")
  func fuzz() throws {
    for ofCharacters in [false, true] {
      let good = try Tokenizer(definition(ofCharacters: ofCharacters)).serialized
      for length in stride(from: 0, to: good.count, by: 7) {
        #expect(throws: Failure.self) { try Tokenizer(serialized: Array(good[..<length])) }
      }
      // The header, some tokens, and the chat format.
      for byte in Array(0..<60) + Array(good.count - 150..<good.count) {
        for bit in 0..<8 {
          var bytes = good
          bytes[byte] ^= 1 << bit
          guard let tokenizer = try? Tokenizer(serialized: bytes) else { continue }
          #expect(tokenizer.serialized == bytes)
          _ = try? tokenizer.encode(prompt: [Turn(.user, "ab <end> é")])
        }
      }
    }
  }
}
