import Dialogues
import Support

/// Reads values that are a text or a list of messages.
enum Messages {
  /// A turn, and the flag of its message whether it is learnt (nil without a flag).
  struct Message {
    var turn: Turn
    var isLearnt: Bool?
  }

  /// Keys of a message that are not passed to a chat template.
  private static let own: Set<String> = ["role", "from", "value"]

  /// A list of `{role, content}` or ShareGPT's `{from, value}`, or a single one of them.
  static func messages(_ value: JSONValue, key: String, _ row: RowFields) throws -> [Message] {
    if let object = value.object { return [try message(object, at: key, of: key, row)] }
    guard let items = value.array else {
      throw Failure(
        .badData, value.isNull ? "\"\(key)\" is null" : "\"\(key)\" is not a list of messages, but \(value.noun)")
    }
    return try items.enumerated().map { index, item in
      let place = "\(key)[\(index)]"
      guard let object = item.object else {
        throw Failure(.badData, "\"\(place)\" is \(item.noun), not a message")
      }
      return try message(object, at: place, of: key, row)
    }
  }

  static func turns(_ value: JSONValue, key: String, _ row: RowFields) throws -> [Turn] {
    let messages = try messages(value, key: key, row)
    if messages.contains(where: { $0.isLearnt != nil }) { row.ignore(inner: "\(key)[], what is learnt") }
    return messages.map(\.turn)
  }

  private static func message(
    _ object: JSONObject, at place: String, of key: String, _ row: RowFields
  ) throws -> Message {
    guard let role = [object["role"], object["from"]].lazy.compactMap({ $0 }).first(where: { !$0.isNull })
      ?? object["role"] ?? object["from"]
    else {
      throw Failure(.badData, "\"\(place)\" has no role")
    }
    let speaker = try speaker(role.text(named: "\(place).role"), at: place)
    var message = Message(turn: try turn(speaker, object, at: place))
    for flag in RowContext.flags {
      guard let value = object[flag], !value.isNull else { continue }
      let isLearnt = try RowContext.isLearnt(value, named: "\(place).\(flag)")
      if speaker == .assistant {
        message.isLearnt = isLearnt && message.isLearnt != false
      } else if isLearnt {
        row.ignore(inner: "\(key)[].\(flag) of others than the assistant")
      }
    }
    if let mask = object["mask"], !mask.isNull { throw RowContext.ambiguousMask("\(place).mask") }
    return message
  }

  private static func turn(_ speaker: Speaker, _ object: JSONObject, at place: String) throws -> Turn {
    var fields = JSONObject()
    for (key, value) in object where !own.contains(key) && key != "content" && !RowContext.flags.contains(key) {
      // A key with an empty value means the same as a missing key; but chat templates test whether keys exist.
      if !value.isEmpty || value.string != nil { fields[key] = value }
    }
    let isValue = (object["content"] ?? .null).isNull && object["value"] != nil
    let name = isValue ? "value" : "content"
    guard let content = object[name] else {
      guard fields.callsTool else { throw Failure(.badData, "\"\(place)\" has no text") }
      return Turn(speaker, "", fields: fields)
    }
    switch content {
    case .string(let text): return Turn(speaker, text, fields: fields)
    case .null where fields.callsTool:
      fields["content"] = content
      return Turn(speaker, "", fields: fields)
    case .array(let parts):
      fields["content"] = content
      return Turn(speaker, try text(parts, at: "\(place).\(name)"), fields: fields)
    default: throw content.isNot("a text", named: "\(place).\(name)")
    }
  }

  /// The joined texts of OpenAI's content parts.
  private static func text(_ parts: [JSONValue], at place: String) throws -> String {
    try parts.enumerated().map { index, part in
      if let text = part.string { return text }
      guard let type = part["type"]?.string else {
        throw Failure(.badData, "\"\(place)[\(index)]\" has no text")
      }
      guard type == "text" else {
        throw Failure(
          .badData, "\"\(place)[\(index)]\" is of the type \"\(type.prefix(80))\" and has no text",
          remedy: "Models here read only text; leave such rows out.")
      }
      return try (part["text"] ?? .null).text(named: "\(place)[\(index)].text")
    }.joined()
  }

