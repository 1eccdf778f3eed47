import Support
import Tokenizers

/// Reads the tokenizer in a GGUF file's metadata.
struct GGUFTokenizerReader {
  private typealias Kind = GGUFTokenKind
  private typealias Traits = TokenizerDefinition.Traits

  static let tokensKey = "tokenizer.ggml.tokens"
  private static let (modelKey, preKey) = ("tokenizer.ggml.model", "tokenizer.ggml.pre")
  private static let (kindsKey, scoresKey) = ("tokenizer.ggml.token_type", "tokenizer.ggml.scores")
  private static let mergesKey = "tokenizer.ggml.merges"
  /// More than the largest vocabularies have.
  private static let mostTokens = 1 << 20
  private static let mostMerges = 1 << 21
  private static let longestToken = 1 << 12
  private static let unsupported = "Such a tokenizer cannot be imported."

  /// The supported values of `tokenizer.ggml.model`.
  private enum Model: String {
    /// Byte-level merges.
    case gpt2
    /// SentencePiece with scores.
    case llama
  }

  private let metadata: GGUFMetadata
  private let model: Model
  private let names: [[UInt8]]
  private let kinds: [GGUFTokenKind]
  /// What is left out or ignored, one sentence each.
  private(set) var warnings: [String] = []

  /// - Throws: `Failure(.badData)` that names the key.
  init(_ metadata: GGUFMetadata) throws {
    self.metadata = metadata
    model = try Self.model(metadata)
    guard
      let names = try metadata.texts(Self.tokensKey, limit: Self.mostTokens, longest: Self.longestToken), !names.isEmpty
    else {
      throw metadata.failure(
        at: Self.tokensKey, "is missing or empty", remedy: "Name the file of a model with its tokenizer.")
    }
    self.names = names
    kinds = try Self.kinds(metadata, count: names.count)
    try requireKnownKeys()
  }

  private static func model(_ metadata: GGUFMetadata) throws -> Model {
    guard let name = try metadata.optionalText(modelKey) else {
      throw metadata.failure(at: modelKey, "is missing", remedy: "Name the file of a model with its tokenizer.")
    }
    guard let model = Model(rawValue: name) else {
      throw metadata.failure(
        at: modelKey, "the tokenizer \(quoted(name)) is not supported; gpt2 and llama are", remedy: unsupported)
    }
    return model
  }

  /// The number of ids.
  var vocabulary: Int { names.count }

  private static func kinds(_ metadata: GGUFMetadata, count: Int) throws -> [GGUFTokenKind] {
    guard let numbers = try metadata.numbers(kindsKey, limit: mostTokens) else {
      throw metadata.failure(
        at: kindsKey, "is missing", remedy: "Convert the model again with llama.cpp's convert_hf_to_gguf.py.")
    }
    guard numbers.count == count else {
      throw metadata.failure(at: kindsKey, "has \(numbers.count) elements, but there are \(count) tokens")
    }
    return try numbers.enumerated().map { index, number in
      guard let kind = Int32(exactly: number).flatMap(GGUFTokenKind.init) else {
        throw metadata.failure(
          at: kindsKey, "element \(index) is \(ConfigurationFields.text(.number(number))); the range is 1 to 6")
      }
      return kind
    }
  }

  private mutating func requireKnownKeys() throws {
    let fields = try metadata.tokenizerFlags()
    warnings += try fields.requireKnown { key in
      key.hasPrefix("\(GGUFKeys.template).") ? .used : GGUFKeys.tokenizer[key] ?? .warned
    }
  }

  // MARK: The definition

  /// - Throws: `Failure(.badData)`, also for a tokenizer without a token that ends texts.
  func endingTokenizer(_ chat: ChatChoice) throws -> (tokenizer: Tokenizer, notes: [String]) {
    let read = try tokenizer(chat)
    guard read.tokenizer.endToken != nil else {
      throw metadata.failure(
        at: SpecialIdentifiers.key("eos"), "no key names the token that ends a text",
        remedy: "Add it with gguf_new_metadata of PyPI's gguf.")
    }
    return read
  }

