import Support

/// The tokenizer of a folder in Hugging Face's form, as the metadata that llama.cpp reads.
struct GGUFTokenizer {
  private struct File: Decodable {
    struct Added: Decodable {
      var id: Int
      var content: String
      var special: Bool
    }

    struct Model: Decodable {
      var type: String?
      var vocab: [String: Int]
      var merges: [JSONValue]
      var byte_fallback: Bool?
    }

    var model: Model
    var added_tokens: [Added]
    var normalizer: JSONValue?
    var pre_tokenizer: JSONValue?
    var post_processor: JSONValue?
  }

  /// Kinds of tokens, llama.cpp's numbers.
  private enum Kind: Int32 {
    case normal = 1
    case unknown = 2
    case control = 3
    case userDefined = 4
    case unused = 5
    case byte = 6
  }

  private let isOfCharacters: Bool
  private let preTokenizer: String
  private let tokens: [[UInt8]]
  private let kinds: [Kind]
  private var merges: [String]
  private var scores: [Float]
  private let addsBeginning: Bool
  /// Whether a text of characters begins with a space more than it has.
  private let addsSpace: Bool

  /// - Parameter count: rows of the embedding; ids without a token are filled.
  init(folder: String, count: Int) throws {
    let path = "\(folder)/tokenizer.json"
    let file = try JSONFile.read(File.self, from: path, .tokenizer)
    isOfCharacters = file.model.byte_fallback ?? false
    preTokenizer =
      isOfCharacters ? "default" : try Self.name(of: file.pre_tokenizer ?? .null, at: path)
    addsBeginning = !Self.parts(file.post_processor, "TemplateProcessing").isEmpty
    let spaces = Self.parts(file.pre_tokenizer, "Metaspace")
    addsSpace =
      !Self.parts(file.normalizer, "Prepend").isEmpty
      || spaces.contains { $0["prepend_scheme"] != .string("never") }
    // llama.cpp begins anew, with a space, behind a token that is found in text.
    if !spaces.isEmpty, addsSpace, let token = file.added_tokens.first(where: { !$0.special }) {
      throw Failure(
        .badData, "llama.cpp would put a space behind the added token \"\(token.content)\"", at: path,
        remedy: "Export the model in Hugging Face's form.")
    }
    var tokens = (0..<count).map { Array("[PAD\($0)]".utf8) }
    var kinds = [Kind](repeating: .unused, count: count)
    func set(_ id: Int, _ text: String, _ kind: Kind) throws {
      guard tokens.indices.contains(id) else {
        throw Failure(
          .badData, "the token \"\(text)\" has the id \(id), and the embedding \(count) rows", at: path,
          remedy: "Export the model that this tokenizer belongs to.")
      }
      (tokens[id], kinds[id]) = (Array(text.utf8), kind)
    }
    for (text, id) in file.model.vocab {
      let isByte = isOfCharacters && text.utf8.count == 6 && text.hasPrefix("<0x") && text.hasSuffix(">")
      try set(id, text, isByte ? .byte : isOfCharacters && text == "<unk>" ? .unknown : .normal)
    }
    for token in file.added_tokens where !(isOfCharacters && token.content == "<unk>") {
      try set(token.id, token.content, token.special ? .control : .userDefined)
    }
    (self.tokens, self.kinds) = (tokens, kinds)
    merges = []
    scores = [Float](repeating: 0, count: count)
    for (rank, merge) in file.model.merges.enumerated() {
      let parts = merge.array?.compactMap(\.string) ?? []
      merges.append(merge.string ?? parts.joined(separator: " "))
      let joined = merge.string?.split(separator: " ").joined() ?? parts.joined()
      // Of characters, llama.cpp merges what makes the token with the highest score.
      if isOfCharacters, let id = file.model.vocab[joined], scores[id] == 0 {
        scores[id] = -Float(rank + 1)
      }
    }
  }

  /// llama.cpp's name of a pre-tokenizer.
  private static func name(of preTokenizer: JSONValue, at path: String) throws -> String {
    let parts = preTokenizer["pretokenizers"]?.array ?? [preTokenizer]
    let last = parts[parts.count - 1]
    if last["type"]?.string == "ByteLevel" {
      let splits = last["use_regex"] ?? .bool(true)
      if parts.count == 1, splits == .bool(true) { return "gpt-2" }
      if parts.count == 2, splits == .bool(true), parts[0]["type"]?.string == "Digits",
        parts[0]["individual_digits"] == .bool(true)
      {
        return "smollm"
      }
      if parts.count == 2, splits == .bool(false), let pattern = parts[0]["pattern"]?["Regex"]?.string,
        let name = patterns[pattern]
      {
        return name
      }
    }
    throw Failure(
      .badData, "llama.cpp has no pre-tokenizer like \(try JSON.line(preTokenizer))", at: path,
      remedy: "Export the model in Hugging Face's form.")
  }

  private static func pattern(digits: String) -> String {
    #"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}"# + digits
      + #"| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+"#
  }

  private static let patterns = [pattern(digits: "{1,3}"): "llama-bpe", pattern(digits: ""): "qwen2"]

  /// The parts of a type in a part of a tokenizer, which may be a sequence of others.
  private static func parts(_ value: JSONValue?, _ type: String) -> [JSONValue] {
    guard let value else { return [] }
    if value["type"]?.string == type { return [value] }
    let inner = ["normalizers", "pretokenizers", "processors"].flatMap { value[$0]?.array ?? [] }
    return inner.flatMap { parts($0, type) }
  }

  func add(to gguf: inout GGUFFile, beginning: Int32?, end: Int32?) {
    gguf.add("tokenizer.ggml.model", isOfCharacters ? "llama" : "gpt2")
    gguf.add("tokenizer.ggml.pre", preTokenizer)
    gguf.add("tokenizer.ggml.tokens", .texts(tokens))
    gguf.add("tokenizer.ggml.token_type", .int32s(kinds.map(\.rawValue)))
    if isOfCharacters {
      gguf.add("tokenizer.ggml.scores", .float32s(scores))
      gguf.add("tokenizer.ggml.add_space_prefix", .bool(addsSpace))
    } else {
      gguf.add("tokenizer.ggml.merges", .texts(merges.map { Array($0.utf8) }))
    }
    if let beginning { gguf.add("tokenizer.ggml.bos_token_id", .uint32(Int(beginning))) }
    if let end { gguf.add("tokenizer.ggml.eos_token_id", .uint32(Int(end))) }
    gguf.add("tokenizer.ggml.add_bos_token", .bool(addsBeginning))
  }
}
