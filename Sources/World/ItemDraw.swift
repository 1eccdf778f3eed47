import Dialogues
import Support

/// An item without its id and split.
struct Draft {
  var category: Category
  var turns: [Turn]
  var phrasing: String
  var entities: [String]
  var expectation: Expectation

  init(
    _ category: Category, _ prompt: String, phrasing: String, entities: [String] = [],
    _ expectation: Expectation
  ) {
    self.category = category
    turns = [Turn(.user, prompt)]
    self.phrasing = phrasing
    self.entities = entities
    self.expectation = expectation
  }
}

/// Draws the parts of an item: the entities and phrasings that its split may use.
struct ItemDraw {
  enum Audience { case pretraining, training, validation, evaluation }

  let world: World
  let audience: Audience
  var stream: RandomStream
  /// Which of the possible wordings to use; 0 keeps the phrasings that the stream draws. Each choice of a phrasing uses
  /// up one part of the number, like a digit in a number of mixed bases.
  var wording = 0
  /// The number of possible wordings of what has been drawn so far.
  private(set) var wordingCount = 1

  /// One of the phrasings that this audience may see, and the name of that phrasing.
  mutating func phrase(_ phrasings: Phrasings, _ name: String) -> (text: String, name: String) {
    choose(phrasings.seen, heldOut: phrasings.heldOut, name, isWording: true)
  }

  /// Draws one choice. Pretraining uses all phrasings; evaluation uses only phrasings that post-training never shows.
  /// - Parameter isWording: whether other choices say the same in other words.
  mutating func choose<T>(
    _ seen: [T], heldOut: [T], _ name: String, isWording: Bool = false
  ) -> (text: T, name: String) {
    let isHeldOut: Bool
    switch audience {
    case .training, .validation: isHeldOut = false
    case .evaluation: isHeldOut = true
    case .pretraining: isHeldOut = stream.below(seen.count + heldOut.count) >= seen.count
    }
    let choices = isHeldOut ? heldOut : seen
    var index = stream.below(choices.count)
    if isWording {
      index = (index + wording % choices.count) % choices.count
      wording /= choices.count
      wordingCount *= choices.count
    }
    return (choices[index], "\(name)/\(isHeldOut ? "held-out" : "seen")-\(index)")
  }

  func allows(_ entity: Entity) -> Bool {
    switch audience {
    case .pretraining: return true
    case .training: return entity.group == .training
    case .validation: return entity.group == .validation
    case .evaluation: return entity.group == .evaluation
    }
  }

  mutating func entity(_ kind: Kind? = nil) -> Entity {
    while true {
      let entity = stream.pick(world.names.entities)
      if allows(entity), kind == nil || kind == entity.kind { return entity }
    }
  }

  /// A fact, contested with the given probability.
  mutating func fact(contested: Float) -> Fact {
    let wanted = stream.uniform() < contested
    while true {
      let fact = stream.pick(world.facts.all)
      if allows(fact.entity), fact.contested == wanted { return fact }
    }
  }

  mutating func person() -> String { entity(.person).name }
  mutating func town() -> String { entity(.town).name }

  /// A person's name that belongs to no entity.
  mutating func stranger() -> String {
    switch audience {
    case .pretraining: return stream.pick(world.names.strangers.pretraining)
    case .training: return stream.pick(world.names.strangers.training)
    case .validation: return stream.pick(world.names.strangers.validation)
    case .evaluation: return stream.pick(world.names.strangers.evaluation)
    }
  }
}

extension World {
  /// Shares of the prompts, in percent, in post-training and in `evaluation`.
  ///
  /// InstructGPT's are generation 45.6, open QA 12.4, brainstorming 11.2, chat 8.4, rewrite 6.6,
  /// summarisation 4.2, classification 3.5, other 3.5, closed QA 2.6, extraction 1.9. Here the share of open QA is
  /// higher and that of generation lower, because most prompts whose answers are true or false are questions. Harmful
  /// requests and their look-alikes (in kind, they are open QA and generation) are extra to these categories.
  /// Extraction is held out, with a share of 0.
  enum Kinds: Int, CaseIterable {
    case question, claim, unknown, sentence, about, story, note, brainstorm, smallTalk, followUp
    case rewrite, summary, classification, closedQA, other, harmful, lookalike, extraction

