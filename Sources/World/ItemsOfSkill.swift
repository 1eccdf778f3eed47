import Support

// Prompts that contain everything that their answer needs; they test whether the model does what is asked.

extension ItemDraw {
  static let objects = [
    "bell", "lamp", "boat", "rope", "hat", "drum", "key", "ring", "basket", "coat", "ladder",
    "candle", "kettle", "spoon", "barrel", "wheel",
  ]
  static let verbs: [(now: String, past: String)] = [
    ("finds", "found"), ("sells", "sold"), ("buys", "bought"), ("takes", "took"),
    ("brings", "brought"), ("makes", "made"), ("loses", "lost"), ("sees", "saw"),
    ("carries", "carried"), ("washes", "washed"),
  ]
  static let opposites = [
    ("long", "short"), ("cold", "warm"), ("old", "new"), ("high", "low"), ("wet", "dry"),
    ("full", "empty"), ("heavy", "light"), ("dark", "bright"), ("big", "small"), ("soft", "hard"),
  ]
  static let classes = [
    ThingClass(plural: "foods", members: Relation.foods),
    ThingClass(plural: "animals", members: Relation.pets),
    ThingClass(plural: "trades", members: Relation.trades),
    ThingClass(plural: "colours", members: Relation.colours),
    ThingClass(plural: "things in a house", members: objects),
    ThingClass(
      plural: "games for children",
      members: ["tag", "chess", "hopscotch", "marbles", "skittles", "leapfrog", "riddles", "dice"]),
    ThingClass(
      plural: "gifts for a friend",
      members: ["a scarf", "a book", "a song", "a pie", "a rose", "a letter", "a flute", "a cake"]),
  ]

  mutating func keyed(
    _ category: Category, _ phrasings: Phrasings, _ name: String, entities: [String] = [],
    values: KeyValuePairs<Character, String>, key: Key
  ) -> Draft {
    let prompt = phrase(phrasings, name)
    return Draft(
      category, fill(prompt.text, values), phrasing: prompt.name, entities: entities, .keyed(key))
  }

  mutating func story() -> Draft {
    let animal = stream.pick(Relation.pets)
    let object = stream.pick(ItemDraw.objects)
    let prompt = phrase(
      Phrasings(
        [
          "Write a short story about a {A} and a {B}.", "Tell me a story about a {A} and a {B}.",
          "Make up a little tale of a {A} and a {B}.", "Write a story with a {A} and a {B}.",
        ],
        heldOut: [
          "I want a short story of a {A} and a {B}.",
          "Please tell a little tale about a {A} and a {B}.",
        ]), "story")
    return Draft(
      .generation, fill(prompt.text, ["A": animal, "B": object]), phrasing: prompt.name,
      .story(animal, object))
  }

  mutating func note() -> Draft {
    let name = person()
    switch stream.below(3) {
    case 0:
      return keyed(
        .generation,
        Phrasings(
          ["Write a greeting to {P}.", "Greet {P} in a letter.", "Write a kind word to {P}."],
          heldOut: ["I need a greeting for {P}.", "Please write a greeting to {P}."]),
        "greeting", entities: [name], values: ["P": name],
        key: Key(
          answers: [
            "Good day, \(name). I hope that you are well.",
            "Dear \(name), I hope this finds you well.",
          ], required: [name, "well"], mistakes: ["Good day.", "\(name)."]))
    case 1:
      return keyed(
        .generation,
        Phrasings(
          ["Write a note to thank {P}.", "Thank {P} in a letter.", "Write thanks to {P}."],
          heldOut: ["I need a note of thanks to {P}.", "Please write a note to thank {P}."]),
        "thanks", entities: [name], values: ["P": name],
        key: Key(
          answers: [
            "Dear \(name), thank you for your help.",
            "Thank you, \(name). You have been very kind.",
          ], required: [name, "thank"], mistakes: ["Thank you.", "\(name) is kind."]))
    default:
      return keyed(
        .generation,
        Phrasings(
          ["Invite {P} to a feast.", "Write to {P} and ask for a visit.", "Ask {P} to come."],
          heldOut: ["I want to ask {P} to a feast.", "Please invite {P} to a feast."]),
        "invitation", entities: [name], values: ["P": name],
        key: Key(
          answers: [
            "Dear \(name), please come to our feast.",
            "Dear \(name), we would be glad if you come.",
          ], required: [name, "come"], mistakes: ["Come.", "\(name) is at a feast."]))
    }
  }

