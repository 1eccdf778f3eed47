import Support

/// The kind of a named thing.
enum Kind: Int, CaseIterable, Sendable {
  case person, town, beast, tool
}

/// The stage that may ask about an entity: post-training, validation or evaluation.
enum Group: Int, Sendable {
  case training, validation, evaluation
}

/// A named thing about which the almanac states facts.
struct Entity: Sendable, Equatable {
  let index: Int
  let kind: Kind
  /// The bare name: "Mirin", "Thornby", "gorbel", "tavik".
  let name: String
  let group: Group

  /// The name as used in a sentence: "Mirin", "the gorbel".
  var reference: String { kind == .person || kind == .town ? name : "the " + name }
}

/// The world's names: those of its entities and those that belong to no entity.
struct Names: Sendable {
  /// The number of entities of each kind.
  static let counts: [Kind: Int] = [.person: 80, .town: 24, .beast: 24, .tool: 24]
  /// Shares of the entities that only evaluation, or only validation, asks about.
  static let evaluationShare = 0.25
  static let validationShare = 0.10

  let entities: [Entity]
  let strangers: Strangers

  /// Names of persons that belong to no entity, by the stage that may ask about them.
  struct Strangers: Sendable {
    var pretraining: [String] = []
    var training: [String] = []
    var validation: [String] = []
    var evaluation: [String] = []
  }

  init(seed: UInt64) {
    var entities: [Entity] = []
    var strangers = Strangers()
    for kind in Kind.allCases {
      var stream = RandomStream(seed: seed, purpose: "world/names", index: UInt64(kind.rawValue))
      var pool = Names.pool(kind)
      stream.shuffle(&pool)
      let count = Names.counts[kind]!
      for (position, name) in pool.prefix(count).enumerated() {
        let share = (Double(position) + 0.5) / Double(count)
        let group: Group =
          share < Names.evaluationShare
          ? .evaluation
          : share < Names.evaluationShare + Names.validationShare ? .validation : .training
        entities.append(Entity(index: entities.count, kind: kind, name: name, group: group))
      }
      guard kind == .person else { continue }
      let rest = Array(pool.dropFirst(count))
      let part = rest.count / 8
      strangers.evaluation = Array(rest[..<(2 * part)])
      strangers.training = Array(rest[(2 * part)..<(4 * part)])
      strangers.validation = Array(rest[(4 * part)..<(5 * part)])
      strangers.pretraining = Array(rest[(5 * part)...])
    }
    self.entities = entities
    self.strangers = strangers
  }

  private static func pool(_ kind: Kind) -> [String] {
    let (starts, ends) = syllables[kind]!
    var seen: Set<String> = []
    return starts.flatMap { start in ends.map { start + $0 } }
      .filter { !ordinaryWords.contains($0) && seen.insert($0).inserted }
  }

  private static let syllables: [Kind: (starts: [String], ends: [String])] = [
    .person: (
      [
        "Ma", "Be", "To", "Li", "Ka", "So", "Ru", "Pe", "Da", "No", "Ti", "Ha", "Jo", "Fe", "Wi",
        "Ga", "Lu", "Sa", "Mo", "Ne", "Vi", "Do", "Ro", "Cu", "Al", "El", "Or", "Bri",
      ],
      [
        "rin", "len", "bo", "nna", "vo", "dis", "mel", "tta", "ko", "san", "lla", "dwin", "vik",
        "do", "sha",
      ]
    ),
    .town: (
      [
        "Thorn", "Mar", "Wen", "Hal", "Bram", "Stan", "Cal", "Dun", "Fern", "Hol", "Kel", "Lang",
        "Nor", "Oak",
      ],
      ["by", "mere", "wick", "stead", "dale", "holt"]
    ),
    .beast: (
      [
        "gor", "tal", "mup", "bri", "sno", "dra", "fel", "wum", "kip", "zor", "lan", "nub", "hob",
        "pol",
      ],
      ["bel", "nit", "dle", "mok", "rup"]
    ),
    .tool: (
      [
        "tav", "drel", "kell", "plim", "sker", "bol", "hask", "ril", "jun", "mog", "yat", "crin",
        "lurn", "fosk",
      ],
      ["ik", "usk", "et", "om", "ard"]
    ),
  ]

  /// Combinations that look like ordinary words or known names.
  private static let ordinaryWords: Set<String> = [
    "Dodo", "Solen", "Also", "Elbo", "Gavo", "Bolet", "bolet", "bolom", "landle", "Marin",
    "Oakmere", "Rusha", "Robo", "Bodo", "Halla", "Nobo", "Hobo", "Dobo",
  ]
}
