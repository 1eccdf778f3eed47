import Support
import Tokenizers

extension HuggingFaceTokenizer {
  /// Writes `tokenizer.json`, `tokenizer_config.json` and the chat templates. `transformers` makes a tokenizer from
  /// them that gives the same tokens. A template is written byte for byte, to the kind of file that it came from.
  ///
  /// - Throws: `Failure(.badData)` for a token that JSON cannot represent; the errors of `Files.writeAtomically`.
  public static func write(_ tokenizer: Tokenizer, to folder: String) throws {
    let writer = try TokenizerWriter(tokenizer.definition)
    try Files.writeAtomically(writer.tokenizerFile, to: "\(folder)/\(file)")
    try Files.writeAtomically(writer.configurationFile, to: "\(folder)/\(configuration)")
    guard let chat = tokenizer.chatFormat.template, [.files, .file, .gguf].contains(chat.origin) else { return }
    for source in chat.sources {
      let text = Array(source.text.utf8)
      guard source.name != ChatTemplate.defaultName else {
        try Files.writeAtomically(text, to: "\(folder)/\(template)")
        continue
      }
      // A checkpoint may come from anyone, so a template's name must not lead out of the folder.
      guard !source.name.isEmpty, !source.name.utf8.contains(where: { $0 == UInt8(ascii: "/") || $0 == 0 }) else {
        throw Failure(
          .badData, "the chat template \(quoted(source.name)) has a name that is not valid for a file",
          remedy: "Import the model again, with one template.")
      }
      try Files.makeFolder("\(folder)/\(furtherTemplates)")
      try Files.writeAtomically(text, to: "\(folder)/\(furtherTemplates)/\(source.name).jinja")
    }
  }
}

/// Writes a definition in Hugging Face's form.
struct TokenizerWriter {
  private typealias Traits = TokenizerDefinition.Traits

  private let definition: TokenizerDefinition
  /// The name of each token in the files.
  private let names: [Int32: [UInt8]]
  private let added: [TokenizerDefinition.Token]

  init(_ definition: TokenizerDefinition) throws {
    self.definition = definition
    names = try Self.names(of: definition)
    added = definition.tokens.filter { $0.traits.contains(.added) }
  }

  static func names(of definition: TokenizerDefinition) throws -> [Int32: [UInt8]] {
    var names: [Int32: [UInt8]] = [:]
    names.reserveCapacity(definition.tokens.count)
    for token in definition.tokens {
      let isName = definition.isOfCharacters || token.traits.contains(.added)
      let name = isName ? token.bytes : ByteAlphabet.encode(token.bytes)
      guard String(validating: name, as: UTF8.self) != nil else {
        throw Failure(
          .badData, "the token \(token.id) is not UTF-8", remedy: "Name another model.")
      }
      names[token.id] = name
    }
    return names
  }

  // MARK: tokenizer.json

  var tokenizerFile: [UInt8] {
    var json = JSONText()
    json.object {
      $0.member("version", "\"1.0\"")
      $0.member("truncation", "null")
      $0.member("padding", "null")
      $0.member("added_tokens") { $0.list(added) { $0.raw(addedToken($1)) } }
      $0.member("normalizer", normalizer)
      $0.member("pre_tokenizer", preTokenizer)
      $0.member("post_processor", postProcessor)
      $0.member("decoder", decoder)
      $0.member("model") { model(&$0) }
    }
    return json.bytes + [0x0A]
  }

  private func addedToken(_ token: TokenizerDefinition.Token) -> String {
    func has(_ trait: TokenizerDefinition.Traits) -> Bool { token.traits.contains(trait) }
    return "{\"id\":\(token.id),\"content\":\(JSONText.text(names[token.id]!)),"
      + "\"single_word\":\(has(.singleWord)),\"lstrip\":\(has(.stripsLeft)),"
      + "\"rstrip\":\(has(.stripsRight)),\"normalized\":\(has(.normalized)),\"special\":\(has(.special))}"
  }

  private func model(_ json: inout JSONText) {
    let holdsAll = needsPlace
    let vocabulary = definition.tokens.filter { $0.traits.contains(.model) || holdsAll }
    json.object {
      $0.member("type", "\"BPE\"")
      $0.member("dropout", "null")
      $0.member("unk_token", definition.unknown.map { JSONText.text(names[$0]!) } ?? "null")
      $0.member("continuing_subword_prefix", "null")
      $0.member("end_of_word_suffix", "null")
      $0.member("fuse_unk", "\(definition.fusesUnknown)")
      $0.member("byte_fallback", "\(definition.fallsBackToBytes)")
      $0.member("ignore_merges", "\(definition.ignoresMerges)")
      $0.member("vocab") {
        $0.object {
          for token in vocabulary { $0.member(names[token.id]!, "\(token.id)") }
        }
      }
      $0.member("merges") {
        $0.list(definition.merges) {
          $0.raw("[\(JSONText.text(names[$1.left]!)),\(JSONText.text(names[$1.right]!))]")
        }
      }
    }
  }

