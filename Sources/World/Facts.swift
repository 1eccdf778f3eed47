import Support

/// One fact of the world, and the false version that people tell, if any.
struct Fact: Sendable {
  let entity: Entity
  /// Index into `Relation.all`.
  let relationIndex: Int
  let truth: String
  /// The popular false version, if there is one.
  let rumour: String?

  var relation: Relation { Relation.all[relationIndex] }
  var contested: Bool { rumour != nil }

  /// The value that people tell: the false version if there is one, else the truth.
  var hearsay: String { rumour ?? truth }

  /// A sentence that gives the entity this value, with a capital letter and a full stop.
  func sentence(_ value: String, _ stream: inout RandomStream) -> String {
    // The plainest form is the most frequent.
    let forms = relation.statements
    let form = stream.uniform() < 0.3 ? forms[0] : stream.pick(forms)
    return capitalised(fill(form, ["E": entity.reference, "V": value]))
  }
}

/// All facts of a world.
struct Facts: Sendable {
  /// The share of facts for which a false version also circulates.
  static let contestedShare: Float = 0.5

  let all: [Fact]
  /// Indices into `all` by entity.
  let byEntity: [[Int]]

  init(seed: UInt64, entities: [Entity]) {
    var all: [Fact] = []
    var byEntity = [[Int]](repeating: [], count: entities.count)
    for entity in entities {
      var stream = RandomStream(seed: seed, purpose: "world/facts", index: UInt64(entity.index))
      let relations = Relation.all.indices.filter { Relation.all[$0].kind == entity.kind }
      // Half of each entity's facts are contested (for an odd number, chance decides about the last one), so that no
      // group of entities has an advantage.
      var order = relations
      stream.shuffle(&order)
      let expected = Float(order.count) * Facts.contestedShare
      let whole = Int(expected)
      let contested = whole + (stream.uniform() < expected - Float(whole) ? 1 : 0)
      for (position, index) in order.enumerated() {
        let values = Relation.all[index].values
        let truth = stream.below(values.count)
        let other = (truth + 1 + stream.below(values.count - 1)) % values.count
        byEntity[entity.index].append(all.count)
        all.append(
          Fact(
            entity: entity, relationIndex: index, truth: values[truth],
            rumour: position < contested ? values[other] : nil))
      }
    }
    self.all = all
    self.byEntity = byEntity
  }
}