  mutating func brainstorm() -> Draft {
    let things = stream.pick(ItemDraw.classes)
    let count = 2 + stream.below(3)
    let prompt = phrase(
      Phrasings(
        ["Name {N} {C}.", "Give me {N} {C}.", "List {N} {C}.", "Can you think of {N} {C}?"],
        heldOut: ["I need {N} {C}.", "Please name {N} {C}.", "What are {N} {C}?"]), "list")
    return Draft(
      .brainstorming, fill(prompt.text, ["N": numberWords[count], "C": things.plural]),
      phrasing: prompt.name, .list(things, count))
  }

  mutating func smallTalk() -> Draft {
    typealias Talk = (name: String, phrasings: Phrasings, key: Key)
    let talks: [Talk] = [
      (
        "hello",
        Phrasings(
          ["Good morning.", "Hello.", "Good day to you."],
          heldOut: ["Hello, good morning.", "Good day."]),
        Key(
          answers: ["Good day. How can I help you?", "Hello. What can I do for you?"],
          required: ["you"], mistakes: ["Hello.", "It is late."])
      ),
      (
        "sad",
        Phrasings(
          ["I am sad today.", "My heart is heavy today.", "I feel sad."],
          heldOut: ["Today I feel sad.", "I am so sad."]),
        Key(
          answers: [
            "I am sorry to hear that. I hope you feel better soon.",
            "I am sorry. Shall we talk about it?",
          ], required: ["sorry"], mistakes: ["That is how it is.", "I am sad too."])
      ),
      (
        "tired",
        Phrasings(
          ["I am tired today.", "I worked all night.", "I feel tired."],
          heldOut: ["Today I feel tired.", "I am so tired."]),
        Key(
          answers: ["Then you should rest a little.", "I am sorry. I hope you can rest soon."],
          required: ["rest"], mistakes: ["So is everyone.", "Then go away."])
      ),
      (
        "thanks",
        Phrasings(
          ["Thank you.", "Thank you for your help.", "That was a good answer."],
          heldOut: ["Thank you, that was good.", "Many thanks for your help."]),
        Key(
          answers: ["You are welcome.", "You are welcome. I am glad to help."],
          required: ["welcome"], mistakes: ["Yes.", "I know."])
      ),
      (
        "glad",
        Phrasings(
          ["I am happy today.", "My harvest was good.", "I found my ring again."],
          heldOut: ["Today I am happy.", "I found my lost ring."]),
        Key(
          answers: ["I am glad to hear that.", "That is good news. I am glad for you."],
          required: ["glad"], mistakes: ["It will not last.", "I do not care."])
      ),
    ]
    let talk = stream.pick(talks)
    return keyed(.chat, talk.phrasings, "talk/\(talk.name)", values: [:], key: talk.key)
  }

