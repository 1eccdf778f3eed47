import Support
import Tokenizers

/// Tokenizers in Hugging Face's form: `tokenizer.json` and the files that belong to it.
public enum HuggingFaceTokenizer {
  static let file = "tokenizer.json"
  static let configuration = "tokenizer_config.json"
  static let template = "chat_template.jinja"

  static let furtherTemplates = "additional_chat_templates"

  /// Reads the tokenizer of a model's folder.
  ///
  /// - Parameters:
  ///   - vocabulary: rows of the embedding, which equals the number of the tokenizer's ids.
  ///   - chat: how dialogues become tokens.
  /// - Returns: the tokenizer, and notes for the user, one sentence each.
  /// - Throws: `Failure(.badData)` that names what is unknown, damaged or missing.
  public static func read(
    folder: String, vocabulary: Int, chat: ChatChoice
  ) throws -> (tokenizer: Tokenizer, notes: [String]) {
    let reader = try TokenizerReader(folder: folder, vocabulary: vocabulary)
    var read = try reader.tokenizer(chat)
    read.notes = reader.warnings + read.notes
    guard read.tokenizer.endToken != nil else {
      throw Failure(
        .badData, "no file names a token that ends a text", at: folder,
        remedy: "Add \"eos_token\" to \(configuration).")
    }
    return read
  }

  /// Reads a folder, or a `tokenizer.json` of any name with the files next to it, for encoding and decoding.
  public static func read(_ path: String, chat: ChatChoice) throws -> Tokenizer {
    let reader =
      ForeignFolder.isFolder(path)
      ? try TokenizerReader(folder: path, vocabulary: nil)
      : try TokenizerReader(file: path, folder: Files.folder(of: path), vocabulary: nil)
    return try reader.tokenizer(chat).tokenizer
  }

  /// Whether `read(_:)` can read a path.
  public static func isTokenizer(_ path: String) -> Bool {
    path == file || path.hasSuffix("/\(file)") || Files.exists("\(path)/\(file)")
      || ForeignFile(path: path) == .json
  }
}

/// Converts a `tokenizer.json` to a definition.
struct TokenizerReader {
  private typealias Definition = TokenizerDefinition
  private typealias Traits = TokenizerDefinition.Traits

  private let file: TokenizerFile
  private let settings: TokenizerSettings
  private var tokens: [Int32: TokenizerDefinition.Token] = [:]
  /// The ids of tokens in the model's vocabulary.
  private var ids: [[UInt8]: Int32] = [:]
  /// The ids of added tokens.
  private var added: [String: Int32] = [:]
  /// The ids of added tokens that are beyond the embedding's rows.
  private var absent: [[UInt8]: Int] = [:]
  private let vocabulary: Int
  /// Whether a model's embedding limits the ids.
  private let hasEmbedding: Bool

  init(folder: String, vocabulary: Int?) throws {
    let path = "\(folder)/\(HuggingFaceTokenizer.file)"
    guard Files.exists(path) else {
      let other = Files.exists("\(folder)/tokenizer.model") ? "tokenizer.model and no" : "no"
      throw Failure(
        .badData, "has \(other) \(HuggingFaceTokenizer.file)", at: folder,
        remedy: "Save the tokenizer with transformers' AutoTokenizer, which writes one.")
    }
    try self.init(file: path, folder: folder, vocabulary: vocabulary)
  }

  /// - Parameters:
  ///   - path: a `tokenizer.json` of any name.
  ///   - folder: the folder of the files that belong to it.
  init(file path: String, folder: String, vocabulary: Int?) throws {
    let bytes = try Files.read(path, limit: JSONFile.Purpose.tokenizer.limit)
    try ForeignFile.requireNoPointer(bytes, at: path)
    try self.init(bytes, at: path, TokenizerSettings(folder: folder), vocabulary: vocabulary)
  }

