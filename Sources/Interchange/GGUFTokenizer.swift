import Support
import Tokenizers

/// A tokenizer as metadata for llama.cpp.
struct GGUFTokenizer {
  private typealias Kind = GGUFTokenKind

  private let definition: TokenizerDefinition
  private let preTokenizer: String
  private let names: [Int32: [UInt8]]
  private var tokens: [[UInt8]]
  private var kinds: [Kind]

  /// - Parameters:
  ///   - count: rows of the embedding; ids without a token are filled.
  ///   - place: the checkpoint.
  /// - Throws: `Failure(.badData)` for a tokenizer that llama.cpp would encode differently.
  init(_ definition: TokenizerDefinition, count: Int, at place: String) throws {
    self.definition = definition
    preTokenizer = try Self.preTokenizer(of: definition, at: place)
    try Self.requireKnown(definition, at: place)
    names = try TokenizerWriter.names(of: definition)
    tokens = (0..<count).map(GGUFTokenKind.filling)
    kinds = [Kind](repeating: .unused, count: count)
    for token in definition.tokens {
      let (id, name) = (Int(token.id), names[token.id]!)
      guard tokens.indices.contains(id) else {
        throw Failure(
          .badData,
          "the token \"\(String(decoding: name, as: UTF8.self))\" has the id \(id), but the embedding has "
            + "\(count) rows", at: place, remedy: "Export the model that this tokenizer belongs to.")
      }
      (tokens[id], kinds[id]) = (name, kind(token, name))
    }
  }

  private func kind(_ token: TokenizerDefinition.Token, _ name: [UInt8]) -> Kind {
    if definition.isOfCharacters {
      if token.id == definition.unknown { return .unknown }
      if !token.traits.contains(.added), name.count == 6, name.starts(with: "<0x".utf8), name[5] == 0x3E {
        return .byte
      }
    }
    guard token.traits.contains(.added) else { return .normal }
    return token.traits.contains(.special) ? .control : .userDefined
  }

  private static func refusal(_ what: String, at place: String) -> Failure {
    Failure(.badData, what, at: place, remedy: "Export the model in Hugging Face's form.")
  }

  /// llama.cpp's name of the pre-tokenizer.
  private static func preTokenizer(of definition: TokenizerDefinition, at place: String) throws -> String {
    if definition.isOfCharacters { return "default" }
    guard let known = GGUFPreTokenizer.best(for: definition) else {
      throw refusal("llama.cpp does not support the pre-tokenizer of this program's own tokenizers", at: place)
    }
    return known.name
  }

  /// Refuses features that llama.cpp always handles differently.
  private static func requireKnown(_ definition: TokenizerDefinition, at place: String) throws {
    func text(_ token: TokenizerDefinition.Token) -> String { String(decoding: token.bytes, as: UTF8.self) }
    let added = definition.tokens.filter { $0.traits.contains(.added) }
    if let token = added.first(where: {
      !$0.traits.isDisjoint(with: [.stripsLeft, .stripsRight, .singleWord])
    }) {
      throw refusal(
        "llama.cpp does not support lstrip, rstrip and single_word of the added token \"\(text(token))\"",
        at: place)
    }
    // After a token that is found in text, llama.cpp starts again with a space.
    if [.metaspaceAlways, .metaspaceFirst].contains(definition.normalization),
      let token = added.first(where: { !$0.traits.contains(.special) })
    {
      throw refusal("llama.cpp would put a space after the added token \"\(text(token))\"", at: place)
    }
    if definition.isOfCharacters, !definition.fallsBackToBytes {
      throw refusal("llama.cpp would fall back to bytes, but this tokenizer does not", at: place)
    }
    // llama.cpp ignores merges only with some of the pre-tokenizers that split text as Llama 3 does.
    let ignoresMerges = GGUFPreTokenizer.best(for: definition)?.ignoresMerges ?? false
    guard definition.ignoresMerges != ignoresMerges else { return }
    var theirs = definition
    theirs.ignoresMerges.toggle()
    let (a, b) = (try Tokenizer(definition, at: place), try Tokenizer(theirs, at: place))
    if let token = definition.tokens.first(where: {
      $0.traits.contains(.model) && a.encode(bytes: $0.bytes) != b.encode(bytes: $0.bytes)
    }) {
      throw refusal(
        "llama.cpp would \(theirs.ignoresMerges ? "ignore" : "apply") merges, which changes the encoding of "
          + "the token \"\(text(token))\"", at: place)
    }
  }

  func add(to gguf: inout GGUFFile) {
    gguf.add("tokenizer.ggml.model", definition.isOfCharacters ? "llama" : "gpt2")
    gguf.add("tokenizer.ggml.pre", preTokenizer)
    gguf.add("tokenizer.ggml.tokens", .texts(tokens))
    gguf.add("tokenizer.ggml.token_type", .int32s(kinds.map(\.rawValue)))
    if definition.isOfCharacters {
      gguf.add("tokenizer.ggml.scores", .float32s(scores))
      let addsSpace = definition.normalization.isMetaspace && definition.normalization != .metaspaceNever
      gguf.add("tokenizer.ggml.add_space_prefix", .bool(addsSpace))
    } else {
      let merges = definition.merges.map { names[$0.left]! + [0x20] + names[$0.right]! }
      gguf.add("tokenizer.ggml.merges", .texts(merges))
    }
    let beginning = definition.beginToken
    let chat = definition.chatFormat
    let special = chat.template?.specialTokens ?? [:]
    func id(_ key: String) -> Int32? { special[key].flatMap { identifier(of: $0) } }
    func add(_ key: String, _ id: Int32?) {
      if let id { gguf.add("tokenizer.ggml.\(key)_token_id", .uint32(Int(id))) }
    }
    let end = id("eos_token") ?? chat.endTokens.first
    add("bos", beginning ?? id("bos_token"))
    add("eos", end)
    // Another token that ends an answer; llama.cpp stops at both.
    if let answerEnd = chat.endTokens.first, answerEnd != end { add("eot", answerEnd) }
    add("unknown", definition.unknown ?? id("unk_token"))
    add("padding", id("pad_token"))
    gguf.add("tokenizer.ggml.add_bos_token", .bool(beginning != nil))
    addTemplates(to: &gguf)
  }

  private func identifier(of name: String) -> Int32? {
    let bytes = Array(name.utf8)
    return definition.tokens.first { $0.bytes == bytes && $0.traits.contains(.added) }?.id
  }

  private func addTemplates(to gguf: inout GGUFFile) {
    let sources = definition.chatFormat.template?.sources ?? []
    let further = sources.filter { $0.name != ChatTemplate.defaultName }
    if !further.isEmpty { gguf.add("tokenizer.chat_templates", .texts(further.map { Array($0.name.utf8) })) }
    for source in sources {
      let isDefault = source.name == ChatTemplate.defaultName
      gguf.add("tokenizer.chat_template\(isDefault ? "" : ".\(source.name)")", source.text)
    }
  }

  /// For tokens made of characters, llama.cpp applies the merge whose result has the highest score. Tokens that no
  /// merge makes get the lowest score.
  private var scores: [Float] {
    var scores = [Float](repeating: -Float(definition.merges.count + 1), count: tokens.count)
    for (rank, merge) in definition.merges.enumerated().reversed() {
      scores[Int(merge.result)] = -Float(rank + 1)
    }
    return scores
  }
}
