import Support

/// What stands beside a `tokenizer.json`: which tokens begin and end texts, and the chat template.
struct TokenizerSettings {
  let place: String
  /// The names of tokens.
  let beginToken: String?
  let endToken: String?
  let addsBegin: Bool
  /// Ids, of `generation_config.json` and `config.json`.
  let endIdentifiers: [Int]
  let template: String?
  /// The file that the template stands in.
  let templatePlace: String

  init(folder: String) throws {
    func read(_ file: String) throws -> [String: JSONValue] {
      let path = "\(folder)/\(file)"
      guard Files.exists(path) else { return [:] }
      return try JSONFile.read([String: JSONValue].self, from: path, .configuration)
    }
    place = folder
    let settings = try read(HuggingFaceTokenizer.configuration)
    func token(_ key: String) -> String? { settings[key]?.string ?? settings[key]?["content"]?.string }
    beginToken = token("bos_token")
    endToken = token("eos_token")
    addsBegin = settings["add_bos_token"] == .bool(true)
    var identifiers: [Int] = []
    for file in ["generation_config.json", "config.json"] {
      guard let value = try read(file)["eos_token_id"] else { continue }
      for number in value.array ?? [value] {
        if let id = number.number.flatMap({ Int(exactly: $0) }), !identifiers.contains(id) {
          identifiers.append(id)
        }
      }
    }
    endIdentifiers = identifiers
    let path = "\(folder)/\(HuggingFaceTokenizer.template)"
    templatePlace = Files.exists(path) ? path : "\(folder)/\(HuggingFaceTokenizer.configuration)"
    if Files.exists(path) {
      let bytes = try Files.read(path, limit: JSONFile.Purpose.configuration.limit)
      template = String(decoding: bytes, as: UTF8.self)
    } else {
      let templates = settings["chat_template"]
      template =
        templates?.string
        ?? templates?.array?.first { $0["name"]?.string == "default" }?["template"]?.string
    }
  }

  /// The format that the template writes: plain without a template, nil for one that is not known.
  var format: TemplateFormat? {
    template.map { TemplateFormat($0, begin: beginToken, end: endToken) } ?? .plain
  }

  /// Whether the template writes the token that begins texts.
  var templateBegins: Bool {
    guard let template else { return false }
    return template.contains("bos_token")
      || beginToken != endToken && beginToken.map { template.contains($0) } == true
  }
}
