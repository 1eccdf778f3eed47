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

  private func shows(_ texts: String...) -> Bool {
    texts.allSatisfy { template?.contains($0) == true }
  }

  /// The format whose tokens occur in the template.
  var formatName: String {
    if shows("<|im_start|>", "<|im_end|>") { return "chatml" }
    if shows("<|start_header_id|>", "<|eot_id|>") { return "llama3" }
    if shows("<|user|>", "<|assistant|>"), shows("eos_token") || endToken.map({ shows($0) }) == true {
      return "zephyr"
    }
    if shows("Human:", "Assistant:") { return "hh-rlhf" }
    return "plain"
  }

  /// Whether the template says that a turn is its text alone, as our own exports of such models do.
  var isPlain: Bool { shows("message['role'] == 'user' %}{{- '' + message['content'] + '' }}") }

  /// Whether the template writes the token that begins texts.
  var templateBegins: Bool {
    shows("bos_token") || beginToken != endToken && beginToken.map { shows($0) } == true
  }

  /// What ChatML's templates make the system say where it has no turn.
  var standingSystem: String? {
    guard formatName == "chatml", let template else { return nil }
    for begin in ["<|im_start|>system\\n", "<|im_start|>system\n"] {
      for part in template.split(separator: begin, omittingEmptySubsequences: false).dropFirst() {
        guard let end = part.firstRange(of: "<|im_end|>") else { continue }
        let text = part[..<end.lowerBound]
        if !text.isEmpty, !text.contains(where: { "'\"{}+\\".contains($0) }) { return String(text) }
      }
    }
    return nil
  }
}
