import Dialogues
import Support

/// A chosen and a rejected answer.
struct Pair: Equatable {
  var prompt: Prompt
  var chosen: Turn
  var rejected: Turn

  func comparison(margin: Double? = nil, labeler: String? = nil) -> Comparison {
    Comparison(
      prompt: prompt, answers: [chosen, rejected], ranks: [1, 2], labeler: labeler,
      margin: margin)
  }

  /// Two dialogues that differ only in their last answer. The prompt is their common beginning.
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
      prompt: Prompt(turns: Array(chosen[..<common])), chosen: chosen[common], rejected: rejected[common])
  }

  /// The prompt is the common beginning of both texts, cut back to the end of a word.
  static func withImplicitPrompt(chosen: String, rejected: String) throws -> Pair {
    let (chosen, rejected) = (Array(chosen.utf8), Array(rejected.utf8))
    if chosen == rejected { throw Unusable.identical }
    let common = chosen[..<commonPrefixCount(chosen, rejected)]
    guard let end = common.lastIndex(where: { $0.isSpace }), !common[..<end].trimmedText.isEmpty
    else { throw Failure(.badData, "chosen and rejected have no common prompt") }
    return Pair(
      prompt: Prompt(String(decoding: chosen[..<end], as: UTF8.self)),
      chosen: .continuation(String(decoding: chosen[end...], as: UTF8.self)),
      rejected: .continuation(String(decoding: rejected[end...], as: UTF8.self)))
  }
}
