import Dialogues
import Support

/// Dialogues written as one text, as in hh-rlhf: `\n\nHuman: …\n\nAssistant: …`
enum HHDialogue {
  private static let human = Array("\n\nHuman:".utf8)
  private static let assistant = Array("\n\nAssistant:".utf8)

  /// Whether a value is a text that begins like such a dialogue.
  static func isOne(_ value: JSONValue?) -> Bool { value?.string.map(isOne) ?? false }

  static func isOne(_ text: String) -> Bool { Array(text.utf8.prefix(human.count)) == human }

  /// A prompt written in this form, which ends with an open `\n\nAssistant:` or after a user turn.
  static func prompt(_ text: String) throws -> Prompt {
    let bytes = Array(text.utf8)
    let open = bytes.last(assistant).flatMap { start in
      bytes[(start + assistant.count)...].trimmedText.isEmpty ? start : nil
    }
    return Prompt(turns: try turns(bytes[..<(open ?? bytes.count)]))
  }

  /// Two dialogues that differ only in their last answer. The prompt ends at the last `\n\nAssistant:` inside their
  /// common prefix.
  static func comparison(chosen: String, rejected: String) throws -> Pair {
    let (chosen, rejected) = (Array(chosen.utf8), Array(rejected.utf8))
    let common = chosen[..<commonPrefixCount(chosen, rejected)]
    guard let start = common.last(assistant) else {
      throw Failure(.badData, "chosen and rejected have no answer to a common prompt")
    }
    let answers = [chosen, rejected].map { $0[(start + assistant.count)...] }
    guard answers.allSatisfy({ $0.first(human) == nil && $0.first(assistant) == nil }) else {
      throw Unusable.partsEarly
    }
    return Pair(
      prompt: Prompt(turns: try turns(chosen[..<start])), chosen: .continuation(answers[0].trimmedText),
      rejected: .continuation(answers[1].trimmedText))
  }

  private static func turns(_ bytes: ArraySlice<UInt8>) throws -> [Turn] {
    var turns: [Turn] = []
    var speaker: Speaker?
    var start = bytes.startIndex
    var index = start
    func finish(at end: Int) throws {
      let content = bytes[start..<end].trimmedText
      if let speaker {
        turns.append(Turn(speaker, content))
      } else if !content.isEmpty {
        throw Failure(.badData, "the dialogue does not begin with \\n\\nHuman:")
      }
    }
    while index < bytes.endIndex {
      let isHuman = bytes.matches(human, at: index)
      guard isHuman || bytes.matches(assistant, at: index) else {
        index += 1
        continue
      }
      try finish(at: index)
      speaker = isHuman ? .user : .assistant
      index += isHuman ? human.count : assistant.count
      start = index
    }
    try finish(at: bytes.endIndex)
    return turns
  }
}
