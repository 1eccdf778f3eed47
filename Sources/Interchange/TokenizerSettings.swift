import Support
import Tokenizers

/// The settings of a tokenizer outside its vocabulary: the tokens that begin and end texts, and the chat template.
struct TokenizerSettings {
  let place: String
  /// The name of a token; the same for `endToken`.
  let beginToken: String?
  let endToken: String?
  let addsBegin: Bool
  /// Ids that end texts or answers, each with the file that lists it: `generation_config.json` or `config.json`.
  let endIdentifiers: [(id: Int, place: String)]
  /// Whether a space is put before a text; nil if the settings do not say.
  private let addsPrefixSpace: Bool?
  /// Special tokens as transformers names them: `bos_token` → `<s>`.
  let specialTokens: [String: String]
  /// The chat templates, in the order of the file.
  let templates: [ChatTemplate.Source]
  let templateOrigin: ChatTemplate.Origin
  /// The file that contains the templates.
  let templatePlace: String

  /// - Parameters:
  ///   - specialTokens: token names by `tokenKeys`.
  ///   - endIdentifiers: ids that end texts or answers, and where they are listed.
  init(
    at place: String, specialTokens: [String: String], addsBegin: Bool,
    endIdentifiers: [(id: Int, place: String)], templates: [ChatTemplate.Source],
    origin: ChatTemplate.Origin, templatePlace: String
  ) {
    self.place = place
    beginToken = specialTokens["bos_token"]
    endToken = specialTokens["eos_token"]
    self.addsBegin = addsBegin
    self.endIdentifiers = endIdentifiers
    addsPrefixSpace = nil
    self.specialTokens = specialTokens
    self.templates = templates
    templateOrigin = origin
    self.templatePlace = templatePlace
  }

  init(folder: String) throws {
    func read(_ file: String) throws -> [String: JSONValue] {
      let path = "\(folder)/\(file)"
      guard Files.exists(path) else { return [:] }
      return try JSONFile.read([String: JSONValue].self, from: path, .configuration)
    }
    place = folder
    let settings = try read(HuggingFaceTokenizer.configuration)
    let settingsPath = "\(folder)/\(HuggingFaceTokenizer.configuration)"
    func wrong(_ key: String, isNot noun: String, at path: String) -> Failure {
      Failure(
        .badData, "\"\(key)\" is not \(noun)", at: path, remedy: "Copy the file again, or correct it.")
    }
    func token(_ key: String) throws -> String? {
      guard let value = settings[key], value != .null else { return nil }
      guard let name = value.string ?? value["content"]?.string else {
        throw wrong(key, isNot: "the text of a token", at: settingsPath)
      }
      return name
    }
    func flag(_ key: String) throws -> Bool? {
      guard let value = settings[key], value != .null else { return nil }
      guard value == .bool(true) || value == .bool(false) else {
        throw wrong(key, isNot: "true or false", at: settingsPath)
      }
      return value == .bool(true)
    }
    let defaults = Self.defaults(ofClass: settings["tokenizer_class"]?.string)
    var tokens: [String: String] = [:]
    for key in Self.tokenKeys {
      // null removes the default of the class.
      tokens[key] = settings[key] == nil ? defaults[key] : try token(key)
    }
    // Tokens specific to a model, such as image_token.
    for (key, value) in settings where key.hasSuffix("_token") && !Self.tokenKeys.contains(key) {
      tokens[key] = value.string ?? value["content"]?.string
    }
    for (key, value) in settings["extra_special_tokens"]?.object ?? [:] {
      tokens[key] = value.string ?? value["content"]?.string
    }
    specialTokens = tokens
    beginToken = tokens["bos_token"]
    endToken = tokens["eos_token"]
    addsBegin = try flag("add_bos_token") ?? false
    addsPrefixSpace = try flag("add_prefix_space")
    // "clean_up_tokenization_spaces" is ignored: real files have it, but it only changes how transformers displays an
    // answer.
    guard try flag("add_eos_token") != true else {
      throw Failure(
        .badData, "\"add_eos_token\" puts a token after every text, including prompts", at: settingsPath,
        remedy: "Set it to false if this is not intended.")
    }
    var identifiers: [(id: Int, place: String)] = []
    for file in ["generation_config.json", "config.json"] {
      guard let value = try read(file)["eos_token_id"], value != .null else { continue }
      for number in value.array ?? [value] {
        guard let id = number.number.flatMap({ Int(exactly: $0) }) else {
          throw wrong("eos_token_id", isNot: "a whole number, or a list of them", at: "\(folder)/\(file)")
        }
        if !identifiers.contains(where: { $0.id == id }) { identifiers.append((id, "\(folder)/\(file)")) }
      }
    }
    endIdentifiers = identifiers
    (templates, templateOrigin, templatePlace) = try Self.templates(folder, settings)
  }