  func tokenizer(_ chat: ChatChoice) throws -> (tokenizer: Tokenizer, notes: [String]) {
    var notes = warnings
    var definition: TokenizerDefinition
    let addsBegin: Bool
    switch model {
    case .gpt2: (definition, addsBegin) = try ofBytes(&notes)
    case .llama: (definition, addsBegin) = (try ofCharacters(&notes), true)
    }
    let special = try SpecialIdentifiers(metadata, count: vocabulary, isOfCharacters: definition.isOfCharacters, &notes)
    markSpecial(special.ids, in: &definition)
    if definition.isOfCharacters { definition.unknown = special["unknown"].map { Int32($0) } }
    definition.fusesUnknown = definition.unknown != nil
    let settings = try settings(special, addsBegin: addsBegin, definition)
    let ends = settings.endIdentifiers.map { Int32($0.id) }
    let begin = settings.addsBegin ? special["bos"].map { Int32($0) } : nil
    if let begin, ends.contains(begin) {
      throw metadata.failure(
        at: "tokenizer.ggml.add_bos_token",
        "the tokenizer puts \(quoted(names[Int(begin)])), which ends texts, before every text",
        remedy: Self.unsupported)
    }
    let reader = ChatFormatReader(
      settings: settings, tokens: definition.tokens, end: ends, begin: begin, isOwn: false)
    let (format, found) = try reader.format(chat)
    definition.chatFormat = format
    return (try Tokenizer(definition, at: metadata.path).canonical, notes + found)
  }

  private func definition(
    splitting: TokenizerDefinition.Splitting, normalization: TokenizerDefinition.Normalization,
    tokens: [TokenizerDefinition.Token], merges: [TokenizerDefinition.Rule]
  ) -> TokenizerDefinition {
    TokenizerDefinition(
      splitting: splitting, normalization: normalization, vocabularyCount: vocabulary, tokens: tokens,
      merges: merges, chatFormat: .tinyrlhf)
  }

  /// Whether an id has no token: a filler, which older converters marked as user-defined, or an empty text.
  private func isHole(_ id: Int) -> Bool {
    names[id].isEmpty
      || (kinds[id] == .unused || kinds[id] == .userDefined) && names[id] == GGUFTokenKind.filling(id)
  }

  private func countEmpty(_ notes: inout [String]) {
    let count = names.count { $0.isEmpty }
    if count > 0 { notes.append("\(metadata.place(Self.tokensKey)): \(count) tokens without bytes are left out.") }
  }

  /// The token, if it is special or found in text; nil for other kinds.
  private func added(_ id: Int) -> TokenizerDefinition.Token? {
    let traits: TokenizerDefinition.Traits? =
      switch kinds[id] {
      case .control, .unknown: [.added, .special]
      case .userDefined: .added
      case .normal, .unused, .byte: nil
      }
    return traits.map { .init(id: Int32(id), bytes: names[id], traits: $0) }
  }

  private func markSpecial(_ ids: [Int], in definition: inout TokenizerDefinition) {
    for index in definition.tokens.indices where ids.contains(Int(definition.tokens[index].id)) {
      let id = Int(definition.tokens[index].id)
      definition.tokens[index].bytes = names[id]
      definition.tokens[index].traits.formUnion([.added, .special])
    }
  }

  // MARK: gpt2

  private func ofBytes(_ notes: inout [String]) throws -> (TokenizerDefinition, addsBegin: Bool) {
    guard let name = try metadata.optionalText(Self.preKey) else {
      throw metadata.failure(
        at: Self.preKey, "is missing, so it is unknown how text is split into pieces",
        remedy: "Convert the model again with llama.cpp's convert_hf_to_gguf.py.")
    }
    guard let pre = GGUFPreTokenizer.all.first(where: { $0.name == name }) else {
      let known = GGUFPreTokenizer.all.map(\.name).joined(separator: ", ")
      throw metadata.failure(
        at: Self.preKey, "the splitting \(quoted(name)) is not supported; \(known) are", remedy: Self.unsupported)
    }
    countEmpty(&notes)
    var tokens = try names.indices.compactMap { isHole($0) ? nil : try added($0) ?? byteLevel($0) }
    let merges = try merges()
    let merged = Set(merges.flatMap { [$0.left, $0.right, $0.result] })
    // A token that a merge makes or uses is a token of the model, in addition to its other traits.
    for index in tokens.indices where merged.contains(tokens[index].id) { tokens[index].traits.formUnion(.model) }
    var definition = definition(
      splitting: pre.splitting, normalization: pre.normalization, tokens: tokens, merges: merges)
    definition.ignoresMerges = pre.ignoresMerges
    return (definition, pre.addsBegin)
  }

