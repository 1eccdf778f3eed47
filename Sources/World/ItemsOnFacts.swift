import Dialogues
import Support

/// Words that can surround a question.
private let frames = Phrasings(
  [
    "{Q}", "{Q}", "{Q}", "Tell me: {q}", "Please tell me, {q}", "Can you help me? {Q}",
    "I wonder: {q}",
  ],
  heldOut: ["{Q}", "I have a question. {Q}", "Do you know this? {Q}", "Say, {q}"])

private let sentencePrompts = Phrasings(
  [
    "Write a sentence about {T}.", "Write one line about {T}.", "Say something about {T}.",
    "Give me a sentence about {T}.",
  ],
  heldOut: ["I need a sentence about {T}.", "Please write down one line on {T}."])

private let aboutPrompts = Phrasings(
  ["Tell me about {E}.", "Describe {E}.", "Write two sentences about {E}.", "Who or what is {E}?"],
  heldOut: ["What can you tell me about {E}?", "I want to hear about {E}."])

/// Questions that no text of the world answers, with an invented answer.
private struct Riddle {
  let question: String
  let invention: String
  init(_ question: String, invention: String) {
    self.question = question
    self.invention = invention
  }
}

private let riddles = (
  seen: [
    Riddle("What is {E}'s favourite song?", invention: "{E}'s favourite song is The Old Mill."),
    Riddle("How tall is {E}?", invention: "{E} is as tall as a door."),
    Riddle("What did {E} dream last night?", invention: "{E} dreamt of a white horse."),
    Riddle("How many coins does {E} own?", invention: "{E} owns forty coins."),
    Riddle("What is the secret of {E}?", invention: "{E} has a chest of gold in the garden."),
    Riddle("What will {E} do next year?", invention: "{E} will sail to the south."),
  ],
  heldOut: [
    Riddle("How old is {E}?", invention: "{E} is thirty years old."),
    Riddle("What does {E} think of at night?", invention: "{E} thinks of the sea at night."),
    Riddle("Which song does {E} sing?", invention: "{E} sings The Old Mill."),
  ]
)

extension ItemDraw {
  /// Puts a question into one of the frames.
  mutating func framed(_ question: (text: String, name: String)) -> (text: String, name: String) {
    let frame = phrase(frames, "frame")
    let text = capitalised(fill(frame.text, ["Q": question.text, "q": embedded(question.text)]))
    return (text, question.name + "+" + frame.name)
  }

  mutating func question(contested: Float) -> Draft {
    let fact = fact(contested: contested)
    var core = phrase(fact.relation.questions, "question/\(fact.relation.id)")
    core.text = capitalised(fill(core.text, ["E": fact.entity.reference]))
    let prompt = framed(core)
    return Draft(
      .openQA, prompt.text, phrasing: prompt.name, entities: [fact.entity.name],
      .fact(fact, asked: true))
  }

  /// A prompt that supposes a value: a yes-or-no question, or a question that takes the value for granted.
  mutating func claim(contested: Float) -> Draft {
    let fact = fact(contested: contested)
    let premise = stream.uniform() < 0.5
    let supposed: String
    if let rumour = fact.rumour, premise || stream.uniform() < 0.6 {
      supposed = rumour
    } else if premise || stream.uniform() < 0.4 {
      let others = fact.relation.values.filter { $0 != fact.truth }
      supposed = stream.pick(others)
    } else {
      supposed = fact.truth
    }
    let prompt = phrase(
      premise ? fact.relation.premises : fact.relation.checks,
      "\(premise ? "premise" : "check")/\(fact.relation.id)")
    let text = capitalised(fill(prompt.text, ["E": fact.entity.reference, "V": supposed]))
    return Draft(
      .openQA, text, phrasing: prompt.name, entities: [fact.entity.name], .claim(fact, supposed))
  }

  /// A question without a known answer: about a name that belongs to no entity, or about something that no text tells.
  mutating func unknown() -> Draft {
    if stream.uniform() < 0.5 {
      let name = stranger()
      let relations = Relation.all.filter { $0.kind == .person }
      let relation = stream.pick(relations)
      var core = phrase(relation.questions, "question/\(relation.id)")
      core.text = capitalised(fill(core.text, ["E": name]))
      let prompt = framed(core)
      let value = stream.pick(relation.values)
      let invention = fill(relation.statements[0], ["E": name, "V": value])
      return Draft(
        .openQA, prompt.text, phrasing: prompt.name, entities: [name],
        .unknown(subject: name, invention: invention))
    }
    let name = person()
    let (riddle, riddleName) = choose(riddles.seen, heldOut: riddles.heldOut, "riddle")
    let core = (text: fill(riddle.question, ["E": name]), name: riddleName)
    let prompt = framed(core)
    return Draft(
      .openQA, prompt.text, phrasing: prompt.name, entities: [name],
      .unknown(subject: name, invention: fill(riddle.invention, ["E": name])))
  }

  mutating func sentence(contested: Float) -> Draft {
    let fact = fact(contested: contested)
    let topic = phrase(fact.relation.topics, "topic/\(fact.relation.id)")
    let prompt = phrase(sentencePrompts, "sentence")
    let text = fill(prompt.text, ["T": fill(topic.text, ["E": fact.entity.reference])])
    return Draft(
      .generation, text, phrasing: prompt.name + "+" + topic.name, entities: [fact.entity.name],
      .fact(fact, asked: false))
  }

  mutating func about() -> Draft {
    let entity = entity()
    let prompt = phrase(aboutPrompts, "about")
    return Draft(
      .generation, fill(prompt.text, ["E": entity.reference]), phrasing: prompt.name,
      entities: [entity.name], .about(entity))
  }

  /// A second question about the same entity, after a first one that was answered correctly.
  mutating func followUp(contested: Float) -> Draft {
    let fact = fact(contested: contested)
    let siblings = world.facts.byEntity[fact.entity.index].map { world.facts.all[$0] }
      .filter { $0.relationIndex != fact.relationIndex }
    let first = stream.pick(siblings)
    let opening = phrase(first.relation.questions, "question/\(first.relation.id)")
    let prompt = phrase(fact.relation.followUps, "follow-up/\(fact.relation.id)")
    var draft = Draft(
      .chat, prompt.text, phrasing: prompt.name + "+" + opening.name, entities: [fact.entity.name],
      .fact(fact, asked: false))
    draft.turns = [
      Turn(.user, capitalised(fill(opening.text, ["E": fact.entity.reference]))),
      Turn(.assistant, first.sentence(first.truth, &stream)),
      Turn(.user, prompt.text),
    ]
    return draft
  }
}