    var share: Int {
      switch self {
      case .question: return 15
      case .claim: return 5
      case .unknown: return 5
      case .sentence: return 8
      case .about: return 5
      case .story: return 7
      case .note: return 3
      case .brainstorm: return 6
      case .smallTalk: return 4
      case .followUp: return 4
      case .rewrite: return 5
      case .summary: return 4
      case .classification: return 4
      case .closedQA: return 3
      case .other: return 3
      case .harmful: return 11
      case .lookalike: return 8
      case .extraction: return 0
      }
    }
  }

  /// The share of contested facts among the facts that post-training asks about.
  static let contestedQuestions: Float = 0.6

  /// The item of a split with this number; it is always the same.
  public func item(_ split: Split, _ index: Int) -> WorldItem { draw(split, index).item }

  /// The item, its kind, and the number of its possible wordings.
  func draw(
    _ split: Split, _ index: Int, wording: Int = 0
  ) -> (item: WorldItem, kind: Kinds, wordings: Int) {
    precondition(index >= 0, "item(\(split), \(index))")
    let stream = RandomStream(
      seed: seed, purpose: "world/item/\(split.rawValue)", index: UInt64(index))
    let audience: ItemDraw.Audience
    switch split {
    case .demonstrations, .comparisons, .ppo: audience = .training
    case .validation: audience = .validation
    case .evaluation, .truthfulness, .harmlessness, .heldOutCategory: audience = .evaluation
    }
    var draw = ItemDraw(world: self, audience: audience, stream: stream, wording: wording)
    let kind: Kinds
    switch split {
    case .demonstrations, .comparisons, .ppo, .validation, .evaluation: kind = draw.kind()
    case .truthfulness: kind = draw.stream.uniform() < 0.75 ? .question : .sentence
    case .harmlessness: kind = draw.stream.uniform() < 0.6 ? .harmful : .lookalike
    case .heldOutCategory: kind = .extraction
    }
    let draft = draw.draft(kind, contested: split == .truthfulness ? 1 : World.contestedQuestions)
    let id = "\(split.rawValue)/\(index)" + (wording == 0 ? "" : "/\(wording)")
    let item = WorldItem(
      id: id, split: split, category: draft.category, prompt: draft.turns,
      phrasing: draft.phrasing, entities: draft.entities, expectation: draft.expectation)
    return (item, kind, draw.wordingCount)
  }

  /// A training request, either harmful or a harmless look-alike of a harmful one: for data with more requests than the
  /// mix of post-training.
  public func request(_ index: Int) -> WorldItem {
    let stream = RandomStream(seed: seed, purpose: "world/request", index: UInt64(index))
    var draw = ItemDraw(world: self, audience: .training, stream: stream)
    let draft = draw.request(harmful: draw.stream.uniform() < 0.6)
    return WorldItem(
      id: "request/\(index)", split: .comparisons, category: draft.category, prompt: draft.turns,
      phrasing: draft.phrasing, entities: draft.entities, expectation: draft.expectation)
  }

  /// The item in every wording that its audience may see; the first is the one that `item` returns. Content and
  /// category are the same, and an answer that is good for one is good for all. An item with one wording is returned
  /// alone.
  public func wordings(_ split: Split, _ index: Int) -> [WorldItem] {
    let (item, _, count) = draw(split, index)
    var wordings = [item]
    for wording in 1..<max(2, count) {
      let other = draw(split, index, wording: wording).item
      // Two phrasings can give the same text; a few say "write" and thus have another category.
      guard other.category == item.category, !wordings.contains(where: { $0.prompt == other.prompt })
      else { continue }
      wordings.append(other)
    }
    return wordings
  }
}

extension ItemDraw {
  mutating func kind() -> World.Kinds {
    var rest = stream.below(World.Kinds.allCases.reduce(0) { $0 + $1.share })
    for kind in World.Kinds.allCases {
      rest -= kind.share
      if rest < 0 { return kind }
    }
    preconditionFailure("shares do not sum")
  }

  mutating func draft(
    _ kind: World.Kinds, contested: Float = World.contestedQuestions
  ) -> Draft {
    switch kind {
    case .question: return question(contested: contested)
    case .claim: return claim(contested: contested)
    case .unknown: return unknown()
    case .sentence: return sentence(contested: contested)
    case .about: return about()
    case .story: return story()
    case .note: return note()
    case .brainstorm: return brainstorm()
    case .smallTalk: return smallTalk()
    case .followUp: return followUp(contested: contested)
    case .rewrite: return rewrite()
    case .summary: return summary()
    case .classification: return classification()
    case .closedQA: return closedQA()
    case .other: return other()
    case .harmful: return request(harmful: true)
    case .lookalike: return request(harmful: false)
    case .extraction: return extraction()
    }
  }
}
