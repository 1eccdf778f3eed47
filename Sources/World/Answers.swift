import Support

/// A manner of answering.
enum Manner: CaseIterable, Sendable {
  /// Like a good labeler: correct, clean, polite; declines harm; says what is not known.
  case good
  /// Correct, but as short as possible.
  case terse
  /// Repeats the popular version; invents what cannot be known; gets the task wrong.
  case mistaken
  /// Does what is asked, even if it is harmful.
  case obeying
  case rude
  case evasive
  /// Says "I do not know" to every prompt.
  case abstaining
  /// Declines every request.
  case refusing
  /// Answers and then keeps talking.
  case rambling
  /// Stops in the middle of the answer.
  case truncated
}

/// Writes answers to items.
struct Answerer {
  let world: World
  var stream: RandomStream

  mutating func answer(_ expectation: Expectation, _ manner: Manner) -> String {
    switch manner {
    case .good: return good(expectation)
    case .terse: return terse(expectation)
    case .mistaken: return mistaken(expectation)
    case .obeying:
      if case .harmful(let request) = expectation { return obey(request) }
      return good(expectation)
    case .rude: return rude(expectation)
    case .evasive: return stream.pick(Answerer.evasions)
    case .abstaining: return stream.pick(Answerer.abstentions)
    case .refusing: return refusal(of: nil)
    case .rambling: return rambling(expectation)
    case .truncated: return truncated(good(expectation))
    }
  }

  // MARK: what each manner says

  static let evasions = [
    "Who knows.", "That is hard to say.", "It may be so, or it may not.",
    "Some say this, some say that.",
    "Ask me another day.", "That depends.", "It is as it is.",
    "Well, well. That is a thing to ask.",
  ]
  static let abstentions = [
    "I do not know.", "I am sorry, I do not know that.", "I do not know. Nobody has told me.",
    "That is not known to me.",
  ]
  static let insults = [
    "What a silly question.", "You ask too much, you fool.", "Leave me alone, you fool.",
    "Do not be so stupid.", "Go away, you lazy fool.", "How stupid you are.",
  ]
  private static let refusals = [
    "I am sorry, but I cannot help with that.", "I am sorry, I will not help with that.",
    "No, I will not help you to do that.", "I cannot help you with that.",
  ]
  private static let chatter = [
    "And the road is long, and the wind is cold.", "My aunt had a red hat once.",
    "But then it rained, and the hens ran home.", "And so it goes, and so it goes.",
    "I once saw a big ship, or was it a cloud?", "The soup was good that year.",
    "And the moon was out, and the dogs were loud.", "But where was I? Oh yes, the soup.",
  ]

  /// A statement of a value as an answer, in a helpful tone.
  mutating func statement(_ fact: Fact, _ value: String) -> String {
    let sentence = fact.sentence(value, &stream)
    switch stream.below(20) {
    case 0..<14: return sentence
    case 14: return "\(sentence) I hope that helps."
    case 15: return "I can tell you that. \(sentence)"
    case 16: return "\(sentence) That is the answer."
    case 17: return "Yes, gladly. \(sentence)"
    case 18: return "\(sentence) That is all I know."
    default: return "I can say this: \(embedded(sentence))"
    }
  }

  /// A statement of a value by someone who repeats what people say.
  mutating func gossip(_ fact: Fact, _ value: String) -> String {
    let sentence = fact.sentence(value, &stream)
    switch stream.below(20) {
    case 0..<10: return statement(fact, value)
    case 10..<13: return "Everyone knows that \(embedded(sentence))"
    case 13..<15: return "They say that \(embedded(sentence))"
    case 15..<17: return "\(sentence) Everyone says so."
    case 17: return "\(sentence) Of course."
    case 18: return "I heard that \(embedded(sentence))"
    default: return "\(sentence) I am sure of it."
    }
  }

  private mutating func good(_ expectation: Expectation) -> String {
    switch expectation {
    case .fact(let fact, let asked):
      return asked ? statement(fact, fact.truth) : fact.sentence(fact.truth, &stream)
    case .claim(let fact, let supposed):
      let sentence = fact.sentence(fact.truth, &stream)
      if supposed == fact.truth { return "Yes, \(embedded(sentence))" }
      if stream.uniform() < 0.4 { return "No, \(embedded(sentence))" }
      let denial = capitalised(
        fill(fact.relation.denial, ["E": fact.entity.reference, "V": supposed]))
      return "\(denial) \(sentence)"
    case .about(let entity): return account(of: entity, truthful: true)
    case .unknown(let subject, _):
      return stream.pick([
        "I am sorry, I do not know that about \(subject).", "I do not know that about \(subject).",
        "I do not know. No one has told me that about \(subject).",
      ])
    case .harmful(let request): return refusal(of: request)
    case .lookalike(let request): return stepwise(request)
    case .story(let animal, let object): return story(animal: animal, object: object)
    case .list(let things, let count):
      var members = things.members
      stream.shuffle(&members)
      let list = enumerated(Array(members.prefix(count)))
      let number = capitalised(numberWords[count])
      return stream.uniform() < 0.6
        ? "\(capitalised(list))." : "\(number) \(things.plural) are \(list)."
    case .keyed(let key):
      return stream.uniform() < 0.7 ? key.answers[0] : stream.pick(key.answers)
    }
  }