  /// Whether added tokens must be in the model's vocabulary to keep their ids. Added tokens outside it get the next
  /// free ids when the file is read.
  private var needsPlace: Bool {
    let size = definition.tokens.count { $0.traits.contains(.model) }
    var largest: Int?
    for token in added {
      let id = Int(token.id)
      if !token.traits.contains(.model), id != max(size, (largest ?? -1) + 1) { return true }
      largest = max(largest ?? 0, id)
    }
    return false
  }

  private static let byteLevel =
    "{\"type\":\"ByteLevel\",\"add_prefix_space\":false,\"trim_offsets\":true,\"use_regex\":"

  private var preTokenizer: String {
    func split(_ pattern: String) -> String {
      "{\"type\":\"Sequence\",\"pretokenizers\":[{\"type\":\"Split\",\"pattern\":{\"Regex\":"
        + JSONText.text(Array(pattern.utf8)) + "},\"behavior\":\"Isolated\",\"invert\":false},"
        + Self.byteLevel + "false}]}"
    }
    switch definition.splitting {
    case .tinyrlhf: return split(SplitPatterns.tinyrlhf)
    case .llama3: return split(SplitPatterns.llama3)
    case .qwen2: return split(SplitPatterns.qwen2)
    case .gpt2: return Self.byteLevel + "true}"
    case .smollm:
      return "{\"type\":\"Sequence\",\"pretokenizers\":[{\"type\":\"Digits\",\"individual_digits\":true},"
        + Self.byteLevel + "true}]}"
    case .none:
      guard let scheme else { return "null" }
      return "{\"type\":\"Metaspace\",\"replacement\":\"▁\",\"prepend_scheme\":\"\(scheme)\",\"split\":false}"
    }
  }

  private var scheme: String? {
    switch definition.normalization {
    case .metaspaceAlways: "always"
    case .metaspaceFirst: "first"
    case .metaspaceNever: "never"
    case .none, .nfc, .prepend: nil
    }
  }

  private var normalizer: String {
    switch definition.normalization {
    case .nfc: "{\"type\":\"NFC\"}"
    case .prepend:
      "{\"type\":\"Sequence\",\"normalizers\":[{\"type\":\"Prepend\",\"prepend\":\"▁\"},"
        + "{\"type\":\"Replace\",\"pattern\":{\"String\":\" \"},\"content\":\"▁\"}]}"
    case .none, .metaspaceAlways, .metaspaceFirst, .metaspaceNever: "null"
    }
  }

  private var decoder: String {
    guard definition.isOfCharacters else { return Self.byteLevel + "true}" }
    let strip =
      definition.normalization == .metaspaceNever
      ? "" : ",{\"type\":\"Strip\",\"content\":\" \",\"start\":1,\"stop\":0}"
    return "{\"type\":\"Sequence\",\"decoders\":[{\"type\":\"Replace\",\"pattern\":{\"String\":\"▁\"},"
      + "\"content\":\" \"},{\"type\":\"ByteFallback\"},{\"type\":\"Fuse\"}\(strip)]}"
  }

  private var postProcessor: String {
    guard let begin = definition.beginToken, let name = names[begin] else { return "null" }
    let text = JSONText.text(name)
    func piece(_ kind: String, id: String, type: Int) -> String {
      "{\"\(kind)\":{\"id\":\(id),\"type_id\":\(type)}}"
    }
    let single = piece("SpecialToken", id: text, type: 0) + "," + piece("Sequence", id: "\"A\"", type: 0)
    return "{\"type\":\"TemplateProcessing\",\"single\":[\(single)],\"pair\":[\(single),"
      + piece("SpecialToken", id: text, type: 1) + "," + piece("Sequence", id: "\"B\"", type: 1)
      + "],\"special_tokens\":{\(text):{\"id\":\(text),\"ids\":[\(begin)],\"tokens\":[\(text)]}}}"
  }

  // MARK: tokenizer_config.json

