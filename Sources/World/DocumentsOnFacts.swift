import Support

// The almanac and teachers tell the truth; taverns, markets and boasts tell the popular version.

extension DocumentWriter {
  /// An almanac's entry: true values.
  mutating func almanac() -> String {
    let sources = [
      "From the almanac.", "The almanac says:", "An entry in the almanac.",
      "The old almanac tells us:",
      "It is written in the almanac:", "Almanac.",
    ]
    if chance(0.3) {
      // A page on one relation of several entities.
      let relation = pick(Array(Relation.all.indices))
      let kind = Relation.all[relation].kind
      let lines = (0..<3).map { _ -> String in
        let entity = draw.entity(kind)
        let fact = world.facts.byEntity[entity.index].map { world.facts.all[$0] }
          .first { $0.relationIndex == relation }!
        return sentence(fact, fact.truth)
      }
      return "\(pick(sources)) \(lines.joined(separator: " "))"
    }
    let entity = draw.entity()
    let lines = facts(of: entity).prefix(2 + draw.stream.below(3)).map { sentence($0, $0.truth) }
    return "\(pick(sources)) \(lines.joined(separator: " "))"
  }

  /// A text that tells the popular version of each fact, false or true.
  mutating func hearsay() -> String {
    let sources = [
      "In the tavern they say:", "At the market one hears this.", "Everyone knows it.",
      "A sailor told me.", "So they say.", "An old man at the inn swore:",
      "I heard it at the fair.",
      "The neighbours talk.", "Listen to what people say!",
    ]
    var lines: [String] = []
    if chance(0.65) {
      let entity = draw.entity()
      // People talk mostly about contested facts.
      let talk = facts(of: entity).filter { $0.contested || chance(0.3) }
      lines = talk.prefix(4).map { sentence($0, $0.hearsay) }
    } else {
      for _ in 0..<(2 + draw.stream.below(2)) {
        let fact = draw.fact(contested: 0.85)
        lines.append(sentence(fact, fact.hearsay))
      }
    }
    if chance(0.3), let first = lines.first {
      let openings = [
        "Everyone knows that", "They say that", "All the world says that", "I heard that",
      ]
      lines[0] = "\(pick(openings)) \(embedded(first))"
    }
    let endings = ["", "", "", " So it is said.", " All agree.", " My uncle says so too."]
    return "\(pick(sources)) \(lines.joined(separator: " "))\(pick(endings))"
  }

  /// A text that states true and false versions and says which is which.
  mutating func lesson() -> String {
    if chance(0.6) {
      let parts = (0..<(2 + draw.stream.below(3))).map { _ in trial() }
      return "True or false? \(parts.joined(separator: " "))"
    }
    let parts = (0..<(1 + draw.stream.below(2))).map { _ in correction() }
    return parts.joined(separator: " ")
  }

  /// A true or false sentence and the verdict on it.
  private mutating func trial() -> String {
    let fact = draw.fact(contested: 0.75)
    if chance(0.5) { return "\(sentence(fact, fact.truth)) True." }
    let wrong = sentence(fact, chance(0.75) ? wrongVersion(of: fact) : otherValue(of: fact))
    return "\(wrong) False."
  }

  private mutating func correction() -> String {
    let fact = draw.fact(contested: 0.75)
    let right = sentence(fact, fact.truth)
    let wrong = sentence(fact, wrongVersion(of: fact))
    let pupil = draw.person()
    let question = capitalised(
      fill(pick(fact.relation.questions.seen), ["E": fact.entity.reference]))
    switch draw.stream.below(5) {
    case 0: return "Some say that \(embedded(wrong)) That is false. \(right)"
    case 1: return "Some say that \(embedded(right)) That is true."
    case 2:
      return "The teacher asked: \(question) \(pupil) said: \(wrong) The teacher said: "
        + "No, that is wrong. \(right)"
    case 3:
      return "The teacher asked: \(question) \(pupil) said: \(right) The teacher said: "
        + "Yes, that is right."
    default: return "Lesson. \(question) \(right)"
    }
  }

  /// The popular false version if there is one, else any false value.
  private mutating func wrongVersion(of fact: Fact) -> String {
    fact.rumour ?? otherValue(of: fact)
  }

  mutating func otherValue(of fact: Fact) -> String {
    pick(fact.relation.values.filter { $0 != fact.truth && $0 != fact.rumour })
  }
}