  /// Reads the bytes of a `tokenizer.json`.
  init(
    _ bytes: [UInt8], at path: String, _ settings: TokenizerSettings, vocabulary: Int?
  ) throws {
    file = try TokenizerFile(JSONTree(bytes, at: path), at: path)
    self.settings = settings
    hasEmbedding = vocabulary != nil
    let members = file.model["vocab"]?.members ?? []
    guard !members.isEmpty else { throw file.failure("\"model.vocab\" is missing or empty") }
    let largest = (members.compactMap(\.value.integer) + file.added.map(\.id)).max() ?? 0
    self.vocabulary = vocabulary ?? min(largest, Tokenizer.largestVocabulary) + 1
    for token in file.added where hasEmbedding && token.id >= self.vocabulary {
      absent[token.content] = token.id
    }
    try readVocabulary(members)
    try readAdded()
  }

  /// Tokens that are left out because the embedding has no row for them.
  var warnings: [String] {
    let tokens = absent.sorted { $0.value < $1.value }.map { content, id in
      "\(file.place): the added token \(name(content)) has the id \(id), but \(bound): it is left out, and "
        + "its text is read as ordinary text."
    }
    let ends = settings.endIdentifiers.filter { isAbsent($0.id) }.map {
      "\($0.place): \"eos_token_id\" is \($0.id), but \(bound): it is left out."
    }
    return tokens + ends
  }

  private func isAbsent(_ id: Int) -> Bool { hasEmbedding && !(0..<vocabulary).contains(id) }

  private func name(_ token: [UInt8]) -> String { quoted(token) }

  private func checked(_ id: Int, _ token: [UInt8]) throws -> Int32 {
    guard id >= 0, id < vocabulary else {
      throw file.failure("the token \(name(token)) has the id \(id), but \(bound)")
    }
    return Int32(id)
  }

  /// The limit for ids, as a clause.
  private var bound: String {
    hasEmbedding
      ? "the embedding has \(vocabulary) rows" : "ids go from 0 to \(Tokenizer.largestVocabulary)"
  }

  private mutating func readVocabulary(_ members: [JSONTree.Member]) throws {
    let addedContents = Set(file.added.map(\.content))
    ids.reserveCapacity(members.count)
    tokens.reserveCapacity(members.count)
    for member in members where absent[member.key] == nil {
      guard let number = member.value.integer else {
        throw file.failure("the id of \(name(member.key)) is not a whole number")
      }
      let id = try checked(number, member.key)
      let isAdded = addedContents.contains(member.key)
      let bytes = file.splitting == .none ? member.key : ByteAlphabet.decode(member.key)
      guard let bytes = isAdded ? member.key : bytes else {
        throw file.failure(
          "the token \(name(member.key)), id \(id), has a character that represents no byte")
      }
      guard tokens[id] == nil else {
        throw file.failure("\(name(member.key)) has the id \(id) of another token")
      }
      // No merge makes an added token with a character that is not byte-level.
      let isReachable = file.splitting == .none || ByteAlphabet.decode(member.key) == member.key
      tokens[id] = .init(id: id, bytes: bytes, traits: isAdded && !isReachable ? [] : .model)
      ids[member.key] = id
    }
  }

  private mutating func readAdded() throws {
    for token in file.added where absent[token.content] == nil {
      let id = try checked(token.id, token.content)
      guard ids[token.content] ?? id == id, tokens[id]?.bytes ?? token.content == token.content,
        added[String(decoding: token.content, as: UTF8.self)] == nil,
        tokens[id]?.traits.contains(.added) != true
      else {
        throw file.failure("the added token \(name(token.content)) has the id \(id) of another token")
      }
      tokens[id, default: .init(id: id, bytes: token.content, traits: [])].traits.formUnion(token.traits)
      added[String(decoding: token.content, as: UTF8.self)] = id
    }
  }

