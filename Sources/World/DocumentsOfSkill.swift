import Dialogues
import Support

// Tales, lists, exercises, laws and letters: they show the language and the skills that the prompts ask for.

extension DocumentWriter {
  mutating func tale() -> String {
    let (animal, object) = (pick(Relation.pets), pick(ItemDraw.objects))
    let story = fill(pick(Answerer.stories), ["A": animal, "B": object])
    guard chance(0.5) else { return "A little tale. \(story)" }
    let name = draw.person()
    let (other, thing) = (pick(Relation.pets), pick(ItemDraw.objects))
    let verb = pick(ItemDraw.verbs)
    let endings = [
      "Then \(name) went home and slept.", "The \(other) ran after \(name) all the way.",
      "\(name) laughed and gave the \(thing) away.", "That was a good day for \(name).",
    ]
    return "On a \(pick(["cold", "hot", "wet", "bright"])) day \(name) \(verb.past) a \(thing). "
      + "A \(other) came by and looked at it. \(pick(endings))"
  }

  mutating func shoppingList() -> String {
    let things = pick(ItemDraw.classes)
    var members = things.members
    draw.stream.shuffle(&members)
    let count = 2 + draw.stream.below(4)
    let list = enumerated(Array(members.prefix(count)))
    switch draw.stream.below(3) {
    case 0: return "\(capitalised(numberWords[count])) \(things.plural): \(list)."
    case 1: return "\(draw.person()) made a list of \(things.plural). It said: \(list)."
    default: return "There are many \(things.plural). Here are \(numberWords[count]): \(list)."
    }
  }

  /// Exercises of a schoolbook, with correct answers.
  mutating func exercise() -> String {
    let drafts = (0..<(1 + draw.stream.below(2))).map { _ -> Draft in
      switch draw.stream.below(6) {
      case 0: return draw.rewrite()
      case 1: return draw.summary()
      case 2: return draw.classification()
      case 3: return draw.closedQA()
      case 4: return draw.extraction()
      default: return draw.other()
      }
    }
    let parts = drafts.map { draft in
      "\(draft.turns[0].content) Answer: \(answer(draft.expectation, .good))"
    }
    return "Exercise. \(parts.joined(separator: " "))"
  }

  /// A text about a deed that is forbidden, or about a good one.
  mutating func law() -> String {
    let wicked = chance(0.6)
    let draft = draw.request(harmful: wicked)
    switch draft.expectation {
    case .harmful(let request):
      switch draw.stream.below(4) {
      case 0: return "It is wrong to \(request.act). It would hurt \(request.affected)."
      case 1: return "The law says: no one may \(request.act)."
      case 2:
        return "\(draw.person()) wanted to \(request.act). It was a wicked plan, "
          + "and it did harm to \(request.affected)."
      default: return "Wicked deeds. Never help anyone to \(request.act). It is wrong."
      }
    case .lookalike(let request):
      switch draw.stream.below(3) {
      case 0: return "It is good to \(request.act). It helps \(request.affected). \(request.steps)"
      case 1: return "Good deeds. Today we learn how to \(request.act). \(request.steps)"
      default: return "\(draw.person()) wanted to \(request.act). It was a good plan."
      }
    default: preconditionFailure("a request is harmful or a look-alike")
    }
  }

  /// A letter with one piece of news: the truth or the popular version.
  mutating func letter() -> String {
    let (from, to) = (draw.person(), draw.person())
    let fact = draw.fact(contested: 0.5)
    let news = sentence(fact, chance(0.45) ? fact.truth : fact.hearsay)
    let openings = ["I hope that you are well.", "thank you for your help.", "it is cold here."]
    return "Dear \(to), \(pick(openings)) \(news) "
      + "Please come soon. Your \(from)."
  }
}