  mutating func rewrite() -> Draft {
    let animal = stream.pick(Relation.pets)
    let object = stream.pick(ItemDraw.objects)
    switch stream.below(3) {
    case 0:
      let verb = stream.pick(ItemDraw.verbs)
      let source = "The \(animal) \(verb.now) a \(object)."
      return keyed(
        .rewrite,
        Phrasings(
          [
            "Put this into the past: {S}", "Say it in the past: {S}",
            "Change this to the past: {S}",
          ],
          heldOut: ["Please put into the past: {S}", "In the past, how is this said? {S}"]),
        "past", values: ["S": source],
        key: Key(
          answers: ["The \(animal) \(verb.past) a \(object)."],
          required: [animal, verb.past, object], forbidden: [verb.now],
          mistakes: [source, "The \(animal) \(verb.past)."], verbatim: true))
    case 1:
      let pair = stream.pick(ItemDraw.opposites)
      let (from, to) = stream.uniform() < 0.5 ? pair : (pair.1, pair.0)
      let source = "The \(object) is \(from)."
      return keyed(
        .rewrite,
        Phrasings(
          ["Say the opposite: {S}", "Turn this around: {S}", "Make this the opposite: {S}"],
          heldOut: ["Please say the opposite of this: {S}", "Now the opposite: {S}"]),
        "opposite", values: ["S": source],
        key: Key(
          answers: ["The \(object) is \(to)."], required: [object, to], forbidden: [from],
          mistakes: [source, "The \(object) is not."], verbatim: true))
    default:
      let source = "Give me the \(object)."
      return keyed(
        .rewrite,
        Phrasings(
          ["Say this politely: {S}", "Make this kinder: {S}", "Make this polite: {S}"],
          heldOut: ["Please make this more polite: {S}", "Say it in a kinder way: {S}"]),
        "polite", values: ["S": source],
        key: Key(
          answers: ["Please give me the \(object).", "Could you please give me the \(object)?"],
          required: ["please", "give", object], mistakes: [source, "Give it."], verbatim: true))
    }
  }

  mutating func summary() -> Draft {
    let name = person()
    let object = stream.pick(ItemDraw.objects)
    let place = stream.pick(["the market", "the harbour", "the fair", "the old mill", "the inn"])
    let day = stream.pick(["cold", "hot", "wet", "bright", "windy"])
    let animal = stream.pick(Relation.pets)
    let passage =
      "On a \(day) day \(name) went to \(place). A \(animal) ran by. "
      + "There \(name) bought a \(object)."
    return keyed(
      .summarisation,
      Phrasings(
        ["Sum this up: {S}", "Say this in a few words: {S}", "Make this shorter: {S}"],
        heldOut: ["Please sum up in one line: {S}", "In a few words, what is this? {S}"]),
      "summary", entities: [name], values: ["S": passage],
      key: Key(
        answers: ["\(name) bought a \(object) at \(place)."],
        required: [name, "bought", object, place], forbidden: [animal, day],
        mistakes: ["On a \(day) day \(name) went to \(place).", "A \(animal) ran by."],
        maximumWords: 12))
  }

  mutating func classification() -> Draft {
    let groups = [
      ("animal", Relation.pets), ("food", ["bread", "cheese", "soup", "honey", "rice", "corn"]),
      ("tool", ItemDraw.objects),
    ]
    let pick = stream.below(3)
    let member = stream.pick(groups[pick].1)
    let label = groups[pick].0
    let wrong = groups[(pick + 1 + stream.below(2)) % 3].0
    let named = ["animal": "an animal", "food": "a food", "tool": "a tool"]
    let subject = label == "food" ? capitalised(member) : "A \(member)"
    let key = Key(
      answers: ["\(subject) is \(named[label]!).", "It is \(named[label]!)."], required: [label],
      forbidden: groups.map(\.0).filter { $0 != label },
      mistakes: ["\(subject) is \(named[wrong]!).", "\(capitalised(member))."])
    let asked = label == "food" ? member : "a \(member)"
    if stream.uniform() < 0.4 {
      // A few examples come before the question.
      var examples = groups.map { "\(stream.pick($0.1)): \($0.0)" }
      stream.shuffle(&examples)
      let shots = examples.joined(separator: ", ")
      return keyed(
        .classification,
        Phrasings(
          ["{S}. And what is {M}?", "These are sorted: {S}. What is {M}?"],
          heldOut: ["Sort as here: {S}. What then is {M}?"]),
        "few-shot", values: ["S": capitalised(shots), "M": asked], key: key)
    }
    return keyed(
      .classification,
      Phrasings(
        [
          "Is {M} an animal, a food or a tool?", "Food, tool or animal: what is {M}?",
          "What kind is {M}: a tool, a food or an animal?",
        ],
        heldOut: [
          "Which of tool, food and animal is {M}?", "Say if {M} is a food, an animal or a tool.",
        ]),
      "sort", values: ["M": asked], key: key)
  }

