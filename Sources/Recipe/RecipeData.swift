import Datasets
import Models
import Support
import Tokenizers
import World

/// The data of a run: the built-in world's, with the user's own in place of any part.
struct RecipeData {
  let world: World?
  let demonstrations: [Demonstration]
  let validation: [Demonstration]
  let demonstrationSource: Provenance.Source
  let comparisons: [Comparison]
  let heldOutComparisons: [Comparison]
  let prompts: [[Turn]]
  let heldOutPrompts: [[Turn]]
  let promptSource: Provenance.Source
  let pretraining: DocumentSource

  /// PPO prompts of the built-in world.
  static let worldPrompts = 4096
  /// Every tenth record of the user's is held out.
  private static let heldOutShare = 10

  /// - Throws: `Failure(.usage)` when a part is missing that the base's world cannot supply.
  init(_ inputs: Pipeline.Inputs, base: Model, settings: Settings, seed: UInt64) throws {
    let world = try base.worldSeed().map { World(seed: $0) }
    // Answers to the user's own prompts cannot be graded by the world's rubric.
    self.world = inputs.prompts == nil && inputs.comparisons == nil ? world : nil
    func require<T>(_ own: T?, _ builtIn: @autoclosure () -> T?, _ option: String) throws -> T {
      if let own { return own }
      if let builtIn = builtIn() { return builtIn }
      throw Failure(
        .usage, "this base model has no built-in world to take data from", at: base.name,
        remedy: "Give \(option) FILE.")
    }
    let all = try require(
      inputs.demonstrations,
      world.map { Self.demonstrations($0, settings.count(.sftDemonstrations)) },
      "--demonstrations")
    if inputs.demonstrations == nil {
      demonstrations = all
      validation = world.map(Self.validation) ?? []
    } else {
      (demonstrations, validation) = Self.split(all)
    }
    demonstrationSource = .init(
      name: inputs.demonstrations == nil ? "world" : "demonstrations",
      hash: try Hash.xxh64(JSON.encode(demonstrations)))
    let ownComparisons = inputs.comparisons.map(Self.split)
    comparisons = ownComparisons?.0 ?? []
    heldOutComparisons = ownComparisons?.1 ?? []
    if inputs.comparisons == nil && inputs.prompts != nil {
      throw Failure(
        .usage, "answers to your own prompts need someone to rank them",
        remedy: "Give --comparisons FILE with ranked answers.")
    }
    let ownPrompts = inputs.prompts ?? inputs.comparisons?.map(\.prompt.turns)
    if let ownPrompts {
      (prompts, heldOutPrompts) = Self.split(ownPrompts)
    } else {
      prompts = try require(
        nil, world.map { world in (0..<Self.worldPrompts).map { world.item(.ppo, $0).prompt } },
        "--prompts")
      heldOutPrompts = []
    }
    promptSource = .init(
      name: ownPrompts == nil ? "world" : "prompts", hash: try Hash.xxh64(JSON.encode(prompts)))
    if let texts = inputs.pretrainingTexts {
      pretraining = .texts(
        try TokenizedTexts(
          texts, tokenizer: base.tokenizer, context: base.architecture.context,
          at: "--pretraining-text"))
    } else {
      pretraining = .world(try require(nil, world, "--pretraining-text"))
    }
  }

  static func demonstrations(_ world: World, _ count: Int) -> [Demonstration] {
    (0..<count).map { index in
      let (item, completion) = world.demonstration(index)
      return Demonstration(prompt: Prompt(turns: item.prompt), completion: completion)
    }
  }

  /// Demonstrations that training never sees, of its own entities and phrasings.
  static func validation(_ world: World) -> [Demonstration] {
    (1_000_000..<1_000_100).map { index in
      let (item, completion) = world.demonstration(index)
      return Demonstration(prompt: Prompt(turns: item.prompt), completion: completion)
    }
  }

  static func split<T>(_ records: [T]) -> (training: [T], heldOut: [T]) {
    guard records.count >= Self.heldOutShare else { return (records, []) }
    var (training, heldOut): ([T], [T]) = ([], [])
    for (index, record) in records.enumerated() {
      if index % heldOutShare == heldOutShare - 1 {
        heldOut.append(record)
      } else {
        training.append(record)
      }
    }
    return (training, heldOut)
  }
}

extension Model {
  /// The seed of the built-in world that the base was pretrained on, if it was.
  func worldSeed() throws -> UInt64? {
    let provenance = try JSON.decode(
      Provenance.self, from: checkpoint.provenance, at: "\(name), provenance")
    return provenance.notes["world_seed"]?.number.map { UInt64($0) }
  }
}