  private func byteLevel(_ id: Int) throws -> TokenizerDefinition.Token {
    guard let bytes = ByteAlphabet.decode(names[id]) else {
      throw metadata.failure(
        at: Self.tokensKey, "the token \(quoted(names[id])), id \(id), has a character that represents no byte")
    }
    return .init(id: Int32(id), bytes: bytes, traits: .model)
  }

  /// Each merge is "a b", in the vocabulary's own characters.
  private func merges() throws -> [TokenizerDefinition.Rule] {
    guard let list = try metadata.texts(Self.mergesKey, limit: Self.mostMerges, longest: 2 * Self.longestToken + 1)
    else { throw metadata.failure(at: Self.mergesKey, "is missing") }
    var ids: [[UInt8]: Int32] = [:]
    ids.reserveCapacity(names.count)
    for (id, name) in names.enumerated() { ids[name] = Int32(id) }
    return try list.enumerated().map { rank, merge in
      guard let space = merge.dropFirst().firstIndex(of: 0x20) else {
        throw metadata.failure(at: Self.mergesKey, "merge \(rank) is not two tokens")
      }
      func id(_ token: [UInt8]) throws -> Int32 {
        guard let id = ids[token] else {
          throw metadata.failure(at: Self.mergesKey, "merge \(rank) uses \(quoted(token)), which is not a token")
        }
        return id
      }
      let (left, right) = (Array(merge[..<space]), Array(merge[(space + 1)...]))
      return .init(left: try id(left), right: try id(right), result: try id(left + right))
    }
  }

  // MARK: llama

  private func ofCharacters(_ notes: inout [String]) throws -> TokenizerDefinition {
    countEmpty(&notes)
    let scores = try scores()
    let tokens = names.indices.compactMap { id -> TokenizerDefinition.Token? in
      if isHole(id) { return nil }
      return added(id) ?? .init(id: Int32(id), bytes: names[id], traits: .model)
    }
    try requireBytes(tokens)
    let pieces = tokens.filter { $0.traits == .model }
      .map { SentencePieceMerges.Piece(id: $0.id, bytes: $0.bytes, score: scores[Int($0.id)]) }
    guard let rules = SentencePieceMerges(pieces).rules(atMost: Self.mostMerges) else {
      throw metadata.failure(at: Self.tokensKey, "gives more than \(Self.mostMerges) merges of two tokens")
    }
    let addsSpace = try metadata.optionalFlag("tokenizer.ggml.add_space_prefix") ?? true
    var definition = definition(
      splitting: .none, normalization: addsSpace ? .prepend : .metaspaceNever, tokens: tokens, merges: rules)
    definition.fallsBackToBytes = true
    return definition
  }

  private func scores() throws -> [Float] {
    guard let scores = try metadata.numbers(Self.scoresKey, limit: Self.mostTokens) else {
      throw metadata.failure(at: Self.scoresKey, "is missing")
    }
    guard scores.count == names.count else {
      throw metadata.failure(at: Self.scoresKey, "has \(scores.count) elements, but there are \(names.count) tokens")
    }
    return try scores.enumerated().map { index, score in
      guard score.isFinite else { throw metadata.failure(at: Self.scoresKey, "element \(index) is \(score)") }
      return Float(score)
    }
  }

  /// llama.cpp writes byte tokens for characters without a token.
  private func requireBytes(_ tokens: [TokenizerDefinition.Token]) throws {
    let names = Set(tokens.filter { $0.traits.contains(.model) }.map(\.bytes))
    for byte in 0...255 as ClosedRange<UInt8> {
      let name = TokenizerDefinition.byteToken(byte)
      guard names.contains(Array(name.utf8)) else {
        throw metadata.failure(at: Self.tokensKey, "the byte token \(name) is missing", remedy: Self.unsupported)
      }
    }
  }

  // MARK: Beginning, end and template

