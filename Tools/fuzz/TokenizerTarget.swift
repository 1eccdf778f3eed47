// The reader of tokenizers, and what must hold for every tokenizer that it accepts.
import Dialogues
import Support

@testable import Tokenizers

/// An input is one byte; with its bit 0 a list of merges whose header is put before them, without it the
/// serialised tokenizer as it is; then a text. With bit 1 the text is also taken as a string, and as ids.
/// With bit 2 it is a tokenizer of another kind: see `definition`.
struct TokenizerTarget: Target {
  static func seeds() -> [[UInt8]] {
    let trained = Tokenizer.train(on: ["the cat sat on the mat, the cat sat"], vocabularySize: 266)
    let merges = trained.serialized.dropFirst(12)
    return [
      [0, 0], [1, 0],
      [0, UInt8(trained.serialized.count)] + trained.serialized + Array("the cat".utf8),
      [1, UInt8(merges.count / 4)] + merges + Array("the cat sat on the mat".utf8),
      [1, 1, 101, 0, 101, 0] + [UInt8](repeating: 97, count: 70), [1, 0] + Array("don't 1234  é 😀\n".utf8),
      [3, 0] + Array("don't 1234  é 😀\n".utf8),
    ] + (0..<12).map { kind in
      [4, kind, kind % 6, kind &* 37, 3, 97, 98, 32, 97, 32, 0, 2, 1, 2, 0x61, 0x62, 3, 3, 0x3C, 0x61, 0x3E, 0]
        + Array("don't <a> 1234  ab é 😀\n".utf8)
    }
  }

  func run(_ input: UnsafeRawBufferPointer) throws {
    var input = Bytes(input)
    let mode = input.u8()
    if mode & 4 != 0 { return try runDefinition(&input) }
    let isHeaderless = mode & 1 == 1
    let count = Int(input.u8())
    var serialized: [UInt8] = []
    if isHeaderless { serialized = Array("TRBP".utf8) + [1, 2, 0, 0, UInt8(count), 0, 0, 0] }
    for merge in 0..<count {
      guard isHeaderless else {
        serialized.append(input.u8())
        continue
      }
      // Most ids of noise are not there yet, and a refusal at the first merge teaches nothing.
      for _ in 0..<2 {
        let id = input.u16()
        let bounded = id & 0x8000 == 0 ? 4 + id % (256 + merge) : id
        serialized += [UInt8(bounded & 255), UInt8(bounded >> 8)]
      }
    }
    let tokenizer = try Tokenizer(serialized: serialized)
    require(tokenizer.serialized == serialized, "the same tokenizer has other bytes")
    let text = Array(input.rest)
    let tokens = tokenizer.encode(bytes: text)
    require(tokenizer.decode(tokens) == text, "\(text) came back as \(tokenizer.decode(tokens))")
    require(tokens.allSatisfy { $0 >= Tokenizer.firstByte }, "a text yielded a special token")
    try tokenizer.check(tokens)
    guard mode & 2 != 0 else { return }
    let string = String(decoding: text, as: UTF8.self)
    require(tokenizer.encode(string) == tokenizer.encode(bytes: Array(string.utf8)), "text and bytes differ")
    // Ids from outside.
    let ids = text.map { Int32(Int8(bitPattern: $0)) << 1 }
    try tokenizer.check(ids)
    _ = tokenizer.decodeString(ids, namingSpecialTokens: true)
  }

  private func runDefinition(_ input: inout Bytes) throws {
    var definition = definition(&input)
    let edits = input.u8()
    var serialized = (try? Tokenizer(definition))?.serialized ?? []
    if edits & 1 == 0 || serialized.isEmpty {
      // As it is, consistent or not.
      _ = try Tokenizer(definition)
    } else {
      for _ in 0..<edits % 4 {
        let place = (input.u16() &* 7) % serialized.count
        serialized[edits & 8 == 0 ? place : serialized.count - 1 - place % 200] = input.u8()
      }
    }
    let tokenizer = try Tokenizer(serialized: serialized)
    require(tokenizer.serialized == serialized, "the same tokenizer has other bytes")
    definition = tokenizer.definition
    let text = Array(input.rest)
    let tokens = tokenizer.encode(bytes: text)
    try tokenizer.check(tokens)
    let special = Set(definition.tokens.filter { $0.traits.contains(.special) }.map(\.id))
    require(
      tokens.allSatisfy { !special.contains($0) || $0 == definition.unknown }, "a text yielded a special token")
    let isExact = definition.normalization == .none || definition.normalization == .prepend
    let keepsBytes = definition.isOfCharacters ? definition.fallsBackToBytes : has256(definition)
    let stripsNothing = definition.tokens.allSatisfy {
      $0.traits.isDisjoint(with: [.stripsLeft, .stripsRight, .normalized])
    }
    let hasMetaspace = text.contains(0xE2) || definition.isOfCharacters && !special.isEmpty
    if isExact, keepsBytes, stripsNothing, !hasMetaspace, definition.tokens.allSatisfy({ $0.traits == .model }) {
      require(tokenizer.decode(tokens) == text, "\(text) came back as \(tokenizer.decode(tokens))")
    }
    let turn = Turn(.user, String(decoding: text, as: UTF8.self))
    let completion = tokenizer.encode(completion: turn.content)
    let (prompt, answer) = (Prompt(turns: [turn]), Turn(.assistant, turn.content))
    let learnt = try tokenizer.encode(prompt, answer: answer)
    require(
      try tokenizer.encode(dialogue: Prompt(turns: [turn, answer])).starts(with: learnt.tokens),
      "a prompt and its answer are not how the dialogue begins")
    let again = try Tokenizer(serialized: tokenizer.serialized)
    require(try again.encode(prompt: prompt) == tokenizer.encode(prompt: prompt), "what was stored renders otherwise")
    _ = tokenizer.decode(completion: completion)
  }

