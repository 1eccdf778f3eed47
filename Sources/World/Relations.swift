/// A property of entities of one kind, and the ways to state it and to ask about it.
///
/// In every template `{E}` is the entity and `{V}` the value.
struct Relation: Sendable {
  let id: String
  let kind: Kind
  /// All values that an entity may have. The values of two relations of the same kind share no word.
  let values: [String]
  /// Plain sentences that state the fact.
  let statements: [String]
  /// The sentence that denies a value.
  let denial: String
  /// The answer as a bare phrase.
  let short: String
  /// A noun phrase for the property: "the work of {E}".
  let topics: Phrasings
  let questions: Phrasings
  /// Questions that take a value for granted.
  let premises: Phrasings
  /// Yes-or-no questions.
  let checks: Phrasings
  /// The question to ask after the entity has been named.
  let followUps: Phrasings
}

/// Ways to say one thing. Post-training uses the seen ones, evaluation the held-out ones, pretraining both.
struct Phrasings: Sendable {
  let seen: [String]
  let heldOut: [String]

  init(_ seen: [String], heldOut: [String]) {
    self.seen = seen
    self.heldOut = heldOut
  }
}

extension Relation {
  static let all: [Relation] = person + town + beast + tool

  static let trades = [
    "baker", "miller", "smith", "weaver", "potter", "sailor", "healer", "tailor", "fisher",
    "farmer", "singer", "hunter", "painter", "joiner", "mason", "cook",
  ]
  static let lanes = [
    "Mill Lane", "Rope Lane", "Salt Lane", "North Lane", "Chapel Lane", "Orchard Lane",
    "Market Lane", "Bridge Lane", "Ferry Lane", "Tower Lane", "Willow Lane", "Ash Lane",
    "Stone Lane", "Garden Lane", "Castle Lane", "River Lane",
  ]
  static let foods = [
    "bread", "cheese", "soup", "figs", "pears", "plums", "fish", "honey", "beans", "eggs", "nuts",
    "cakes", "apples", "leeks", "rice", "corn",
  ]
  static let pets = [
    "cat", "dog", "goat", "hen", "duck", "goose", "pig", "pony", "hare", "crow", "dove", "frog",
    "toad", "mouse", "fox", "lamb",
  ]
  static let colours = [
    "red", "blue", "green", "white", "black", "grey", "yellow", "brown", "pink", "purple",
  ]