  private func settings(
    _ special: SpecialIdentifiers, addsBegin: Bool, _ definition: TokenizerDefinition
  ) throws -> TokenizerSettings {
    var tokens: [String: String] = [:]
    for (key, name) in SpecialIdentifiers.tokenKeys {
      tokens[key] = special[name].map { String(decoding: names[$0], as: UTF8.self) }
    }
    var ends: [(id: Int, place: String)] = []
    for name in ["eos", "eot", "eom"] {
      guard let id = special[name], !ends.contains(where: { $0.id == id }) else { continue }
      ends.append((id, metadata.place(SpecialIdentifiers.key(name))))
    }
    return TokenizerSettings(
      at: metadata.path, specialTokens: tokens,
      addsBegin: try metadata.optionalFlag("tokenizer.ggml.add_bos_token") ?? addsBegin, endIdentifiers: ends,
      templates: try templates(), origin: .gguf, templatePlace: metadata.place(GGUFKeys.template))
  }

  private static let mostTemplates = 255

  private func templates() throws -> [ChatTemplate.Source] {
    var sources: [ChatTemplate.Source] = []
    func add(_ name: String, from key: String) throws {
      guard let text = try metadata.optionalText(key, limit: ChatTemplate.longestText) else { return }
      sources.append(.init(name: name, text: text))
    }
    try add(ChatTemplate.defaultName, from: GGUFKeys.template)
    let prefix = "\(GGUFKeys.template)."
    let further = metadata.values.keys.filter { $0.hasPrefix(prefix) }.sorted()
    guard further.count < Self.mostTemplates else {
      throw metadata.failure(
        at: GGUFKeys.templates, "there are \(further.count) chat templates; the limit is \(Self.mostTemplates)")
    }
    // A template with the name default is skipped if there is one without a name; they may be the same text.
    for key in further where key != prefix + ChatTemplate.defaultName || sources.isEmpty {
      try add(String(key.dropFirst(prefix.count)), from: key)
    }
    return sources
  }
}

/// The ids of tokens with a special role; an id without a token is left out with a warning.
private struct SpecialIdentifiers {
  /// The names in transformers, and in GGUF.
  static let tokenKeys = [
    ("bos_token", "bos"), ("eos_token", "eos"), ("unk_token", "unknown"), ("sep_token", "seperator"),
    ("pad_token", "padding"), ("cls_token", "cls"), ("mask_token", "mask"),
  ]
  /// llama.cpp's defaults for SentencePiece vocabularies if no key is given.
  private static let ofCharacters = ["bos": 1, "eos": 2, "unknown": 0]

  static func key(_ name: String) -> String { "tokenizer.ggml.\(name)_token_id" }

  private var byName: [String: Int] = [:]

  init(_ metadata: GGUFMetadata, count: Int, isOfCharacters: Bool, _ notes: inout [String]) throws {
    for name in Self.tokenKeys.map(\.1) + ["eot", "eom"] {
      let key = Self.key(name)
      let standard = isOfCharacters ? Self.ofCharacters[name].flatMap { $0 < count ? $0 : nil } : nil
      guard let id = try metadata.optionalInteger(key) else {
        byName[name] = standard
        continue
      }
      if (0..<count).contains(id) {
        byName[name] = id
      } else {
        notes.append("\(metadata.place(key)): it is \(id), but there are \(count) tokens: it is left out.")
      }
    }
  }

  subscript(name: String) -> Int? { byName[name] }

  /// The tokens that begin or end something; they are special, whatever their kind.
  var ids: [Int] { ["bos", "eos", "eot", "eom"].compactMap { byName[$0] } }
}

extension GGUFMetadata {
  /// The tokenizer's keys. Flags and numbers have their values; texts and lists are described by their length.
  fileprivate func tokenizerFlags() throws -> ConfigurationFields {
    var object: [String: JSONValue] = [:]
    for (key, value) in values where key.hasPrefix(GGUFKeys.tokenizerPrefix) {
      object[key] =
        switch value {
        case .number(let number): .number(number)
        case .bool(let flag): .bool(flag)
        case .text(let range): .string("a text of \(range.count) bytes")
        case .list(_, let count, _): .string("a list of \(count)")
        }
    }
    return ConfigurationFields(object, at: path, judge: "llama.cpp")
  }
}