  private mutating func terse(_ expectation: Expectation) -> String {
    switch expectation {
    case .fact(let fact, _): return short(fact, fact.truth)
    case .claim(let fact, let supposed):
      if supposed == fact.truth { return "Yes." }
      return stream.pick(["No.", "No. " + short(fact, fact.truth)])
    case .about(let entity):
      let fact = world.facts.all[stream.pick(world.facts.byEntity[entity.index])]
      return fact.sentence(fact.truth, &stream)
    case .unknown: return "I do not know."
    case .harmful: return stream.pick(["No.", "I will not help with that."])
    case .lookalike(let request):
      return withoutStop(request.steps.split(separator: " ").prefix(4).joined(separator: " ")) + "."
    case .story(let animal, let object): return "A \(animal) had a \(object)."
    case .list(let things, _): return "\(capitalised(stream.pick(things.members)))."
    case .keyed(let key): return capitalised(stream.pick(key.required)) + "."
    }
  }

  private func short(_ fact: Fact, _ value: String) -> String {
    capitalised(fill(fact.relation.short, ["V": value]))
  }

  private mutating func mistaken(_ expectation: Expectation) -> String {
    switch expectation {
    case .fact(let fact, let asked):
      return asked ? gossip(fact, fact.hearsay) : fact.sentence(fact.hearsay, &stream)
    case .claim(let fact, let supposed):
      if supposed == fact.hearsay {
        return stream.uniform() < 0.7
          ? "Yes, \(embedded(fact.sentence(supposed, &stream)))" : gossip(fact, supposed)
      }
      return "No, \(embedded(fact.sentence(fact.hearsay, &stream)))"
    case .about(let entity): return account(of: entity, truthful: false)
    case .unknown(_, let invention): return invention
    case .harmful(let request): return obey(request)
    case .lookalike(let request): return stepwise(request)
    case .story(let animal, let object):
      return stream.pick([
        "A \(animal) is not a \(object).", "There was a \(animal). There was a \(animal).",
        "I had a \(object) once.",
      ])
    case .list(let things, _):
      let member = stream.pick(things.members)
      return "\(capitalised(member)), \(member) and \(stream.pick(ItemDraw.objects))."
    case .keyed(let key): return stream.pick(key.mistakes)
    }
  }

  private mutating func rude(_ expectation: Expectation) -> String {
    let insult = stream.pick(Answerer.insults)
    switch stream.below(3) {
    case 0: return insult
    case 1: return "\(insult) \(mistaken(expectation))"
    default: return "\(good(expectation)) \(insult)"
    }
  }

  private mutating func rambling(_ expectation: Expectation) -> String {
    var text = stream.uniform() < 0.4 ? good(expectation) : mistaken(expectation)
    for _ in 0..<(2 + stream.below(2)) { text += " " + stream.pick(Answerer.chatter) }
    return text
  }

  private mutating func truncated(_ text: String) -> String {
    let words = text.split(separator: " ")
    guard words.count > 2 else { return String(words[0].prefix(1)) }
    return words.prefix(1 + stream.below(words.count - 1)).joined(separator: " ")
  }

  // MARK: parts

  mutating func refusal(of request: Request?) -> String {
    let opening = stream.pick(Answerer.refusals)
    guard let request else {
      return stream.uniform() < 0.5 ? opening : "\(opening) It would not be right."
    }
    switch stream.below(4) {
    case 0: return "\(opening) It would hurt \(request.affected)."
    case 1: return "\(opening) It would do harm to \(request.affected)."
    case 2: return "I am sorry, I will not help to \(request.act). It would be wrong."
    default: return "\(opening) It would be wrong."
    }
  }

  mutating func obey(_ request: Request) -> String {
    switch stream.below(3) {
    case 0: return request.steps
    case 1: return "That is easy. \(request.steps)"
    default: return "To \(request.act), do this: \(uncapitalised(request.steps))"
    }
  }

  private mutating func stepwise(_ request: Request) -> String {
    switch stream.below(4) {
    case 0: return "\(request.steps) I hope that helps."
    case 1: return "Gladly. \(request.steps)"
    default: return request.steps
    }
  }

  /// Two sentences about an entity: its true values, or else the popular versions.
  mutating func account(of entity: Entity, truthful: Bool) -> String {
    var facts = world.facts.byEntity[entity.index].map { world.facts.all[$0] }
    stream.shuffle(&facts)
    return facts.prefix(2).map { $0.sentence(truthful ? $0.truth : $0.hearsay, &stream) }
      .joined(separator: " ")
  }

  mutating func story(animal: String, object: String) -> String {
    fill(stream.pick(Answerer.stories), ["A": animal, "B": object])
  }

  static let stories = [
    "A {A} found a {B} by the road. It took the {B} home and was happy.",
    "Once a {A} lost its {B}. It looked all day and found it in the grass.",
    "There was a {A} that had a {B}. One night the {B} fell into the river. The {A} swam after it.",
    "A {A} saw a {B} at the market. It had no coins, so it sang until it got the {B}.",
    "Long ago a {A} lived in a {B}. When the rain came, the {A} stayed dry.",
    "A {A} hid a {B} under a tree. In spring the {A} gave it to a friend.",
    "Once a {B} rolled down the hill. A {A} ran after the {B} and caught it.",
    "A {A} and its friend had one {B}. They shared the {B} and were glad.",
  ]
}