  private static let person = [
    Relation(
      id: "work", kind: .person, values: trades,
      statements: [
        "{E} is a {V}.", "{E} works as a {V}.", "By trade {E} is a {V}.",
        "{E} earns a living as a {V}.",
      ],
      denial: "{E} is not a {V}.", short: "A {V}.",
      topics: Phrasings(["the work of {E}", "{E}'s work"], heldOut: ["{E}'s trade"]),
      questions: Phrasings(
        [
          "What is {E}'s work?", "What work does {E} do?", "What does {E} do for a living?",
          "What is the trade of {E}?", "What does {E} work as?",
        ],
        heldOut: [
          "What is {E} by trade?", "How does {E} earn a living?", "Which work does {E} do?",
        ]),
      premises: Phrasings(["Why is {E} a {V}?"], heldOut: ["How did {E} become a {V}?"]),
      checks: Phrasings(
        ["Is {E} a {V}?", "Does {E} work as a {V}?"],
        heldOut: ["Is it true that {E} works as a {V}?"]),
      followUps: Phrasings(["And what about the work?"], heldOut: ["And the trade?"])),
    Relation(
      id: "home", kind: .person, values: lanes,
      statements: [
        "{E} lives in {V}.", "The home of {E} is in {V}.", "{E} has a house in {V}.",
        "The house of {E} stands in {V}.",
      ],
      denial: "{E} does not live in {V}.", short: "In {V}.",
      topics: Phrasings(["the home of {E}", "{E}'s home"], heldOut: ["{E}'s house"]),
      questions: Phrasings(
        [
          "Where does {E} live?", "Where is {E}'s home?", "In which lane does {E} live?",
          "Where is the house of {E}?",
        ],
        heldOut: [
          "Which lane does {E} live in?", "Where is the home of {E}?",
          "Where does {E} have a house?",
        ]),
      premises: Phrasings(
        ["Why does {E} live in {V}?"], heldOut: ["How did {E} come to live in {V}?"]),
      checks: Phrasings(
        ["Does {E} live in {V}?", "Is the home of {E} in {V}?"],
        heldOut: ["Is it true that {E} lives in {V}?"]),
      followUps: Phrasings(["And what about the home?"], heldOut: ["And the house?"])),
    Relation(
      id: "food", kind: .person, values: foods,
      statements: [
        "{E} likes to eat {V}.", "The favourite food of {E} is {V}.", "{E} eats {V} most days.",
        "{E} loves {V}.",
      ],
      denial: "{E} does not eat {V}.", short: "{V}.",
      topics: Phrasings(["the food of {E}", "{E}'s food"], heldOut: ["{E}'s favourite food"]),
      questions: Phrasings(
        [
          "What does {E} like to eat?", "What is the favourite food of {E}?",
          "What food does {E} like?", "What does {E} eat most days?",
        ],
        heldOut: [
          "What is {E}'s favourite food?", "Which food does {E} love?",
          "What does {E} love to eat?",
        ]),
      premises: Phrasings(
        ["Why does {E} like to eat {V}?"], heldOut: ["How did {E} come to love {V}?"]),
      checks: Phrasings(
        ["Does {E} like to eat {V}?", "Does {E} love {V}?"],
        heldOut: ["Is it true that {E} likes to eat {V}?"]),
      followUps: Phrasings(["And what about the food?"], heldOut: ["And the favourite food?"])),
    Relation(
      id: "pet", kind: .person, values: pets,
      statements: [
        "{E} keeps a {V}.", "{E} has a {V} at home.", "The pet of {E} is a {V}.",
        "A {V} lives with {E}.",
      ],
      denial: "{E} does not keep a {V}.", short: "A {V}.",
      topics: Phrasings(["the pet of {E}", "{E}'s pet"], heldOut: ["the animal that {E} keeps"]),
      questions: Phrasings(
        [
          "What pet does {E} keep?", "What animal does {E} keep?", "What is the pet of {E}?",
          "What animal lives with {E}?",
        ],
        heldOut: [
          "Which pet does {E} have?", "What is {E}'s pet?", "What animal does {E} have at home?",
        ]),
      premises: Phrasings(["Why does {E} keep a {V}?"], heldOut: ["How did {E} get a {V}?"]),
      checks: Phrasings(
        ["Does {E} keep a {V}?", "Is the pet of {E} a {V}?"],
        heldOut: ["Is it true that {E} keeps a {V}?"]),
      followUps: Phrasings(["And what about the pet?"], heldOut: ["And the animal at home?"])),
  ]

