import Support
import Tokenizers

/// A `tokenizer.json`, without the other files of the folder.
struct TokenizerFile {
  private typealias Definition = TokenizerDefinition

  /// A token of the list `added_tokens`.
  struct Added {
    let id: Int
    let content: [UInt8]
    let traits: TokenizerDefinition.Traits
  }

  /// A special token that a post-processor adds.
  struct Prefix {
    let name: String
    /// The ids that it writes for the token, if given.
    let ids: [Int]?
  }

  let splitting: TokenizerDefinition.Splitting
  let normalization: TokenizerDefinition.Normalization
  let model: JSONTree
  let added: [Added]
  /// The special token that is put before every text.
  let prefix: Prefix?
  let place: String

  /// - Throws: `Failure(.badData)` that names anything this program does not support.
  init(_ root: JSONTree, at place: String) throws {
    self.place = place
    guard let model = root["model"] else {
      throw Failure(
        .badData, "the key \"model\" is missing", at: place, remedy: "Name a tokenizer's folder.")
    }
    self.model = model
    (splitting, normalization) = try TokenizerPipeline(place: place).kind(root)
    prefix = try TokenizerPipeline(place: place).prefix(root["post_processor"])
    guard let list = (root["added_tokens"] ?? .list([])).list else {
      throw Failure(
        .badData, "\"added_tokens\" is not a list", at: place, remedy: "Copy the file again, or correct it.")
    }
    added = try list.enumerated().map { try Self.added($1, number: $0, at: place) }
    // Padding does not change a single text, so it is ignored.
    guard root["truncation"] == nil else {
      throw Failure(
        .badData, "the tokenizer truncates texts", at: place,
        remedy: "Set \"truncation\" to null to use whole texts.")
    }
    try checkModel()
  }

  func failure(_ what: String) -> Failure {
    Failure(.badData, what, at: place, remedy: "Copy the file again, or correct it.")
  }

  private static func added(_ tree: JSONTree, number: Int, at place: String) throws -> Added {
    guard let id = tree["id"]?.integer, let content = tree["content"]?.bytes, !content.isEmpty else {
      throw Failure(
        .badData, "added token \(number) has no id or no content", at: place,
        remedy: "Copy the file again, or correct it.")
    }
    var traits: Definition.Traits = .added
    for (key, trait) in [
      ("special", .special), ("normalized", .normalized), ("lstrip", .stripsLeft),
      ("rstrip", .stripsRight), ("single_word", .singleWord),
    ] as [(String, Definition.Traits)] {
      guard let value = tree[key] else { continue }
      guard let flag = value.bool else {
        throw Failure(
          .badData, "\"\(key)\" of the added token \(quoted(content)) is not true or false", at: place,
          remedy: "Copy the file again, or correct it.")
      }
      if flag { traits.insert(trait) }
    }
    return Added(id: id, content: content, traits: traits)
  }

  func unsupported(_ what: String) -> Failure {
    Failure(.badData, what, at: place, remedy: "Such a tokenizer cannot be imported.")
  }

  /// Refuses unknown keys of the model, because they may change what it does.
  func requireKnownKeys() throws {
    let known = [
      "type", "dropout", "unk_token", "continuing_subword_prefix", "end_of_word_suffix", "fuse_unk",
      "byte_fallback", "ignore_merges", "vocab", "merges",
    ]
    for member in model.members ?? [] where !known.contains(where: { member.key.elementsEqual($0.utf8) }) {
      throw unsupported("the tokenizer's model has the unknown key \(quoted(member.key))")
    }
  }

  private func checkModel() throws {
    // GPT-2's own file has no type. Only BPE models have merges.
    let type = model["type"]?.string ?? (model["merges"] == nil ? "(none)" : "BPE")
    guard type == "BPE" else {
      throw unsupported("the tokenizer's model is \(shortened(Array(type.utf8))), but only BPE is supported")
    }
    for key in ["continuing_subword_prefix", "end_of_word_suffix"] {
      guard model[key]?.bytes?.isEmpty ?? (model[key] == nil) else {
        throw unsupported("the tokenizer's model has a \(key)")
      }
    }
    if let dropout = model["dropout"], dropout != .number(0) {
      throw unsupported("the tokenizer's model has a dropout")
    }
  }

  func flag(_ key: String) throws -> Bool {
    guard let value = model[key] else { return false }
    guard let flag = value.bool else { throw failure("\"model.\(key)\" is not true or false") }
    return flag
  }
}

/// The parts of a `tokenizer.json` around its model; each must match a known form.
struct TokenizerPipeline {
  let place: String

  private func unknown(_ what: String, _ tree: JSONTree) -> Failure {
    let type = tree["type"]?.bytes.map { shortened($0) } ?? "without a type"
    return Failure(
      .badData, "the tokenizer's \(what) \(type) is not supported in this form", at: place,
      remedy: "Such a tokenizer cannot be imported.")
  }

  /// The parts of a `Sequence`, or the part itself.
  private func flat(_ tree: JSONTree?, _ key: String) -> [JSONTree] {
    guard let tree else { return [] }
    guard tree["type"]?.string == "Sequence", let parts = tree[key]?.list else { return [tree] }
    return parts.flatMap { flat($0, key) }
  }

  func kind(
    _ root: JSONTree
  ) throws -> (TokenizerDefinition.Splitting, TokenizerDefinition.Normalization) {
    let (splitting, metaspace) = try splitting(flat(root["pre_tokenizer"], "pretokenizers"))
    var normalization = try normalization(flat(root["normalizer"], "normalizers"))
    if let metaspace {
      guard normalization == .none else { throw unknown("normalizer", root["normalizer"] ?? .null) }
      normalization = metaspace
    }
    try checkDecoder(flat(root["decoder"], "decoders"), normalization)
    guard (splitting == .none) == normalization.isMetaspace else {
      throw Failure(
        .badData, "the tokenizer's normalizer and pre_tokenizer do not match", at: place,
        remedy: "Such a tokenizer cannot be imported.")
    }
    return (splitting, normalization)
  }