  /// Own format, and templates: without special tokens, with one, with one for answers alone.
  private static let templates: [ChatTemplate?] = [
    nil, "{% for m in messages %}{{ m.role[0] ~ ':' ~ m.content ~ '\n' }}{% endfor %}",
    "{% for m in messages %}<a>{{ m.content | trim }}{{ eos_token }}{% endfor %}",
    "{% for m in messages %}{% if m.role == 'user' %}U:{{ m.content }}\n{% else %}A: {{ m.content ~ eos_token }}"
      + "{% endif %}{% endfor %}{% if add_generation_prompt %}A:{% endif %}",
  ].map { text in
    text.flatMap { text in
      try? ChatTemplate(
        [.init(name: ChatTemplate.defaultName, text: text)], origin: .file, specialTokens: ["eos_token": "<a>"],
        date: ChatTemplate.noDate, at: "t")
    }
  }

  private func has256(_ definition: TokenizerDefinition) -> Bool {
    Set(definition.tokens.filter { $0.traits == .model && $0.bytes.count == 1 }.map(\.bytes)).count == 256
  }

  /// A kind, its flags, merges of tokens that exist, and added tokens: mostly consistent.
  private func definition(_ input: inout Bytes) -> TokenizerDefinition {
    typealias Definition = TokenizerDefinition
    let (kind, normal, flags) = (input.u8(), input.u8(), input.u8())
    let splitting = Definition.Splitting.allCases[Int(kind) % Definition.Splitting.allCases.count]
    let isOfCharacters = splitting == .none
    var normalization = Definition.Normalization.allCases[Int(normal) % 6]
    if normalization.isMetaspace != isOfCharacters, flags & 128 == 0 {
      normalization = isOfCharacters ? .prepend : .nfc
    }
    var tokens: [Definition.Token] = []
    func add(_ bytes: [UInt8], _ traits: Definition.Traits) {
      tokens.append(.init(id: Int32(tokens.count), bytes: bytes, traits: traits))
    }
    for byte in 0...255 as ClosedRange<UInt8> {
      add(isOfCharacters ? Array(Definition.byteToken(byte).utf8) : [byte], .model)
    }
    if isOfCharacters { for text in ["▁", "a", "b", "é", "1"] { add(Array(text.utf8), .model) } }
    var merges: [Definition.Rule] = []
    for _ in 0..<input.u8() % 32 {
      let first = isOfCharacters ? 256 : 0
      let (left, right) = (first + Int(input.u8()) % (tokens.count - first), first + Int(input.u8()) % (tokens.count - first))
      merges.append(.init(left: Int32(left), right: Int32(right), result: Int32(tokens.count)))
      add(tokens[left].bytes + tokens[right].bytes, .model)
    }
    for _ in 0..<input.u8() % 8 {
      let traits = Definition.Traits(rawValue: input.u8() & 127 | 2)
      add((0..<input.u8() % 8).map { _ in input.u8() }, traits)
    }
    let end = Int32(tokens.count - 1)
    var format = ChatFormat.tinyrlhf
    if let template = Self.templates[Int(flags & 3)] {
      format.form = .template(template)
      (format.name, format.endTokens, format.documentBegin, format.documentEnd) = ("template", [end], [], [end])
      format.answerPrefix = flags & 4 == 0 ? " " : ""
    }
    var definition = Definition(
      splitting: splitting, normalization: normalization, vocabularyCount: tokens.count + Int(flags & 7),
      tokens: tokens, merges: merges, chatFormat: format)
    definition.ignoresMerges = flags & 8 != 0
    definition.fallsBackToBytes = isOfCharacters && flags & 16 == 0
    if flags & 32 != 0 { definition.unknown = 3 }
    definition.fusesUnknown = flags & 64 != 0 && definition.unknown != nil
    return definition
  }
}