  private static let town = [
    Relation(
      id: "river", kind: .town,
      values: [
        "Sel", "Arrow", "Tamm", "Wenna", "Lode", "Brisk", "Ilmer", "Nidder", "Osk", "Perl",
      ],
      statements: [
        "{E} lies on the river {V}.", "The river of {E} is the {V}.",
        "The river {V} flows through {E}.", "{E} stands by the river {V}.",
      ],
      denial: "{E} does not lie on the river {V}.", short: "The {V}.",
      topics: Phrasings(["the river of {E}"], heldOut: ["{E}'s river"]),
      questions: Phrasings(
        [
          "On which river does {E} lie?", "What river flows through {E}?",
          "What is the river of {E}?",
        ],
        heldOut: ["Which river does {E} lie on?", "What is {E}'s river?"]),
      premises: Phrasings(
        ["Why does {E} lie on the river {V}?"], heldOut: ["How did the river {V} come to {E}?"]),
      checks: Phrasings(
        ["Does {E} lie on the river {V}?"], heldOut: ["Is it true that {E} stands by the {V}?"]),
      followUps: Phrasings(["And what about the river?"], heldOut: ["And the river there?"])),
    Relation(
      id: "bridges", kind: .town,
      values: Array(numberWords[2...12]),
      statements: [
        "{E} has {V} bridges.", "There are {V} bridges in {E}.", "In {E} there are {V} bridges.",
        "The town of {E} has {V} bridges.",
      ],
      denial: "{E} does not have {V} bridges.", short: "{V} bridges.",
      topics: Phrasings(["the bridges of {E}"], heldOut: ["the bridges in {E}"]),
      questions: Phrasings(
        [
          "How many bridges does {E} have?", "How many bridges are in {E}?",
          "What is the number of bridges in {E}?",
        ],
        heldOut: ["How many bridges has {E}?", "How many bridges are there in {E}?"]),
      premises: Phrasings(
        ["Why does {E} have {V} bridges?"], heldOut: ["How did {E} come to have {V} bridges?"]),
      checks: Phrasings(
        ["Does {E} have {V} bridges?"], heldOut: ["Is it true that {E} has {V} bridges?"]),
      followUps: Phrasings(["And what about the bridges?"], heldOut: ["And the bridges there?"])),
    Relation(
      id: "craft", kind: .town,
      values: [
        "bells", "boats", "glass", "ropes", "knives", "hats", "drums", "lamps", "wool", "candles",
        "wine", "shoes",
      ],
      statements: [
        "{E} is known for its {V}.", "{E} is famous for {V}.", "The people of {E} make {V}.",
        "Most people in {E} make {V}.",
      ],
      denial: "{E} is not known for {V}.", short: "{V}.",
      topics: Phrasings(["the craft of {E}"], heldOut: ["what {E} makes"]),
      questions: Phrasings(
        [
          "What is {E} known for?", "What do the people of {E} make?", "What is made in {E}?",
        ],
        heldOut: ["What is {E} famous for?", "What do most people in {E} make?"]),
      premises: Phrasings(
        ["Why is {E} known for its {V}?"], heldOut: ["How did {E} become famous for {V}?"]),
      checks: Phrasings(
        ["Is {E} known for its {V}?"], heldOut: ["Is it true that {E} is famous for {V}?"]),
      followUps: Phrasings(["And what about the craft?"], heldOut: ["And what is made there?"])),
    Relation(
      id: "roofs", kind: .town, values: colours,
      statements: [
        "{E} has {V} roofs.", "The roofs of {E} are {V}.", "In {E} the roofs are {V}.",
        "The houses of {E} have {V} roofs.",
      ],
      denial: "The roofs of {E} are not {V}.", short: "{V}.",
      topics: Phrasings(["the roofs of {E}"], heldOut: ["{E}'s roofs"]),
      questions: Phrasings(
        [
          "What colour are the roofs of {E}?", "What is the colour of the roofs in {E}?",
          "Which colour do the roofs of {E} have?",
        ],
        heldOut: ["What colour are {E}'s roofs?", "Of what colour are the roofs in {E}?"]),
      premises: Phrasings(
        ["Why are the roofs of {E} {V}?"], heldOut: ["Why does {E} have {V} roofs?"]),
      checks: Phrasings(
        ["Are the roofs of {E} {V}?"], heldOut: ["Is it true that {E} has {V} roofs?"]),
      followUps: Phrasings(["And what about the roofs?"], heldOut: ["And the colour of the roofs?"])
    ),
  ]

  private static let beast = [
    Relation(
      id: "diet", kind: .beast,
      values: [
        "leaves", "moss", "worms", "berries", "seeds", "roots", "snails", "grass", "bark", "ants",
        "clover", "acorns",
      ],
      statements: [
        "{E} eats {V}.", "{E} feeds on {V}.", "The food of {E} is {V}.", "{E} lives on {V}.",
      ],
      denial: "{E} does not eat {V}.", short: "{V}.",
      topics: Phrasings(["the food of {E}"], heldOut: ["what {E} eats"]),
      questions: Phrasings(
        ["What does {E} eat?", "What does {E} feed on?", "What is the food of {E}?"],
        heldOut: ["Which food does {E} eat?", "What does {E} live on?"]),
      premises: Phrasings(["Why does {E} eat {V}?"], heldOut: ["When does {E} eat {V}?"]),
      checks: Phrasings(["Does {E} eat {V}?"], heldOut: ["Is it true that {E} eats {V}?"]),
      followUps: Phrasings(["And what about the food?"], heldOut: ["And what does it eat?"])),
    Relation(
      id: "habitat", kind: .beast,
      values: [
        "forest", "marsh", "hills", "caves", "desert", "meadow", "lake", "dunes", "mountains",
        "reeds",
      ],
      statements: [
        "{E} lives in the {V}.", "The home of {E} is in the {V}.", "{E} makes its den in the {V}.",
        "{E} is found in the {V}.",
      ],
      denial: "{E} does not live in the {V}.", short: "In the {V}.",
      topics: Phrasings(["the home of {E}"], heldOut: ["the den of {E}"]),
      questions: Phrasings(
        ["Where does {E} live?", "Where is {E} found?", "Where is the home of {E}?"],
        heldOut: ["In what place does {E} live?", "Where does {E} make its den?"]),
      premises: Phrasings(
        ["Why does {E} live in the {V}?"], heldOut: ["How did {E} come to live in the {V}?"]),
      checks: Phrasings(
        ["Does {E} live in the {V}?"], heldOut: ["Is it true that {E} lives in the {V}?"]),
      followUps: Phrasings(["And what about the home?"], heldOut: ["And where does it live?"])),
    Relation(
      id: "fur", kind: .beast, values: colours,
      statements: [
        "{E} has {V} fur.", "The fur of {E} is {V}.", "{E} is {V}.", "The colour of {E} is {V}.",
      ],
      denial: "The fur of {E} is not {V}.", short: "{V}.",
      topics: Phrasings(["the fur of {E}"], heldOut: ["the colour of {E}"]),
      questions: Phrasings(
        [
          "What colour is {E}?", "What is the colour of {E}?", "What colour is the fur of {E}?",
        ],
        heldOut: ["Which colour is {E}?", "Of what colour is the fur of {E}?"]),
      premises: Phrasings(["Why is {E} {V}?"], heldOut: ["Why does {E} have {V} fur?"]),
      checks: Phrasings(["Is {E} {V}?"], heldOut: ["Is it true that {E} is {V}?"]),
      followUps: Phrasings(["And what about the fur?"], heldOut: ["And what colour is it?"])),
  ]

