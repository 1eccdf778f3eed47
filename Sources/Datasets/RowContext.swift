import Dialogues
import Support

/// What stands beside the dialogue in a row of any format, and changes what the model sees or learns.
struct RowContext {
  var system: String?
  var tools: [JSONValue] = []
  var templateArguments: JSONObject = [:]

  private static let media = ["images", "image", "videos", "video", "audios", "audio"]
  /// Of each: 0 and false say that it is not to be learnt.
  static let flags = ["train", "training", "trainable", "loss", "loss_mask", "weight"]

  /// - Throws: `Failure(.badData)` for what cannot be shown to a model or means two things, `Unusable` for a
  ///   row that says it is not to be learnt.
  init(_ row: RowFields) throws {
    for key in Self.media where row.says(key) {
      throw Failure(
        .badData, "\"\(key)\" is not empty, and no model here sees or hears",
        remedy: "Leave such rows out, or remove the key if the text says it all.")
    }
    for key in Self.flags {
      if let value = row[key], try !Self.isLearnt(value, named: key) {
        throw Unusable("\"\(key)\" says that the row is not to be learnt")
      }
    }
    if row.says("mask") { throw Self.ambiguousMask("mask") }
    let texts = try ["system", "system_prompt"].compactMap { key in
      try row.optionalText(key).flatMap { $0.isBlank ? nil : (key: key, text: $0) }
    }
    if let first = texts.first, let other = texts.dropFirst().first(where: { $0.text != first.text }) {
      throw Failure(
        .badData, "\"\(first.key)\" and \"\(other.key)\" differ", remedy: "Remove the one that does not count.")
    }
    system = texts.first?.text
    tools = try Self.list(row["tools"], named: "tools")
    templateArguments = try Self.arguments(row["chat_template_kwargs"])
  }

  /// Whether a flag says that something is learnt; null says nothing, which is yes.
  static func isLearnt(_ value: JSONValue, named name: String) throws -> Bool {
    switch value {
    case .null: return true
    case .bool(let flag): return flag
    default: break
    }
    guard let number = value.number else { throw value.isNot("true or false", named: name) }
    guard number == 0 || number == 1 else {
      throw Failure(
        .badData, "\"\(name)\" is \(value.shown), and rows and answers count whole or not at all here",
        remedy: "Write 0 or 1, or leave the key out; repeat a row that shall count more.")
    }
    return number == 1
  }

  static func ambiguousMask(_ name: String) -> Failure {
    Failure(
      .badData, "\"\(name)\" may say what is learnt or what is not",
      remedy: "Write \"train\": true or false in its place.")
  }

  /// A list, or the JSON text of one, as some data sets keep it.
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

  /// The prompt with what stands beside it; and by how many turns its own have moved.
  /// - Throws: `Failure(.badData)` where the prompt says the same thing otherwise.
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
      .badData, "\"\(key)\" of the row and of its dialogue differ", remedy: "Remove the one that does not count.")
  }

  /// An example with what stands beside it.
  /// - Throws: `Failure(.badData)` for a document, which has no place for it.
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
          .badData, "a document has no place for \"system\", \"tools\" or \"chat_template_kwargs\"",
          remedy: "Remove them, or give a dialogue as \"messages\".")
      }
      return example
    }
  }
}