  private func splitting(
    _ parts: [JSONTree]
  ) throws -> (TokenizerDefinition.Splitting, TokenizerDefinition.Normalization?) {
    switch parts.map({ $0["type"]?.string ?? "" }) {
    case []: return (.none, nil)
    case ["ByteLevel"] where isByteLevel(parts[0], usesPattern: true): return (.gpt2, nil)
    case ["Digits", "ByteLevel"]
    where parts[0]["individual_digits"]?.bool == true && isByteLevel(parts[1], usesPattern: true):
      return (.smollm, nil)
    case ["Split", "ByteLevel"] where isByteLevel(parts[1], usesPattern: false):
      return (try known(parts[0]), nil)
    case ["Metaspace"]: return (.none, try metaspace(parts[0]))
    default: break
    }
    throw unknown("pre_tokenizer", parts.first { isUnknown($0) } ?? parts[0])
  }

  private func isUnknown(_ tree: JSONTree) -> Bool {
    !["ByteLevel", "Digits", "Split", "Metaspace"].contains(tree["type"]?.string ?? "")
  }

  private func isByteLevel(_ tree: JSONTree, usesPattern: Bool) -> Bool {
    tree["add_prefix_space"]?.bool == false && (tree["use_regex"]?.bool ?? true) == usesPattern
  }

  private func known(_ split: JSONTree) throws -> TokenizerDefinition.Splitting {
    guard let pattern = split["pattern"]?["Regex"]?.string,
      split["behavior"]?.string == "Isolated", split["invert"]?.bool ?? false == false
    else { throw unknown("pre_tokenizer", split) }
    guard let known = SplitPatterns.known.first(where: { $0.pattern == pattern }) else {
      throw Failure(
        .badData, "the tokenizer's pattern \(shortened(Array(pattern.utf8), limit: 1000)) is not supported", at: place,
        remedy: "Such a tokenizer cannot be imported.")
    }
    return known.splitting
  }

  private func metaspace(_ tree: JSONTree) throws -> TokenizerDefinition.Normalization {
    guard tree["replacement"]?.string == "▁", tree["split"]?.bool == false else {
      throw unknown("pre_tokenizer", tree)
    }
    switch tree["prepend_scheme"]?.string {
    case "always": return .metaspaceAlways
    case "first": return .metaspaceFirst
    case "never": return .metaspaceNever
    default: throw unknown("pre_tokenizer", tree)
    }
  }

  private func isReplacement(_ tree: JSONTree, of old: String, with new: String) -> Bool {
    tree["pattern"]?["String"]?.string == old && tree["content"]?.string == new
  }

  private func normalization(_ parts: [JSONTree]) throws -> TokenizerDefinition.Normalization {
    switch parts.map({ $0["type"]?.string ?? "" }) {
    case []: return .none
    case ["NFC"]: return .nfc
    case ["Prepend", "Replace"]
    where parts[0]["prepend"]?.string == "▁" && isReplacement(parts[1], of: " ", with: "▁"):
      return .prepend
    default:
      throw unknown(
        "normalizer", parts.first { !["NFC", "Prepend", "Replace"].contains($0["type"]?.string) }
          ?? parts[0])
    }
  }

  private func checkDecoder(
    _ parts: [JSONTree], _ normalization: TokenizerDefinition.Normalization
  ) throws {
    let names = parts.map { $0["type"]?.string ?? "" }
    guard normalization.isMetaspace else {
      guard names == ["ByteLevel"] else { throw unknown("decoder", parts.first ?? .null) }
      return
    }
    let isStripping = normalization != .metaspaceNever
    switch names {
    case ["Replace", "ByteFallback", "Fuse"] where !isStripping && isReplacement(parts[0], of: "▁", with: " "):
      return
    case ["Replace", "ByteFallback", "Fuse", "Strip"]
    where isStripping && isReplacement(parts[0], of: "▁", with: " ") && parts[3]["content"]?.string == " "
      && parts[3]["start"]?.integer == 1 && parts[3]["stop"]?.integer == 0:
      return
    case ["ByteFallback", "Fuse", "Metaspace"], ["ByteFallback", "Metaspace"]:
      if parts[names.count - 1]["replacement"]?.string == "▁" { return }
    default: break
    }
    throw unknown("decoder", parts.first ?? .null)
  }

  /// The special token that a post-processor puts before a text; no others are allowed.
  func prefix(_ processor: JSONTree?) throws -> TokenizerFile.Prefix? {
    var prefix: TokenizerFile.Prefix?
    for part in flat(processor, "processors") {
      switch part["type"]?.string {
      case "ByteLevel": break
      case "TemplateProcessing":
        var pieces = (part["single"]?.list ?? [])[...]
        guard let last = pieces.popLast(), last["Sequence"]?["id"]?.string == "A" else {
          throw refused("a text is not the last part of the tokenizer's post_processor")
        }
        for piece in pieces {
          guard let name = piece["SpecialToken"]?["id"]?.string else { throw unknown("post_processor", part) }
          guard prefix == nil else {
            throw refused("the tokenizer's post_processor puts more than one token before a text")
          }
          let ids = part["special_tokens"]?[name]?["ids"]?.list?.map { $0.integer ?? -1 }
          prefix = .init(name: name, ids: ids)
        }
      default: throw unknown("post_processor", part)
      }
    }
    return prefix
  }

  private func refused(_ what: String) -> Failure {
    Failure(.badData, what, at: place, remedy: "Such a tokenizer cannot be imported.")
  }
}
