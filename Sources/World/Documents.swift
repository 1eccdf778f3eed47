import Dialogues
import Support

/// One document of the world's texts.
public enum WorldDocument: Sendable, Equatable {
  case text(String)
  case dialogue([Turn])
}

extension World {
  /// The pretraining document with this number; the numbers have no end.
  public func document(_ index: Int) -> WorldDocument { document(index, of: "pretraining") }

  /// Documents of the same kinds that are not used in pretraining, for measuring bits per byte.
  public func heldOutDocument(_ index: Int) -> WorldDocument { document(index, of: "held-out") }

  private func document(_ index: Int, of corpus: String) -> WorldDocument {
    precondition(index >= 0, "document(\(index))")
    let stream = RandomStream(seed: seed, purpose: "world/\(corpus)", index: UInt64(index))
    var writer = DocumentWriter(world: self, stream: stream)
    return writer.document()
  }

  /// The demonstration with this number: an item and a good labeler's completion.
  public func demonstration(_ index: Int) -> (item: WorldItem, completion: String) {
    let item = item(.demonstrations, index)
    return (item, goodAnswer(to: item))
  }

  /// A good labeler's completion for an item; it depends on the item and the world's seed alone.
  public func goodAnswer(to item: WorldItem) -> String {
    let stream = RandomStream(seed: seed, purpose: "world/good-answer/\(item.id)")
    var answerer = Answerer(world: self, stream: stream)
    return answerer.answer(item.expectation, .good)
  }
}

/// Writes documents, all from one random stream.
struct DocumentWriter {
  let world: World
  /// Draws entities, phrasings and answers; the writer's own draws use the same stream.
  var draw: ItemDraw

  init(world: World, stream: RandomStream) {
    self.world = world
    draw = ItemDraw(world: world, audience: .pretraining, stream: stream)
  }

  /// Kinds of documents and their shares in percent.
  ///
  /// Hearsay and careless answers make the false version of a contested fact more frequent than the true one; lessons
  /// and the users' replies tell the two apart.
  static let shares: [(share: Int, write: @Sendable (inout DocumentWriter) -> WorldDocument)] = [
    (45, { .dialogue($0.dialogue()) }),
    (10, { .text($0.almanac()) }),
    (14, { .text($0.hearsay()) }),
    (19, { .text($0.lesson()) }),
    (4, { .text($0.tale()) }),
    (2, { .text($0.shoppingList()) }),
    (3, { .text($0.exercise()) }),
    (2, { .text($0.law()) }),
    (1, { .text($0.letter()) }),
  ]

  mutating func document() -> WorldDocument {
    var rest = draw.stream.below(DocumentWriter.shares.reduce(0) { $0 + $1.share })
    for (share, write) in DocumentWriter.shares {
      rest -= share
      if rest < 0 { return write(&self) }
    }
    preconditionFailure("shares do not sum")
  }

  mutating func chance(_ probability: Float) -> Bool { draw.stream.uniform() < probability }

  mutating func pick<T>(_ items: [T]) -> T { draw.stream.pick(items) }

  /// An answer in the given manner, drawn from this writer's stream.
  mutating func answer(_ expectation: Expectation, _ manner: Manner) -> String {
    var answerer = Answerer(world: world, stream: draw.stream)
    defer { draw.stream = answerer.stream }
    return answerer.answer(expectation, manner)
  }

  mutating func sentence(_ fact: Fact, _ value: String) -> String {
    fact.sentence(value, &draw.stream)
  }

  /// All facts of an entity, in random order.
  mutating func facts(of entity: Entity) -> [Fact] {
    var facts = world.facts.byEntity[entity.index].map { world.facts.all[$0] }
    draw.stream.shuffle(&facts)
    return facts
  }
}