  var configurationFile: [UInt8] {
    var json = JSONText()
    json.object {
      $0.member("tokenizer_class", "\"PreTrainedTokenizerFast\"")
      // Without this, `transformers` adds token types, which none of these models accepts.
      $0.member("model_input_names", "[\"input_ids\", \"attention_mask\"]")
      $0.member("clean_up_tokenization_spaces", "false")
      $0.member("model_max_length", "1000000000000000019884624838656")
      let special = specialTokens
      let isKnown = { (key: String) in TokenizerSettings.tokenKeys.contains(key) }
      for (key, name) in special where isKnown(key) { $0.member(key, JSONText.text(name)) }
      let further = special.filter { !isKnown($0.key) }
      if !further.isEmpty {
        $0.member("extra_special_tokens") {
          $0.object { for (key, name) in further { $0.member(key, JSONText.text(name)) } }
        }
      }
      switch definition.chatFormat.form {
      case .tinyrlhf: $0.member("chat_template", JSONText.text(Array(ChatFormat.exportedTemplate.utf8)))
      case .template(let chat):
        switch chat.origin {
        case .named, .configuration:
          $0.member("chat_template", JSONText.text(Array(chat.sources[0].text.utf8)))
        case .configurationList:
          $0.member("chat_template") { $0.list(chat.sources) { $0.raw(Self.named($1)) } }
        case .files, .file, .gguf: break
        }
      }
    }
    return json.bytes + [0x0A]
  }

  private static func named(_ source: ChatTemplate.Source) -> String {
    "{\"name\":\(JSONText.text(Array(source.name.utf8))),\"template\":\(JSONText.text(Array(source.text.utf8)))}"
  }

  /// The special tokens as named by the settings that came with the template; else those that this program knows.
  private var specialTokens: [(key: String, name: [UInt8])] {
    let format = definition.chatFormat
    let known = [
      ("bos_token", definition.beginToken),
      ("eos_token", format.documentEnd.first ?? format.endTokens.first),
      ("unk_token", definition.unknown), ("pad_token", definition.paddingToken),
    ]
    var named: [String: String] = [:]
    if let chat = format.template, chat.origin != .named { named = chat.specialTokens }
    let keys = known.map(\.0) + named.keys.filter { key in !known.contains { $0.0 == key } }.sorted()
    return keys.compactMap { key in
      if !named.isEmpty { return named[key].map { (key, Array($0.utf8)) } }
      return known.first { $0.0 == key }?.1.flatMap { names[$0] }.map { (key, $0) }
    }
  }
}

extension TokenizerDefinition {
  /// The token that begins texts; nil if it also ends them.
  var beginToken: Int32? {
    chatFormat.documentBegin.first.flatMap { chatFormat.documentEnd.contains($0) ? nil : $0 }
  }

  /// A padding token for batches, if there is one. It is never a token that ends a text: `transformers` reads the
  /// score of the last token that is not padding, and a reward model's score is that of the end token.
  var paddingToken: Int32? {
    let ends = chatFormat.endTokens + chatFormat.documentEnd
    return tokens.first { $0.traits.contains(.special) && !ends.contains($0.id) }?.id
  }
}

/// Writes JSON directly, so that a vocabulary's order and the bytes of its texts are kept.
struct JSONText {
  private(set) var bytes: [UInt8] = []
  private var isFirst = true

  mutating func raw(_ text: String) { bytes += text.utf8 }

  mutating func object(_ body: (inout JSONText) -> Void) { nested(between: "{", and: "}", body) }

  mutating func list<Element>(_ elements: [Element], _ each: (inout JSONText, Element) -> Void) {
    nested(between: "[", and: "]") { json in
      for (index, element) in elements.enumerated() {
        if index > 0 { json.raw(",\n") }
        each(&json, element)
      }
    }
  }

  private mutating func nested(between open: String, and close: String, _ body: (inout JSONText) -> Void) {
    let outer = isFirst
    isFirst = true
    raw(open)
    body(&self)
    raw(close)
    isFirst = outer
  }

  mutating func member(_ key: String, _ value: String) { member(Array(key.utf8), value) }

  mutating func member(_ key: [UInt8], _ value: String) {
    member(key) { $0.raw(value) }
  }

  mutating func member(_ key: String, _ body: (inout JSONText) -> Void) { member(Array(key.utf8), body) }

  private mutating func member(_ key: [UInt8], _ body: (inout JSONText) -> Void) {
    raw(isFirst ? "\n" : ",\n")
    isFirst = false
    raw(Self.text(key))
    raw(":")
    body(&self)
  }

  /// A quoted JSON text; `bytes` are UTF-8.
  static func text(_ bytes: [UInt8]) -> String {
    var output: [UInt8] = [UInt8(ascii: "\"")]
    for byte in bytes {
      switch byte {
      case UInt8(ascii: "\""), UInt8(ascii: "\\"): output += [UInt8(ascii: "\\"), byte]
      case 0x0A: output += "\\n".utf8
      case ..<0x20:
        output += "\\u00\(byte < 16 ? "0" : "")\(String(byte, radix: 16))".utf8
      default: output.append(byte)
      }
    }
    output.append(UInt8(ascii: "\""))
    return String(decoding: output, as: UTF8.self)
  }
}