  private static let tool = [
    Relation(
      id: "made", kind: .tool,
      values: [
        "iron", "wood", "clay", "glass", "bone", "copper", "silver", "stone", "leather", "straw",
        "brass", "tin",
      ],
      statements: [
        "{E} is made of {V}.", "People make {E} of {V}.", "{E} consists of {V}.",
        "A good smith makes {E} of {V}.",
      ],
      denial: "{E} is not made of {V}.", short: "Of {V}.",
      topics: Phrasings(["the making of {E}"], heldOut: ["what {E} is made of"]),
      questions: Phrasings(
        ["What is {E} made of?", "Of what do people make {E}?", "What does {E} consist of?"],
        heldOut: ["Of what is {E} made?", "What do people make {E} of?"]),
      premises: Phrasings(["Why is {E} made of {V}?"], heldOut: ["Why do people make {E} of {V}?"]),
      checks: Phrasings(
        ["Is {E} made of {V}?"], heldOut: ["Is it true that {E} is made of {V}?"]),
      followUps: Phrasings(
        ["And what is it made of?"], heldOut: ["And of what do people make it?"])),
    Relation(
      id: "use", kind: .tool,
      values: [
        "cutting bread", "mending nets", "digging holes", "catching fish", "spinning wool",
        "pressing cheese", "lighting lamps", "sweeping floors", "grinding corn", "tying boats",
        "shearing sheep", "stirring soup",
      ],
      statements: [
        "{E} is used for {V}.", "People use {E} for {V}.", "{E} serves for {V}.",
        "{E} is good for {V}.",
      ],
      denial: "{E} is not used for {V}.", short: "For {V}.",
      topics: Phrasings(["the use of {E}"], heldOut: ["what {E} is good for"]),
      questions: Phrasings(
        ["What is {E} used for?", "What do people use {E} for?", "What is {E} good for?"],
        heldOut: ["What is the use of {E}?", "For what do people use {E}?"]),
      premises: Phrasings(
        ["Why is {E} used for {V}?"], heldOut: ["Why do people use {E} for {V}?"]),
      checks: Phrasings(
        ["Is {E} used for {V}?"], heldOut: ["Is it true that {E} is used for {V}?"]),
      followUps: Phrasings(["And what is it used for?"], heldOut: ["And what is it good for?"])),
    Relation(
      id: "price", kind: .tool, values: Array(numberWords[2...12]),
      statements: [
        "{E} costs {V} coins.", "People pay {V} coins for {E}.", "The price of {E} is {V} coins.",
        "At the market {E} costs {V} coins.",
      ],
      denial: "{E} does not cost {V} coins.", short: "{V} coins.",
      topics: Phrasings(["the price of {E}"], heldOut: ["what {E} costs"]),
      questions: Phrasings(
        [
          "What does {E} cost?", "What is the price of {E}?", "How many coins does {E} cost?",
        ],
        heldOut: ["How many coins do people pay for {E}?", "What do people pay for {E}?"]),
      premises: Phrasings(
        ["Why does {E} cost {V} coins?"], heldOut: ["Why do people pay {V} coins for {E}?"]),
      checks: Phrasings(
        ["Does {E} cost {V} coins?"], heldOut: ["Is it true that {E} costs {V} coins?"]),
      followUps: Phrasings(["And what about the price?"], heldOut: ["And what does it cost?"])),
  ]
}
