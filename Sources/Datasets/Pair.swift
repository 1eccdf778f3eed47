import Support
import Tokenizers

/// A chosen and a rejected answer.
struct Pair: Equatable {
  var prompt: Prompt
  var chosen: String
  var rejected: String

  func comparison(margin: Double? = nil, labeler: String? = nil) -> Comparison {
    Comparison(
      prompt: prompt, completions: [chosen, rejected], ranks: [1, 2], labeler: labeler,
      margin: margin)
  }

  /// Two dialogues that part at their last answer. The prompt is what both begin with.
  static func parting(chosen: [Turn], rejected: [Turn]) throws -> Pair {
    let common = min(
      commonPrefixCount(chosen, rejected), chosen.count - 1, rejected.count - 1)
    guard common >= 1 else {
      throw Failure(.badData, "chosen and rejected have no common prompt")
    }
    guard chosen.count == common + 1, rejected.count == common + 1 else {
      throw Unusable.partsEarly
    }
    guard chosen[common].role == .assistant, rejected[common].role == .assistant else {
      throw Failure(.badData, "chosen or rejected does not end with an answer of the assistant")
    }
    return Pair(
      prompt: Prompt(turns: Array(chosen[..<common])), chosen: chosen[common].content,
      rejected: rejected[common].content)
  }

  /// The prompt is what both begin with: of texts cut back to the end of a word, of messages whole
  /// ones.
  static func withImplicitPrompt(chosen: JSONValue, rejected: JSONValue) throws -> Pair {
    if let chosen = chosen.string, let rejected = rejected.string {
      return try withImplicitPrompt(chosen: Array(chosen.utf8), rejected: Array(rejected.utf8))
    }
    return try parting(
      chosen: try Messages.turns(chosen, key: "chosen"),
      rejected: try Messages.turns(rejected, key: "rejected"))
  }

  private static func withImplicitPrompt(chosen: [UInt8], rejected: [UInt8]) throws -> Pair {
    if chosen == rejected { throw Unusable.identical }
    let common = chosen[..<commonPrefixCount(chosen, rejected)]
    guard let end = common.lastIndex(where: { $0.isSpace }), !common[..<end].trimmedText.isEmpty
    else { throw Failure(.badData, "chosen and rejected have no common prompt") }
    return Pair(
      prompt: Prompt(String(decoding: chosen[..<end], as: UTF8.self)),
      chosen: String(decoding: chosen[end...], as: UTF8.self),
      rejected: String(decoding: rejected[end...], as: UTF8.self))
  }
}