  private static func speaker(_ role: String, at place: String) throws -> Speaker {
    switch role {
    case "user", "human": return .user
    case "assistant", "gpt", "chatgpt", "model", "bot": return .assistant
    case "system": return .system
    case "developer": return .developer
    case "tool", "ipython", "observation", "tool_response", "function_response": return .tool
    default:
      throw Failure(
        .badData, "\"\(place)\" has the unknown role \"\(role.prefix(80))\"",
        remedy: "Roles are system, developer, user, assistant and tool.")
    }
  }

  /// A text is one user turn, or a dialogue if written as in hh-rlhf. Otherwise the value is messages, or a written
  /// prompt: `{"messages", "tools", "chat_template_kwargs"}`.
  static func prompt(_ value: JSONValue, key: String = "prompt", _ row: RowFields) throws -> Prompt {
    if let text = value.string {
      return HHDialogue.isOne(text) ? try HHDialogue.prompt(text) : Prompt(text)
    }
    if let messages = value["messages"] {
      let tools = try RowContext.list(value["tools"], named: "\(key).tools")
      let arguments = try RowContext.arguments(value["chat_template_kwargs"])
      for (name, inner) in value.object ?? [:]
      where !["messages", "tools", "chat_template_kwargs"].contains(name) && !inner.isEmpty {
        throw Failure(
          .badData, "\"\(key).\(name.prefix(80))\" is not allowed there",
          remedy: "Move it next to \"\(key)\", or remove it.")
      }
      return Prompt(
        turns: try turns(messages, key: "\(key).messages", row), tools: tools, templateArguments: arguments)
    }
    if value.object != nil || value.array != nil { return Prompt(turns: try turns(value, key: key, row)) }
    throw Failure(
      .badData,
      value.isNull
        ? "\"\(key)\" is null" : "\"\(key)\" is not a text or a list of messages, but \(value.noun)")
  }

  /// The dialogue of `prompt` and its answer. The answer is a text, or messages that may first repeat the prompt.
  static func answered(_ value: JSONValue, key: String, prompt: Prompt, _ row: RowFields) throws -> [Message] {
    let asked = prompt.turns.map { Message(turn: $0, isLearnt: false) }
    if let text = value.string { return asked + [Message(turn: .continuation(text))] }
    guard value.array != nil || value.object != nil else { throw value.isNot("a text", named: key) }
    let messages = try messages(value, key: key, row)
    guard messages.contains(where: { $0.turn.role == .assistant }) else {
      throw Failure(.badData, "\"\(key)\" does not end with a message of the assistant")
    }
    let isRepeated = messages.count > asked.count && messages.map(\.turn).starts(with: prompt.turns)
    return asked + (isRepeated ? Array(messages.dropFirst(asked.count)) : messages)
  }

  /// A whole dialogue in which every answer is learnt unless marked otherwise; a prompt if the assistant says
  /// nothing. Turns after the last learnt answer are stored separately.
  static func dialogue(_ messages: [Message], _ row: RowFields) throws -> Example {
    let turns = messages.map(\.turn)
    guard turns.contains(where: { $0.role == .assistant }) else { return .prompt(Prompt(turns: turns)) }
    let isLearnt = messages.map { $0.turn.role == .assistant && $0.isLearnt != false }
    guard let last = isLearnt.lastIndex(of: true) else {
      throw Unusable("every answer is marked as not to be trained on")
    }
    // An empty answer is not learnt, because it would teach the model to say nothing.
    let learnt = turns.indices.filter { $0 < last && isLearnt[$0] && !turns[$0].isBlank }
    let trailing = Array(turns[(last + 1)...])
    if !trailing.isEmpty { row.remarks.insert(.trailingTurns) }
    return .demonstration(
      Demonstration(
        prompt: Prompt(turns: Array(turns[..<last])), answer: turns[last],
        learntTurns: learnt.isEmpty ? nil : learnt, trailing: trailing))
  }
}

extension JSONObject {
  /// Whether a message calls a tool; then it may have no text.
  fileprivate var callsTool: Bool { self["tool_calls"] != nil || self["function_call"] != nil }
}

extension Turn {
  /// Whether the turn is empty.
  var isBlank: Bool { content.isBlank && !Self.speakingKeys.contains { fields[$0] != nil } }

  /// Keys that give a message content even without a text.
  private static let speakingKeys = ["tool_calls", "function_call", "reasoning_content", "reasoning", "thinking"]
}
