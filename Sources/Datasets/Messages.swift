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
      guard let content = text(item["content"] ?? item["value"]) else {
        throw Failure(.badData, "\"\(place)\" has no text")
      }
      return Turn(try speaker(role, at: place), content)
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
    case "assistant", "gpt", "model": return .assistant
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

  /// A text, or messages that are the one answer to `prompt`, which may stand before it.
  static func answer(_ value: JSONValue, key: String, to prompt: Prompt) throws -> String {
    if let text = value.string { return text }
    var answer = try turns(value, key: key)
    if answer.count > prompt.turns.count, answer.starts(with: prompt.turns) {
      answer.removeFirst(prompt.turns.count)
    }
    guard answer.count == 1, answer[0].role == .assistant else {
      throw Failure(.badData, "\"\(key)\" is not one message of the assistant")
    }
    return answer[0].content
  }

  /// A dialogue whose last answer is the completion, or a prompt if a user speaks last.
  static func dialogue(_ turns: [Turn]) -> Example {
    guard let last = turns.last, last.role == .assistant else {
      return .prompt(Prompt(turns: turns))
    }
    return .demonstration(
      Demonstration(prompt: Prompt(turns: turns.dropLast()), completion: last.content))
  }
}
