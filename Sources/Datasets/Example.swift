import Dialogues
import Support

/// One row of a file in any format.
public enum Example: Equatable, Sendable {
  case comparison(Comparison)
  case demonstration(Demonstration)
  /// A prompt whose answer is labelled as bad.
  case refutedAnswer(Prompt)
  case prompt(Prompt)
  case document(String)

  public var prompt: Prompt? {
    switch self {
    case .comparison(let comparison): return comparison.prompt
    case .demonstration(let demonstration): return demonstration.prompt
    case .refutedAnswer(let prompt), .prompt(let prompt): return prompt
    case .document: return nil
    }
  }

  /// The texts that may be learnt: the answers (of a dialogue, the last one), or a document.
  public var answers: [String] {
    switch self {
    case .comparison(let comparison): return comparison.completions
    case .demonstration(let demonstration): return [demonstration.completion]
    case .document(let text): return [text]
    case .refutedAnswer, .prompt: return []
    }
  }

  /// The complete answers, including fields other than the text.
  var answerTurns: [Turn] {
    switch self {
    case .comparison(let comparison): return comparison.answers
    case .demonstration(let demonstration): return [demonstration.answer]
    case .document(let text): return [Turn(.assistant, text)]
    case .refutedAnswer, .prompt: return []
    }
  }

  /// Converts the row to the main use of its file's format: comparisons for the reward model, demonstrations for SFT,
  /// prompts for PPO, documents for pretraining.
  /// - Throws: `Unusable` if that use drops the row.
  public func firstUse(_ format: DataFormat) throws -> Example {
    switch format.content {
    case .comparisons: return .comparison(try Use.comparisons.record(self))
    case .demonstrations: return .demonstration(try Use.demonstrations.record(self))
    case .prompts: return .prompt(try Use.prompts.record(self))
    case .documents: return .document(try Use.documents.record(self))
    }
  }
}

/// The reason why a well-formed row is not usable. Such a row is dropped and counted, even with strict reading.
public struct Unusable: Error, Equatable, Sendable {
  public var reason: String
  init(_ reason: String) { self.reason = reason }

  public static let emptyAnswer = Unusable("the answer is empty")
  public static let tied = Unusable("all answers are tied")
  public static let identical = Unusable("the answers are identical")
  static let partsEarly = Unusable("the dialogues differ before their last answer")
}

/// The purpose for which a file is read.
struct Use<Record: Sendable>: Sendable {
  var name: String
  /// Nil if a file of this content cannot be used; otherwise a description of how it is used, empty for its main use.
  var conversion: @Sendable (DataFormat.Content) -> String?
  /// - Throws: `Unusable`, or `Failure` for a bad row.
  var record: @Sendable (Example) throws -> Record
  /// The remarks to report for rows with this use.
  var remarks: Set<RowRemark> = [.implicitPrompt]
}

extension Use where Record == Prompt {
  static let prompts = Use(name: "prompts") { content in
    switch content {
    case .prompts: return ""
    case .comparisons, .demonstrations: return "only its prompts are used"
    case .documents: return nil
    }
  } record: { example in
    guard let prompt = example.prompt else { throw Failure(.badData, "there is no prompt") }
    guard case .demonstration(let demonstration) = example else { return prompt }
    return demonstration.question
  }
}

extension Use where Record == Demonstration {
  static let demonstrations = Use(
    name: "demonstrations",
    conversion: { content in
      switch content {
      case .demonstrations: return ""
      case .comparisons: return "the best answer of each comparison serves as its demonstration"
      case .prompts, .documents: return nil
      }
    },
    record: { example in
      let demonstration: Demonstration
      switch example {
      case .demonstration(let found): demonstration = found
      case .comparison(let found):
        demonstration = Demonstration(prompt: found.prompt, answer: found.bestAnswer)
      case .refutedAnswer: throw Unusable("the answer is labelled as bad")
      case .prompt, .document: throw Unusable("the dialogue does not end with an answer")
      }
      if demonstration.answer.isBlank { throw Unusable.emptyAnswer }
      return demonstration
    }, remarks: [.implicitPrompt, .trailingTurns])
}

extension Use where Record == Comparison {
  static let comparisons = Use(name: "comparisons") { content in
    content == .comparisons ? "" : nil
  } record: { example in
    guard case .comparison(let comparison) = example else {
      throw Failure(.badData, "there is nothing to compare")
    }
    if comparison.isAllTies { throw Unusable.tied }
    if comparison.answers.dropFirst().allSatisfy({ $0 == comparison.answers[0] }) {
      throw Unusable.identical
    }
    return comparison
  }
}

extension Use where Record == String {
  static let documents = Use(name: "documents") { content in
    content == .documents ? "" : nil
  } record: { example in
    guard case .document(let text) = example else { throw Failure(.badData, "there is no text") }
    if text.isBlank { throw Unusable("the text is empty") }
    return text
  }
}
