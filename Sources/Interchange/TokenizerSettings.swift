import Support
import Tokenizers

/// What stands beside a `tokenizer.json`: which tokens begin and end texts, and the chat template.
struct TokenizerSettings {
  let place: String
  /// The names of tokens.
  let beginToken: String?
  let endToken: String?
  let addsBegin: Bool
  /// Ids, and the file that says so: `generation_config.json` or `config.json`.
  let endIdentifiers: [(id: Int, place: String)]
  /// Whether a text gets a space in front, where the settings say so.
  private let addsPrefixSpace: Bool?
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
    let settingsPath = "\(folder)/\(HuggingFaceTokenizer.configuration)"
    func wrong(_ key: String, _ noun: String, _ path: String) -> Failure {
      Failure(
        .badData, "\"\(key)\" is not \(noun)", at: path, remedy: "Copy the file again, or correct it.")
    }
    func token(_ key: String) throws -> String? {
      guard let value = settings[key], value != .null else { return nil }
      guard let name = value.string ?? value["content"]?.string else {
        throw wrong(key, "the text of a token", settingsPath)
      }
      return name
    }
    func flag(_ key: String) throws -> Bool? {
      guard let value = settings[key], value != .null else { return nil }
      guard value == .bool(true) || value == .bool(false) else {
        throw wrong(key, "true or false", settingsPath)
      }
      return value == .bool(true)
    }
    beginToken = try token("bos_token")
    endToken = try token("eos_token")
    addsBegin = try flag("add_bos_token") ?? false
    addsPrefixSpace = try flag("add_prefix_space")
    // "clean_up_tokenization_spaces" is not looked at: real files have it, and it changes only how
    // transformers shows an answer.
    guard try flag("add_eos_token") != true else {
      throw Failure(
        .badData, "\"add_eos_token\" puts a token behind every text, prompts too", at: settingsPath,
        remedy: "Set it to false if that is not meant.")
    }
    var identifiers: [(id: Int, place: String)] = []
    for file in ["generation_config.json", "config.json"] {
      guard let value = try read(file)["eos_token_id"], value != .null else { continue }
      for number in value.array ?? [value] {
        guard let id = number.number.flatMap({ Int(exactly: $0) }) else {
          throw wrong("eos_token_id", "a whole number, or a list of them", "\(folder)/\(file)")
        }
        if !identifiers.contains(where: { $0.id == id }) { identifiers.append((id, "\(folder)/\(file)")) }
      }
    }
    endIdentifiers = identifiers
    let path = "\(folder)/\(HuggingFaceTokenizer.template)"
    templatePlace = Files.exists(path) ? path : "\(folder)/\(HuggingFaceTokenizer.configuration)"
    if Files.exists(path) {
      let bytes = try Files.read(path, limit: JSONFile.Purpose.configuration.limit)
      template = String(decoding: bytes, as: UTF8.self)
    } else {
      let templates = settings["chat_template"].flatMap { $0 == .null ? nil : $0 }
      template =
        templates?.string
        ?? templates?.array?.first { $0["name"]?.string == "default" }?["template"]?.string
      guard (template == nil) == (templates == nil) else {
        throw wrong("chat_template", "a text, or a list with one whose name is default", settingsPath)
      }
    }
  }

  /// The format that the template writes: plain without a template, nil for one that is not known.
  var format: TemplateFormat? {
    template.map { TemplateFormat($0, begin: beginToken, end: endToken) } ?? .plain
  }

  /// - Throws: `Failure(.badData)` if the settings want another space in front of a text than the pipeline.
  func requirePrefixSpace(
    _ splitting: TokenizerDefinition.Splitting, _ normalization: TokenizerDefinition.Normalization
  ) throws {
    guard let wanted = addsPrefixSpace else { return }
    let isAdded = splitting == .none && normalization != .metaspaceNever
    guard wanted == isAdded else {
      throw Failure(
        .badData, "\"add_prefix_space\" is \(wanted), and tokenizer.json says otherwise",
        at: "\(place)/\(HuggingFaceTokenizer.configuration)", remedy: "Correct the one that is wrong.")
    }
  }

  /// Whether the template writes the token that begins texts.
  var templateBegins: Bool {
    guard let template else { return false }
    return template.contains("bos_token")
      || beginToken != endToken && beginToken.map { template.contains($0) } == true
  }
}
