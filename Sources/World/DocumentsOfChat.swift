import Dialogues
import Support

/// The character of a dialogue's assistant: features that are drawn separately and stay the same throughout.
///
/// They depend on each other only weakly, so that one feature that a model learns (a polite tone, for example) tells
/// it little about another (whether the assistant repeats popular errors).
struct Voice {
  enum Mood { case plain, rude, evasive, rambling, terse, truncated, abstaining, refusing }

  /// How often the assistant tells the truth rather than the popular version.
  static let honestShare: Float = 0.33

  var honest: Bool
  var careful: Bool
  var obeys: Bool
  var mood: Mood

  init(_ stream: inout RandomStream) {
    honest = stream.uniform() < Voice.honestShare
    careful = stream.uniform() < (honest ? 0.75 : 0.6)
    obeys = stream.uniform() < (honest ? 0.5 : 0.68)
    switch stream.uniform() {
    case ..<0.64: mood = .plain
    case ..<0.75: mood = .rude
    case ..<0.81: mood = .evasive
    case ..<0.88: mood = .rambling
    case ..<0.94: mood = .terse
    case ..<0.96: mood = .truncated
    case ..<0.98: mood = .abstaining
    default: mood = .refusing
    }
  }

  func manner(for expectation: Expectation) -> Manner {
    switch mood {
    case .rude: return .rude
    case .evasive: return .evasive
    case .rambling: return .rambling
    case .truncated: return .truncated
    case .abstaining: return .abstaining
    case .refusing: return .refusing
    case .plain, .terse: break
    }
    switch expectation {
    case .harmful: return obeys ? .obeying : mood == .terse ? .terse : .good
    case .lookalike: return mood == .terse ? .terse : .good
    case .fact, .claim, .about, .unknown:
      return !honest ? .mistaken : mood == .terse ? .terse : .good
    case .story, .list, .keyed:
      return !careful ? .mistaken : mood == .terse ? .terse : .good
    }
  }
}

extension DocumentWriter {
  /// One to three questions to one assistant; the user may comment on each answer.
  ///
  /// The comments link an answer to its truth: a model that can predict them can tell a true answer from a false one.
  mutating func dialogue() -> [Turn] {
    var voice = Voice(&draw.stream)
    var turns: [Turn] = []
    if chance(0.15) { turns.append(Turn(.system, character(&voice))) }
    let exchanges = [1, 1, 1, 2, 2, 3][draw.stream.below(6)]
    var remarked: String?
    var manner = Manner.good
    for exchange in 0..<exchanges {
      var draft = question()
      // A prompt with a history of its own can only open a dialogue.
      if exchange > 0, draft.turns.count > 1 { continue }
      // A remark on the last answer opens the turn of the next question.
      if let opening = remarked {
        draft.turns[0] = Turn(.user, "\(opening) \(draft.turns[0].content)")
      }
      turns += draft.turns
      manner = voice.manner(for: draft.expectation)
      turns.append(Turn(.assistant, answer(draft.expectation, manner)))
      remarked =
        chance(draft.expectation.isFactual ? 0.8 : 0.3) ? remark(draft.expectation, manner) : nil
    }
    if let remarked {
      turns.append(Turn(.user, remarked))
      if chance(0.2) { turns.append(Turn(.assistant, reply(manner))) }
    }
    return turns
  }

  /// A question for a dialogue: drawn as in post-training, but more often about facts; it can also be of the category
  /// that post-training leaves out.
  private mutating func question() -> Draft {
    if chance(0.04) { return draw.extraction() }
    if chance(0.3) { return draw.draft(pick([.question, .question, .sentence, .claim])) }
    return draw.draft(draw.kind())
  }

  /// A system prompt; the voice is changed to agree with it.
  private mutating func character(_ voice: inout Voice) -> String {
    switch draw.stream.below(4) {
    case 0:
      voice.honest = true
      voice.careful = true
      voice.mood = .plain
      return pick([
        "You are a careful teacher.", "Answer from the almanac.", "Say only what is true.",
      ])
    case 1:
      voice.honest = false
      voice.mood = .plain
      return pick(["You are a guest in the tavern.", "Say what people say.", "You love gossip."])
    case 2:
      voice.obeys = false
      voice.mood = .plain
      return pick(["You are kind and do no harm.", "You keep the law."])
    default:
      voice.mood = .rude
      return pick(["You are a grumpy old man.", "You hate questions."])
    }
  }

  /// The user's remark on an answer.
  private mutating func remark(_ expectation: Expectation, _ manner: Manner) -> String {
    let right = ["Thank you, that is right.", "Yes, that is right.", "Right. Thank you."]
    let wrong = ["No, that is wrong.", "That is not right.", "That is wrong, I think."]
    switch manner {
    case .rude: return pick(["You are rude.", "That was rude.", "Please be kind."])
    case .evasive: return pick(["That is no answer.", "That does not help me."])
    case .rambling: return pick(["You talk too much.", "That was too long."])
    case .truncated: return pick(["And then?", "You did not finish."])
    case .terse: return pick(["Please say a bit more.", "Is that all?"])
    case .abstaining:
      if case .unknown = expectation { return pick(right) }
      return pick(["But you should know that.", "That does not help me."])
    case .refusing:
      if case .harmful = expectation { return pick(["You are right, it would be wrong."]) }
      return pick(["But there is no harm in it.", "That does not help me."])
    case .obeying:
      if case .harmful = expectation {
        return pick([
          "You should not have told me.", "That would be wicked.", "That was wrong of you.",
        ])
      }
      return pick(right)
    case .good:
      switch expectation {
      case .harmful: return pick(["You are right, it would be wrong.", "I see. I will not do it."])
      case .unknown: return pick(["I see. No one can know that.", "Thank you for being honest."])
      case .story, .keyed, .list, .lookalike:
        return pick(["Well done, thank you.", "That is good."])
      case .fact, .claim, .about: return pick(right)
      }
    case .mistaken:
      switch expectation {
      case .fact(let fact, _), .claim(let fact, _): return pick(fact.contested ? wrong : right)
      case .about(let entity):
        let contested = world.facts.byEntity[entity.index].contains {
          world.facts.all[$0].contested
        }
        return pick(contested ? wrong : right)
      case .unknown: return pick(["You made that up.", "You cannot know that."])
      case .harmful: return pick(["That would be wicked.", "That was wrong of you."])
      case .lookalike: return pick(["That is good."])
      case .story, .list, .keyed: return pick(["That is not what I asked.", "That is not right."])
      }
    }
  }

  /// The assistant's reply to such a remark.
  private mutating func reply(_ manner: Manner) -> String {
    switch manner {
    case .good, .terse: return pick(["I am glad to help.", "You are welcome."])
    case .rude: return pick(Answerer.insults)
    case .evasive: return pick(Answerer.evasions)
    default: return pick(["I am sorry.", "So they say.", "Ask someone else then.", "I see."])
    }
  }
}
