import Support
import Tokenizers

/// Values that are a text or a list of messages.
enum Messages {
  /// A list of `{role, content}`, or ShareGPT's `{from, value}`.
  static func turns(_ value: JSONValue, key: String) throws -> [Turn] {
    guard let items = value.array else {
      throw Failure(.badData, "\"\(key)\" is not a list of messages")
    }
    return try items.enumerated().map { index, item in
      let place = "\(key)[\(index)]"
      guard let role = (item["role"] ?? item["from"])?.string else {
        throw Failure(.badData, "\"\(place)\" has no role")
      }
      let speaker = try speaker(role, at: place)
      for call in ["tool_calls", "function_call"] where (item[call] ?? .null) != .null {
        throw Failure(.badData, "\"\(place)\" calls a tool, which no model here can")
      }
      guard let content = text(item["content"] ?? item["value"]) else {
        throw Failure(.badData, "\"\(place)\" has no text")
      }
      return Turn(speaker, content)
    }
  }

  /// A text, or OpenAI's list of text parts.
  private static func text(_ value: JSONValue?) -> String? {
    guard let parts = value?.array else { return value?.string }
    let texts = parts.compactMap { $0["type"]?.string == "text" ? $0["text"]?.string : nil }
    return texts.count == parts.count ? texts.joined() : nil
  }

  private static func speaker(_ role: String, at place: String) throws -> Speaker {
    switch role {
    case "user", "human": return .user
    case "assistant", "gpt", "chatgpt", "model": return .assistant
    case "system", "developer": return .system
    default:
      throw Failure(.badData, "\"\(place)\" has the role \"\(role)\", which no model here plays")
    }
  }

  /// A text is one user turn, or a dialogue if it is written like hh-rlhf's.
  static func prompt(_ value: JSONValue, key: String = "prompt") throws -> Prompt {
    if let text = value.string {
      return HHDialogue.isOne(text) ? try HHDialogue.prompt(text) : Prompt(text)
    }
    return Prompt(turns: try turns(value, key: key))
  }

  /// The dialogue of `prompt` and its answer: a text, or messages, before which the prompt may be
  /// repeated.
  static func answered(_ value: JSONValue, key: String, prompt: Prompt) throws -> [Turn] {
    if let text = value.string { return prompt.turns + [Turn(.assistant, text)] }
    let turns = try turns(value, key: key)
    guard turns.last?.role == .assistant else {
      throw Failure(.badData, "\"\(key)\" does not end with a message of the assistant")
    }
    let isRepeated = turns.count > prompt.turns.count && turns.starts(with: prompt.turns)
    return isRepeated ? turns : prompt.turns + turns
  }

  /// A whole dialogue in a row, of which every answer is learnt; a prompt if a user speaks last. OpenAI's
  /// `weight` 0 marks an answer that is not to be learnt: what follows the last that is says nothing.
  static func dialogue(_ value: JSONValue, key: String, system: String? = nil) throws -> Example {
    var turns = try turns(value, key: key)
    guard turns.last?.role == .assistant else {
      return .prompt(Prompt(turns: withSystem(system, turns)))
    }
    let weights = value.array?.map { $0["weight"] } ?? []
    let isLearnt = zip(turns, weights).map { $0.role == .assistant && $1 != .number(0) }
    guard let last = isLearnt.lastIndex(of: true) else { throw Unusable("every answer has weight 0") }
    let completion = turns[last].content
    // Nobody learns from an empty answer to say nothing.
    let learnt = turns.indices.filter { $0 < last && isLearnt[$0] && !turns[$0].content.isBlank }
    turns = withSystem(system, Array(turns[..<last]))
    let added = turns.count - last
    return .demonstration(
      Demonstration(
        prompt: Prompt(turns: turns), completion: completion,
        learntTurns: learnt.isEmpty ? nil : learnt.map { $0 + added }))
  }

  private static func withSystem(_ system: String?, _ turns: [Turn]) -> [Turn] {
    guard let system, !system.isBlank, turns.first?.role != .system else { return turns }
    return [Turn(.system, system)] + turns
  }
}