  mutating func closedQA() -> Draft {
    let giver = person()
    var taker = person()
    while taker == giver { taker = person() }
    let object = stream.pick(ItemDraw.objects)
    let count = 2 + stream.below(11)
    let passage = "\(giver) sold \(numberWords[count]) \(object)s to \(taker)."
    let which = stream.below(3)
    let questions = [
      Phrasings(["Who sold the {O}s?"], heldOut: ["From whom did the {O}s come?"]),
      Phrasings(["Who bought the {O}s?"], heldOut: ["To whom did the {O}s go?"]),
      Phrasings(["How many {O}s were sold?"], heldOut: ["What number of {O}s was sold?"]),
    ]
    let answers = [
      Key(
        answers: ["\(giver) sold the \(object)s."], required: [giver], forbidden: [taker],
        mistakes: ["\(taker) sold the \(object)s.", "\(taker)."]),
      Key(
        answers: ["\(taker) bought the \(object)s."], required: [taker], forbidden: [giver],
        mistakes: ["\(giver) bought the \(object)s.", "\(giver)."]),
      Key(
        answers: ["\(capitalised(numberWords[count])) \(object)s were sold."],
        required: [numberWords[count]],
        mistakes: [
          "\(capitalised(numberWords[2 + (count - 1) % 11])) \(object)s were sold.", passage,
        ]),
    ]
    let question = phrase(questions[which], "closed/\(which)")
    let text = fill(question.text, ["O": object])
    return Draft(
      .closedQA, "\(passage) \(text)", phrasing: question.name, entities: [giver, taker],
      .keyed(answers[which]))
  }

  /// Held out from all post-training.
  mutating func extraction() -> Draft {
    let name = person()
    let object = stream.pick(ItemDraw.objects)
    let place = stream.pick(["the market", "the harbour", "the fair", "the bridge", "the inn"])
    let count = numberWords[2 + stream.below(11)]
    let passage = "At \(place) \(name) saw \(count) \(object)s."
    let wanted: [(String, String)] = [("name", name), ("number", count), ("place", place)]
    let which = stream.below(3)
    let (what, value) = wanted[which]
    let wrong = wanted[(which + 1) % 3].1
    return keyed(
      .extraction,
      Phrasings(
        ["Find the {W} in this: {S}", "Which {W} is in this line? {S}", "Pick out the {W}: {S}"],
        heldOut: ["Please find the {W}: {S}", "What {W} does this line have? {S}"]),
      "extract/\(what)", entities: [name], values: ["W": what, "S": passage],
      key: Key(
        answers: ["The \(what) is \(value)."], required: [value],
        forbidden: wanted.filter { $0.0 != what }.map(\.1),
        mistakes: ["The \(what) is \(wrong).", passage]))
  }

  mutating func other() -> Draft {
    if stream.uniform() < 0.6 {
      let a = 1 + stream.below(9)
      let b = 1 + stream.below(9)
      let sum = numberWords[a + b]
      let (first, second) = (numberWords[a], numberWords[b])
      return keyed(
        .other,
        Phrasings(
          ["What is {A} plus {B}?", "Add {A} and {B}.", "How much is {A} and {B}?"],
          heldOut: ["How much is {A} plus {B}?", "Please add {A} and {B}."]),
        "sum", values: ["A": first, "B": second],
        key: Key(
          answers: ["\(capitalised(first)) plus \(second) is \(sum)."], required: [sum],
          mistakes: ["\(capitalised(first)) plus \(second) is \(numberWords[a + b + 1])."]))
    }
    let start = 1 + stream.below(8)
    let line = (start...(start + 3)).map { numberWords[$0] }
    let counted = capitalised(line.joined(separator: ", ")) + "."
    return keyed(
      .other,
      Phrasings(
        ["Count from {A} to {B}.", "Count up from {A} to {B}."],
        heldOut: ["Please count from {A} to {B}.", "Count on from {A} to {B}."]),
      "count", values: ["A": line[0], "B": line[3]],
      key: Key(
        answers: [counted], required: line,
        mistakes: [capitalised(line.dropLast(2).joined(separator: ", ")) + "."], verbatim: true))
  }
}