  static let tokenKeys = [
    "bos_token", "eos_token", "unk_token", "sep_token", "pad_token", "cls_token", "mask_token",
  ]

  /// The defaults of transformers for tokens that the file does not name.
  private static func defaults(ofClass name: String?) -> [String: String] {
    let text = "<|endoftext|>"
    let slow = name.map { $0.hasSuffix("Fast") ? String($0.dropLast(4)) : $0 }
    switch slow {
    case "GPT2Tokenizer": return ["bos_token": text, "eos_token": text, "unk_token": text]
    case "GPTNeoXTokenizer": return ["bos_token": text, "eos_token": text, "unk_token": text]
    case "Qwen2Tokenizer": return ["eos_token": text, "unk_token": text, "pad_token": text]
    case "LlamaTokenizer": return ["bos_token": "<s>", "eos_token": "</s>", "unk_token": "<unk>"]
    default: return [:]
    }
  }

  /// As in transformers, `chat_template.jinja` and the folder of additional templates override the key in
  /// `tokenizer_config.json`.
  private static func templates(
    _ folder: String, _ settings: [String: JSONValue]
  ) throws -> ([ChatTemplate.Source], ChatTemplate.Origin, place: String) {
    func source(_ name: String, from path: String) throws -> ChatTemplate.Source {
      let bytes = try Files.read(path, limit: ChatTemplate.longestText)
      guard let text = String(validating: bytes, as: UTF8.self) else {
        throw Failure(.badData, "is not UTF-8", at: path, remedy: "Copy the file again.")
      }
      return .init(name: name, text: text)
    }
    let path = "\(folder)/\(HuggingFaceTokenizer.template)"
    let further = "\(folder)/\(HuggingFaceTokenizer.furtherTemplates)"
    var sources: [ChatTemplate.Source] = []
    if Files.exists(path) { sources.append(try source(ChatTemplate.defaultName, from: path)) }
    let files = Files.exists(further) ? try Files.names(in: further) : []
    for file in files where file.hasSuffix(".jinja") {
      sources.append(try source(String(file.dropLast(6)), from: "\(further)/\(file)"))
    }
    if !sources.isEmpty { return (sources, .files, path) }
    let place = "\(folder)/\(HuggingFaceTokenizer.configuration)"
    guard let value = settings["chat_template"], value != .null else { return ([], .configuration, place) }
    if let text = value.string { return ([.init(name: ChatTemplate.defaultName, text: text)], .configuration, place) }
    let list = value.array ?? []
    let named = list.compactMap { item in
      item["name"]?.string.flatMap { name in item["template"]?.string.map { ChatTemplate.Source(name: name, text: $0) } }
    }
    guard !named.isEmpty, named.count == list.count else {
      throw Failure(
        .badData, "\"chat_template\" is neither a text nor a list of {\"name\", \"template\"}", at: place,
        remedy: "Copy the file again, or correct it.")
    }
    return (named, .configurationList, place)
  }

  /// - Throws: `Failure(.badData)` if the settings and the pipeline differ about the space before a text.
  func requirePrefixSpace(
    _ splitting: TokenizerDefinition.Splitting, _ normalization: TokenizerDefinition.Normalization
  ) throws {
    guard let wanted = addsPrefixSpace else { return }
    let isAdded = splitting == .none && normalization != .metaspaceNever
    guard wanted == isAdded else {
      throw Failure(
        .badData, "\"add_prefix_space\" is \(wanted), but tokenizer.json says otherwise",
        at: "\(place)/\(HuggingFaceTokenizer.configuration)", remedy: "Correct the one that is wrong.")
    }
  }
}
