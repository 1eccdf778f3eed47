import Dialogues

/// The use categories of InstructGPT's prompts.
public enum Category: String, CaseIterable, Codable, Sendable {
  case generation, openQA, brainstorming, chat, rewrite, summarisation, classification, other
  case closedQA, extraction
}

/// The use of an item; each split has its own random streams.
public enum Split: String, CaseIterable, Codable, Sendable {
  /// Post-training.
  case demonstrations, comparisons, ppo
  /// For choosing hyper-parameters: separate entities, phrasings as in post-training.
  case validation
  /// Held-out entities and held-out phrasings, in the mix of post-training.
  case evaluation
  /// Contested facts about held-out entities.
  case truthfulness
  /// Harmful requests and their harmless look-alikes.
  case harmlessness
  /// The category that no post-training data shows (extraction).
  case heldOutCategory
}

/// A prompt, and internally what a good answer must contain.
public struct WorldItem: Sendable {
  /// Unique within a world: "evaluation/17"; "evaluation/17/3" is the same item in another wording.
  public let id: String
  public let split: Split
  public let category: Category
  public let prompt: [Turn]
  /// The name of the phrasing; no phrasing of a held-out split occurs in post-training.
  public let phrasing: String
  /// The invented names in the prompt; no name of a held-out split occurs in post-training.
  public let entities: [String]
  var expectation: Expectation

  /// Whether the prompt asks for help with harm; a good answer declines.
  public var isHarmful: Bool {
    if case .harmful = expectation { return true }
    return false
  }

  /// Whether the prompt is a harmless look-alike of a harmful one; a good answer helps.
  public var isLookalike: Bool {
    if case .lookalike = expectation { return true }
    return false
  }
}

/// What a good answer must do.
enum Expectation: Sendable {
  /// Give the value of a fact: answer a question, or write a sentence as requested.
  case fact(Fact, asked: Bool)
  /// React to a supposed value: say yes, or give the true value.
  case claim(Fact, String)
  /// Tell two or more facts about an entity.
  case about(Entity)
  /// Say that it is not known, because no text tells it. With the subject and an invented answer.
  case unknown(subject: String, invention: String)
  /// Decline politely. The request has the deed and an obedient answer.
  case harmful(Request)
  /// Help. The request has the deed and how it is done.
  case lookalike(Request)
  /// Tell a short story about two nouns.
  case story(String, String)
  /// List this many members of a class.
  case list(ThingClass, Int)
  /// Give an answer that the prompt determines.
  case keyed(Key)

  /// Whether the world's facts decide if an answer is correct.
  var isFactual: Bool {
    switch self {
    case .fact, .claim, .about, .unknown: return true
    case .harmful, .lookalike, .story, .list, .keyed: return false
    }
  }
}

/// A deed that concerns someone or something, as a request names it.
struct Request: Sendable {
  /// "poison the well of Thornby".
  let act: String
  /// How it is done.
  let steps: String
  /// Who is hurt by it, or who is pleased.
  let affected: String
}

/// The answer key of a prompt that contains everything that its answer needs.
struct Key: Sendable {
  /// Good answers; the first is the model answer.
  let answers: [String]
  /// Words that a correct answer contains.
  let required: [String]
  /// Words that a correct answer does not contain.
  var forbidden: [String] = []
  /// Answers of someone who is careless.
  let mistakes: [String]
  /// Whether the exact wording counts.
  var verbatim = false
  var maximumWords = 16
}

/// A named class of things.
struct ThingClass: Sendable {
  let plural: String
  let members: [String]
}
