import Dialogues
import Support

/// Fields next to the dialogue, in a row of any format, that change what the model sees or learns.
struct RowContext {
  var system: String?
  var tools: [JSONValue] = []
  var templateArguments: JSONObject = [:]

  private static let media = ["images", "image", "videos", "video", "audios", "audio"]
  /// Flags for training: 0 and false mean that the row or message is not learnt.
  static let flags = ["train", "training", "trainable", "loss", "loss_mask", "weight"]

  /// - Throws: `Failure(.badData)` for content that a model cannot read or that is ambiguous; `Unusable` for a row
  ///   marked as not to be learnt.
  init(_ row: RowFields) throws {
    for key in Self.media where row.says(key) {
      throw Failure(
        .badData, "\"\(key)\" is not empty, but models here read only text",
        remedy: "Leave such rows out, or remove the key if the text is complete without it.")
    }
    for key in Self.flags {
      if let value = row[key], try !Self.isLearnt(value, named: key) {
        throw Unusable("\"\(key)\" marks the row as not to be trained on")
      }
    }
    if row.says("mask") { throw Self.ambiguousMask("mask") }
    let texts = try ["system", "system_prompt"].compactMap { key in
      try row.optionalText(key).flatMap { $0.isBlank ? nil : (key: key, text: $0) }
    }
    if let first = texts.first, let other = texts.dropFirst().first(where: { $0.text != first.text }) {
      throw Failure(
        .badData, "\"\(first.key)\" and \"\(other.key)\" differ", remedy: "Remove the wrong one.")
    }
    system = texts.first?.text
    tools = try Self.list(row["tools"], named: "tools")
    templateArguments = try Self.arguments(row["chat_template_kwargs"])
  }

  /// Whether a flag means that the row or message is learnt; null counts as true.
  static func isLearnt(_ value: JSONValue, named name: String) throws -> Bool {
    switch value {
    case .null: return true
    case .bool(let flag): return flag
    default: break
    }
    guard let number = value.number else { throw value.isNot("true or false", named: name) }
    guard number == 0 || number == 1 else {
      throw Failure(
        .badData, "\"\(name)\" is \(value.shown), but weights other than 0 and 1 are not supported",
        remedy: "Write 0 or 1, or leave the key out. To give a row more weight, repeat it.")
    }
    return number == 1
  }

  static func ambiguousMask(_ name: String) -> Failure {
    Failure(
      .badData, "\"\(name)\" is ambiguous: it may mark what to train on or what not to train on",
      remedy: "Write \"train\": true or false instead.")
  }

  /// A list, or a JSON text of a list, as some data sets store it.
  static func list(_ value: JSONValue?, named name: String) throws -> [JSONValue] {
    guard let value, !value.isEmpty else { return [] }
    if let list = value.array { return list }
    guard let text = value.string, let list = try? JSON.parse(text.utf8, at: "").array else {
      throw Failure(.badData, "\"\(name)\" is neither a list nor the JSON text of one")
    }
    return list
  }

  static func arguments(_ value: JSONValue?) throws -> JSONObject {
    guard let value, !value.isEmpty else { return [:] }
    if let object = value.object { return object }
    guard let text = value.string, let object = try? JSON.parse(text.utf8, at: "").object else {
      throw Failure(.badData, "\"chat_template_kwargs\" is neither an object nor the JSON text of one")
    }
    return object
  }

  /// The prompt with these fields added, and the number of positions by which its turns have moved.
  /// - Throws: `Failure(.badData)` if the prompt contains a different value for one of the fields.
  func applied(to prompt: Prompt) throws -> (prompt: Prompt, moved: Int) {
    var prompt = prompt
    if !tools.isEmpty {
      guard prompt.tools.isEmpty || prompt.tools == tools else { throw Self.differing("tools") }
      prompt.tools = tools
    }
    if !templateArguments.isEmpty {
      guard prompt.templateArguments.isEmpty || prompt.templateArguments == templateArguments else {
        throw Self.differing("chat_template_kwargs")
      }
      prompt.templateArguments = templateArguments
    }
    guard let system else { return (prompt, 0) }
    if let first = prompt.turns.first, first.role == .system || first.role == .developer {
      guard first.content == system else { throw Self.differing("system") }
      return (prompt, 0)
    }
    prompt.turns.insert(Turn(.system, system), at: 0)
    return (prompt, 1)
  }

  private static func differing(_ key: String) -> Failure {
    Failure(
      .badData, "\"\(key)\" of the row and of its dialogue differ", remedy: "Remove the wrong one.")
  }

  /// An example with these fields added to its prompt.
  /// - Throws: `Failure(.badData)` for a document, which cannot have them.
  func applied(to example: Example) throws -> Example {
    switch example {
    case .prompt(let prompt): return .prompt(try applied(to: prompt).prompt)
    case .refutedAnswer(let prompt): return .refutedAnswer(try applied(to: prompt).prompt)
    case .demonstration(var demonstration):
      let (prompt, moved) = try applied(to: demonstration.prompt)
      demonstration.prompt = prompt
      demonstration.learntTurns = demonstration.learntTurns?.map { $0 + moved }
      return .demonstration(demonstration)
    case .comparison(let found):
      return .comparison(
        Comparison(
          prompt: try applied(to: found.prompt).prompt, answers: found.answers, ranks: found.ranks,
          labeler: found.labeler, policy: found.policy, seconds: found.seconds, margin: found.margin))
    case .document:
      if system != nil || !tools.isEmpty || !templateArguments.isEmpty {
        throw Failure(
          .badData, "a document cannot have \"system\", \"tools\" or \"chat_template_kwargs\"",
          remedy: "Remove them, or give a dialogue as \"messages\".")
      }
      return example
    }
  }
}
