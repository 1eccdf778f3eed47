import Dialogues
import Evaluation
import Inference
import Models
import Runs
import Support
import Tokenizers
import World

/// The data of a run: the built-in world's, with any part replaced by the user's own.
package struct RecipeData {
  /// The world that grades answers; nil if the prompts are the user's own.
  let world: World?
  let demonstrations: SFTStage.Data
  /// The user's own rankings; empty when answers are sampled and ranked.
  let comparisons: [Tokenized<Comparison>]
  let heldOutComparisons: [Tokenized<Comparison>]
  let ppo: PPOStage.Data
  /// The user's prompts that are held out from PPO; if there are none, PPO's own prompts.
  let heldOutPrompts: [Tokenized<Prompt>]
  /// Which rows of the user's files are held out; nil if the user gave no files.
  let heldOut: [Summary.HeldOutRows]?

  /// Number of PPO prompts of the built-in world.
  private static let worldPrompts = 4096
  /// Every tenth record of the user's files is held out.
  private static let heldOutShare = 10

  /// - Throws: `Failure(.usage)` if data are missing and the base has no world to supply them.
  init(_ inputs: Pipeline.Inputs, base: Model, settings: Settings, threads: Int) throws {
    if let hash = inputs.tokenizerHash, hash != base.tokenizer.hash {
      throw Failure(
        .badData, "has another tokenizer than the model with which the data were read", at: base.name,
        remedy: "Start a new run in another folder.", code: .wrongModel)
    }
    // Answers to the user's own prompts cannot be graded by the world's rubric.
    let isOwn = inputs.prompts != nil || inputs.comparisons != nil
    guard inputs.prompts == nil || inputs.comparisons != nil else {
      throw Failure(
        .usage, "--prompts needs --comparisons, because the built-in labelers cannot rank answers to your prompts",
        remedy: "Give --comparisons FILE with ranked answers, too.")
    }
    try Self.requireData(of: base, settings, demonstrations: inputs.demonstrations != nil,
      comparisons: inputs.comparisons != nil, texts: inputs.pretrainingTexts != nil)
    world = isOwn ? nil : try base.world(insteadOf: "--comparisons")
    demonstrations = try SFTStage.Data(
      inputs.demonstrations, at: inputs.demonstrationsFile, base: base, settings: settings, threads: threads)
    let (comparisons, heldOutComparisons) = Self.split(inputs.comparisons ?? [])
    (self.comparisons, self.heldOutComparisons) = (comparisons, heldOutComparisons)
    let own = try inputs.prompts
      ?? inputs.comparisons?.map(\.record.prompt).tokenized(base.tokenizer, threads: threads)
    let (training, heldOut) = Self.split(own ?? [])
    heldOutPrompts = heldOut.isEmpty ? training : heldOut
    ppo = try PPOStage.Data(
      prompts: own == nil ? nil : training, at: inputs.promptsFile, texts: inputs.pretrainingTexts,
      sft: base, settings: settings, threads: threads)
    let rows = [
      demonstrations.heldOut,
      inputs.comparisons.map { _ in
        .comparisons(training: comparisons.map(\.record), heldOut: heldOutComparisons.map(\.record))
      },
      own.map { _ in .prompts(training: training.map(\.record), heldOut: heldOut.map(\.record)) },
    ].compactMap { $0 }
    self.heldOut = rows.isEmpty ? nil : rows
  }

  /// - Parameters: whether the user gives demonstrations, comparisons and texts.
  /// - Throws: `Failure(.usage)` that names all missing data, if the base has no world to supply them.
  static func requireData(
    of base: Model, _ settings: Settings, demonstrations: Bool, comparisons: Bool, texts: Bool
  ) throws {
    var missing: [String] = []
    if !demonstrations { missing.append("--demonstrations") }
    if !comparisons { missing.append("--comparisons") }
    let needsText = !texts && settings[.ptxCoefficient] > 0
    if needsText { missing.append("--pretraining-text") }
    let hints = [
      comparisons ? nil : "PPO uses the prompts of the comparisons, or those of --prompts FILE.",
      needsText ? PPOStage.textHint : nil,
    ]
    try base.requireWorld(insteadOf: missing, hints: hints.compactMap { $0 })
  }

  package static func demonstrations(_ world: World, _ count: Int) -> [Demonstration] {
    (0..<count).map { demonstration(world, $0) }
  }

  /// Validation demonstrations, which are not trained on.
  package static func validation(_ world: World) -> [Demonstration] {
    (1_000_000..<1_000_100).map { demonstration(world, $0) }
  }

  private static func demonstration(_ world: World, _ index: Int) -> Demonstration {
    let (item, completion) = world.demonstration(index)
    return Demonstration(prompt: Prompt(turns: item.prompt), completion: completion)
  }

  package static func prompts(_ world: World) -> [Prompt] {
    (0..<worldPrompts).map { Prompt(turns: world.item(.ppo, $0).prompt) }
  }

  package static func split<T>(_ records: [T]) -> (training: [T], heldOut: [T]) {
    guard records.count >= heldOutShare else { return (records, []) }
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

extension DocumentSource {
  /// The user's texts, split into pieces that fit one training pass, or the world's documents.
  package static func choose(_ texts: [Tokenized<String>]?, model: Model) throws -> DocumentSource {
    guard let texts else { return .world(try model.world(insteadOf: "--pretraining-text")) }
    return .texts(
      try TokenizedTexts(
        texts, context: min(model.architecture.context, ModelRuntime.trainingRows),
        at: "--pretraining-text"))
  }
}
