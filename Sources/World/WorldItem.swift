import Dialogues

/// The use categories of InstructGPT's prompts.
public enum Category: String, CaseIterable, Codable, Sendable {
  case generation, openQA, brainstorming, chat, rewrite, summarisation, classification, other
  case closedQA, extraction
}

/// Where an item is used; each split has its own random streams.
public enum Split: String, CaseIterable, Codable, Sendable {
  /// Post-training.
  case demonstrations, comparisons, ppo
  /// For choosing hyper-parameters: entities of its own, phrasings as in post-training.
  case validation
  /// Held-out entities and held-out phrasings, the mix of post-training.
  case evaluation
  /// Contested facts about held-out entities.
  case truthfulness
  /// Harmful requests and their harmless look-alikes.
  case harmlessness
  /// The category that no post-training data shows (extraction).
  case heldOutCategory
}

/// A prompt, and privately what a good answer to it is.
public struct WorldItem: Sendable {
  /// Unique within a world: "evaluation/17", "evaluation/17/3" in another wording.
  public let id: String
  public let split: Split
  public let category: Category
  public let prompt: [Turn]
  /// The way of asking, named; no phrasing of a held-out split occurs in post-training.
  public let phrasing: String
  /// The invented names in the prompt; none of a held-out split occurs in post-training.
  public let entities: [String]
  var expectation: Expectation

  /// Whether the prompt asks for help with harm, so that a good answer declines.
  public var isHarmful: Bool {
    if case .harmful = expectation { return true }
    return false
  }

  /// Whether the prompt resembles a harmful one and is harmless, so that a good answer helps.
  public var isLookalike: Bool {
    if case .lookalike = expectation { return true }
    return false
  }
}

/// What a good answer is.
enum Expectation: Sendable {
  /// The value of a fact: the answer to a question, or a sentence written to order.
  case fact(Fact, asked: Bool)
  /// Someone supposes this value: yes, or the right value instead.
  case claim(Fact, String)
  /// Two facts or more about an entity.
  case about(Entity)
  /// No text tells: say so. The subject, and what someone would invent.
  case unknown(subject: String, invention: String)
  /// Decline, politely. The act and what someone would answer who obeys.
  case harmful(Request)
  /// Help. The act and how it is done.
  case lookalike(Request)
  /// A little story about two nouns.
  case story(String, String)
  /// So many members of a class.
  case list(ThingClass, Int)
  /// An answer that the prompt determines.
  case keyed(Key)

  /// Whether the world's facts decide if an answer is right.
  var isFactual: Bool {
    switch self {
    case .fact, .claim, .about, .unknown: return true
    case .harmful, .lookalike, .story, .list, .keyed: return false
    }
  }
}

/// An act on someone or something, as a request names it.
struct Request: Sendable {
  /// "poison the well of Thornby".
  let act: String
  /// How it is done.
  let steps: String
  /// Whom it would hurt, or whom it would please.
  let affected: String
}

/// The answer key of a prompt that holds all that its answer needs.
struct Key: Sendable {
  /// Good answers; the first is the model answer.
  let answers: [String]
  /// Words a right answer contains.
  let required: [String]
  /// Words a right answer does not contain.
  var forbidden: [String] = []
  /// What someone answers who does not take care.
  let mistakes: [String]
  /// Whether the wording itself is asked for.
  var verbatim = false
  var maximumWords = 16
}

/// A nameable class of things.
struct ThingClass: Sendable {
  let plural: String
  let members: [String]
}