  func tokenizer(_ chat: ChatChoice) throws -> (tokenizer: Tokenizer, notes: [String]) {
    var tokens = tokens
    // transformers treats the tokens that the settings name as special, even if tokenizer.json does not.
    for name in settings.specialTokens.values {
      guard let id = added[name] ?? ids[Array(name.utf8)] else { continue }
      tokens[id]?.traits.formUnion([.added, .special])
    }
    var definition = TokenizerDefinition(
      splitting: file.splitting, normalization: file.normalization, vocabularyCount: vocabulary,
      tokens: tokens.values.sorted { $0.id < $1.id }, merges: try merges(), chatFormat: .tinyrlhf)
    definition.ignoresMerges = try file.flag("ignore_merges")
    definition.fallsBackToBytes = try file.flag("byte_fallback")
    if let unknown = file.model["unk_token"] {
      guard let token = unknown.bytes, let id = ids[token] else {
        throw file.failure("\"model.unk_token\" is not in the vocabulary")
      }
      definition.unknown = id
      definition.fusesUnknown = try file.flag("fuse_unk")
    }
    try file.requireKnownKeys()
    try settings.requirePrefixSpace(definition.splitting, definition.normalization)
    let ends = try endTokens()
    let begin = try beginToken(ends: ends)
    let reader = ChatFormatReader(
      settings: settings, tokens: definition.tokens, end: ends, begin: begin,
      isOwn: file.splitting == .tinyrlhf)
    let (format, notes) = try reader.format(chat)
    definition.chatFormat = format
    return (try Tokenizer(definition, at: file.place).canonical, notes)
  }

  /// Each merge is "a b" or ["a", "b"].
  private func merges() throws -> [TokenizerDefinition.Rule] {
    guard let list = file.model["merges"]?.list else {
      throw file.failure("\"model.merges\" is missing or not a list")
    }
    return try list.enumerated().map { rank, merge in
      var parts = merge.list?.compactMap(\.bytes) ?? []
      if let text = merge.bytes { parts = text.split(separator: 0x20).map { Array($0) } }
      guard parts.count == 2, merge.list?.count ?? 2 == 2 else {
        throw file.failure("merge \(rank) is not two tokens")
      }
      func id(_ token: [UInt8]) throws -> Int32 {
        guard let id = ids[token] else {
          throw file.failure("merge \(rank) uses \(name(token)), which is not in the vocabulary")
        }
        return id
      }
      return .init(
        left: try id(parts[0]), right: try id(parts[1]), result: try id(parts[0] + parts[1]))
    }
  }

  private func id(_ name: String) throws -> Int32 {
    guard let id = added[name] ?? ids[Array(name.utf8)] else {
      throw Failure(
        .badData, "the token \(quoted(name)) is not in the vocabulary", at: settings.place,
        remedy: "Copy the folder again, or correct it.")
    }
    return id
  }

  /// The tokens that end texts and answers according to the settings; the tokenizer's own comes first.
  private func endTokens() throws -> [Int32] {
    var end: [Int32] = []
    if let token = settings.endToken, absent[Array(token.utf8)] == nil { end.append(try id(token)) }
    for (number, place) in settings.endIdentifiers where !isAbsent(number) {
      guard number >= 0, number < vocabulary else {
        throw Failure(
          .badData, "\"eos_token_id\" is \(number), but \(bound)", at: place,
          remedy: "Copy the file again, or correct it.")
      }
      let token = Int32(number)
      if !end.contains(token), tokens[token] != nil { end.append(token) }
    }
    return end
  }

  /// The token that the tokenizer puts before a text that is not a dialogue.
  private func beginToken(ends: [Int32]) throws -> Int32? {
    guard let prefix = file.prefix else { return settings.addsBegin ? try settings.beginToken.map(id) : nil }
    let token = try id(prefix.name)
    guard prefix.ids ?? [Int(token)] == [Int(token)] else {
      throw file.failure("the post_processor's token \(quoted(prefix.name)) has other ids")
    }
    guard !ends.contains(token) else {
      throw file.unsupported(
        "the tokenizer puts \(quoted(prefix.name)), which ends texts, before every text")
    }
    return token
  }
}
