import Datasets
import Dialogues
import Evaluation
import Inference
import Models
import Runs
import Stages
import Support
import Tensors
import Tokenizers
import Training
import World

/// Computes the memory of stages with the code that runs them, in arenas that allocate nothing.
///
/// Lengths come from the user's data, or from the built-in world's data if the model has the world. Otherwise every
/// sequence counts with the length of the context. Answers that are not sampled yet count with the longest allowed
/// length.
public struct Planner {
  let settings: Settings
  let precision: RolloutPrecision
  let threads: Int
  let inputs: Inputs
  let program: ProgramMemory
  /// Whether SFT is planned, so that later stages start from what it makes of the given model.
  private var trainsModel = false
  /// The data with their tokens, which are in memory during the whole run.
  private var own = Pipeline.Inputs()

  /// The user's data that replace parts of the built-in world.
  public struct Inputs {
    public var demonstrations: Dataset<Demonstration>?
    public var comparisons: Dataset<Comparison>?
    public var prompts: Dataset<Prompt>?
    public var pretrainingTexts: Dataset<String>?
    /// Whether a dialogue that the chat format cannot write is an error; if not, it is left out.
    public var strict = true
    /// Precision of rollouts; nil for int8.
    public var precision: RolloutPrecision?

    public init() {}
  }

  /// - Parameters:
  ///   - program: the program's memory, created before anything was read.
  public init(_ settings: Settings, _ inputs: Inputs, program: ProgramMemory, threads: Int) {
    self.settings = settings
    self.inputs = inputs
    self.program = program
    self.threads = threads
    precision = inputs.precision ?? .int8
  }

  /// - Parameters:
  ///   - model: opens the model that the stages start from; not called for pretraining.
  ///   - judge: the reward model that chooses SFT's epoch.
  /// - Throws: `Failure(.badData)` for a model that the stages cannot start from.
  public func plan(_ stages: [Stage], judge: Model? = nil, model: () throws -> Model) throws -> Plan {
    var planner = self
    planner.trainsModel = stages.contains(.sft)
    if stages.contains(where: { $0 != .pretrain }) { try planner.tokenize(model) }
    return Plan(
      try stages.map { stage in
        guard let plan = planner.plans[stage] else { preconditionFailure("nothing plans the stage \(stage.name)") }
        return try plan(model, judge)
      }, available: .now())
  }

  /// Makes tokens of the data, as a run does when it reads them.
  private mutating func tokenize(_ model: () throws -> Model) throws {
    var tokenizer: Tokenizer?
    func tokens<Record: Tokenizable>(_ dataset: Dataset<Record>?) throws -> [Tokenized<Record>]? {
      try dataset.map {
        tokenizer = try tokenizer ?? model().tokenizer
        return try $0.tokenized(tokenizer!, strict: inputs.strict, threads: threads).records
      }
    }
    own.demonstrations = try tokens(inputs.demonstrations)
    own.comparisons = try tokens(inputs.comparisons)
    own.prompts = try tokens(inputs.prompts)
    own.pretrainingTexts = try tokens(inputs.pretrainingTexts)
  }

  /// Plans one stage, given the model that it starts from and the reward model that chooses its epoch.
  private typealias StagePlanner = (_ model: () throws -> Model, _ judge: Model?) throws -> Plan.StagePlan

  /// To add a stage, add one line.
  private var plans: [Stage: StagePlanner] {
    [
      .pretrain: { _, _ in try pretraining() },
      .sft: { try sft(try $0(), $1) },
      .rankings: { model, _ in try rankings(try model()) },
      .reward: { model, _ in try reward(try model()) },
      .ppo: { model, _ in try ppo(try model()) },
      .eval: { model, _ in try evaluation(try model()) },
    ]
  }

  private func pretraining() throws -> Plan.StagePlan {
    // Trains the tokenizer and encodes the text, as the stage does, to know the lengths.
    let data = try inputs.pretrainingTexts.map {
      try PretrainData($0, worldSeed: 0, settings: settings, threads: threads)
    }
    let architecture = PretrainStage.architecture(
      settings, vocabulary: data?.tokenizer.vocabularyCount ?? settings.count(.vocabulary))
    try architecture.validate()
    let arena = Arena(isPlan: true)
    let longest = data?.source.longest(context: architecture.context) ?? architecture.context
    let memory = try PretrainStage.memory(architecture, settings, longest: longest, threads: threads, arena: arena)
    return withExtendedLifetime((memory, data)) { plan(.pretrain, arena) }
  }

  private func sft(_ model: Model, _ judge: Model?) throws -> Plan.StagePlan {
    try model.requireLanguageModel("a language model to fine-tune")
    let batch = settings.count(.sftBatch)
    let fit = ContextFit(model.architecture.context)
    let sequences = try demonstrations(model).map {
      fit.demonstrations($0.training).sequences
    }
    let lengths = sequences?.map(\.tokens.count) ?? Array(repeating: fit.context, count: batch)
    let arena = Arena(isPlan: true)
    let memory = try LanguageModelMemory(
      model.architecture, parameters: try model.file.parameters(),
      tokens: ContextFit.largestStep(lengths, batch: min(batch, lengths.count)), name: "sft",
      threads: threads, arena: arena)
    guard let judge else {
      return withExtendedLifetime((memory, sequences)) { plan(.sft, arena, mapped: Self.trained(model.file)) }
    }
    try judge.requireRewardModel()
    try judge.requireToRead(model)
    let asked = try demonstrations(model).flatMap { demonstrations -> Int? in
      let prompts = try demonstrations.heldOut.map(\.record.prompt).tokenized(model.tokenizer, threads: threads)
      return longestSequences(prompts.map(\.longest), model).max()
    }
    let judging = try JudgingMemory(memory.runtime, reward: judge.architecture, longest: asked ?? fit.context)
    return withExtendedLifetime((judging, sequences)) {
      plan(.sft, arena, mapped: Self.trained(model.file) + [Self.mapped(judge.file, "reward model")])
    }
  }

  /// The demonstrations of SFT; nil if only the run knows them.
  private func demonstrations(
    _ model: Model
  ) throws -> (training: [Tokenized<Demonstration>], heldOut: [Tokenized<Demonstration>])? {
    if let own = own.demonstrations { return RecipeData.split(own) }
    return try model.world().map { world in
      let records = [RecipeData.demonstrations(world, settings.count(.sftDemonstrations)), RecipeData.validation(world)]
      let tokens = try records.map { try $0.tokenized(model.tokenizer, threads: threads) }
      return (tokens[0], tokens[1])
    }
  }

  private var rounds: [Round] { Round.all(settings.count(.rounds)) }

  private func rankings(_ model: Model) throws -> Plan.StagePlan {
    try model.requireLanguageModel()
    let arena = Arena(isPlan: true)
    // With the user's comparisons, nothing is sampled.
    guard own.comparisons == nil else { return plan(.rankings, arena) }
    let chooses = rounds.contains { LabelSelection.isMade(settings, $0) }
    let memory = try SamplingMemory(model.file.layout, choosing: chooses, threads: threads, arena: arena)
    return withExtendedLifetime(memory) {
      plan(
        .rankings, arena,
        mapped: [mapped(model, "SFT model")] + (chooses ? [Self.rewardModel(model.file)] : []))
    }
  }

  private func reward(_ model: Model) throws -> Plan.StagePlan {
    try model.requireLanguageOrRewardModel("a language model to start the reward model from")
    let batch = settings.count(.rewardBatch)
    let ranked = ownRankings(model)
    let groups = try ranked?.map(\.tokenCount) ?? groupsToSample(model)
    let arena = Arena(isPlan: true)
    let memory = try RewardMemory(
      model.architecture, groups: groups, batch: min(batch, groups.count), threads: threads, arena: arena)
    return withExtendedLifetime((memory, ranked)) {
      plan(.reward, arena, mapped: [mapped(model, "SFT model")])
    }
  }

  private func ownRankings(_ model: Model) -> [RankedSequences]? {
    let fit = ContextFit(model.architecture.context)
    return own.comparisons.map { comparisons in
      let (training, heldOut) = RecipeData.split(comparisons)
      return fit.comparisons(training).sequences + fit.comparisons(heldOut, limit: RewardStage.watched).sequences
    }
  }

  /// Tokens of each prompt with its answers, if the answers are not sampled yet.
  private func groupsToSample(_ model: Model) throws -> [Int] {
    let answers = settings.count(.completionsPerPrompt)
    guard let world = try model.world() else {
      return Array(repeating: answers * model.architecture.context, count: settings.count(.rewardBatch))
    }
    let prompts = try rounds.flatMap { RankingStage.candidates(settings, $0) }.map {
      Prompt(turns: world.item(.comparisons, $0).prompt)
    }.tokenized(model.tokenizer, threads: threads).map(\.longest)
    // A training pass holds the prompt once, and each answer.
    let answer = settings.count(.responseLength)
    return prompts.filter { $0 + answer <= model.architecture.context }.map { $0 + answers * answer }
  }

  private func ppo(_ model: Model) throws -> Plan.StagePlan {
    try model.requireLanguageModel("a language model to improve")
    let lengths = try prompts(model)?.map(\.longest)
    let longest = lengths.flatMap { longestSequences($0, model).max() } ?? model.architecture.context
    let text = try own.pretrainingTexts.map { try DocumentSource.choose($0, model: model) }
    let document = text?.longest(context: model.architecture.context)
    // The second arena stands for mapped files, which are counted by themselves.
    let (arena, files) = (Arena(isPlan: true), Arena(isPlan: true))
    let reward = try ParameterSet(
      ParameterLayout(model.architecture, scalarHead: true), name: "reward model", arena: files)
    let policy: any StoredParameters =
      trainsModel ? try ParameterSet(model.file.layout, name: "policy", arena: files) : try model.file.parameters()
    let memory = try PPOMemory(
      PPOMemory.Models(
        policy: policy, reference: policy, reward: reward,
        normalization: RewardNormalization(gain: 1, bias: 0)),
      PPOStage.sizes(settings, longest: longest, document: document), options: PPOStage.options(settings),
      precision: precision, threads: threads, arena: arena)
    return withExtendedLifetime((memory, text)) {
      plan(
        .ppo, arena,
        mapped: (trainsModel ? [Self.float32(model.file, Self.privateCopy)] : Self.trained(model.file)) + [
          mapped(model, "reference"), Self.rewardModel(model.file),
        ])
    }
  }

  /// The prompts of PPO; nil if only the run knows them.
  private func prompts(_ model: Model) throws -> [Tokenized<Prompt>]? {
    if let own = own.prompts { return own }
    let prompts = try own.comparisons?.map(\.record.prompt) ?? model.world().map(RecipeData.prompts)
    return try prompts?.tokenized(model.tokenizer, threads: threads)
  }

  private func evaluation(_ model: Model) throws -> Plan.StagePlan {
    let arena = Arena(isPlan: true)
    let memory = try EvaluationMemory(model.architecture, threads: threads, arena: arena)
    return withExtendedLifetime(memory) {
      plan(
        .eval, arena,
        mapped: [Self.mapped(model.file, "base")]
          + ["SFT model", "PPO model"].map { Self.float32(model.file, $0) } + [Self.rewardModel(model.file)])
    }
  }

  private func plan(_ stage: Stage, _ arena: Arena, mapped: [Plan.Block] = []) -> Plan.StagePlan {
    Plan.StagePlan(stage, arena, mapped: mapped, program: program.bytes)
  }

  /// Lengths of the prompts that leave room for an answer, each with the longest answer added.
  private func longestSequences(_ prompts: [Int], _ model: Model) -> [Int] {
    prompts.map { $0 + settings.count(.responseLength) }
      .filter { $0 <= model.architecture.context }
  }

  private static let privateCopy = "policy, private copy of the mapped file"

  /// The file of the model that a stage trains. A float32 file is trained in its pages; of any other a copy is in the
  /// stage's arena, and its pages are released.
  private static func trained(_ file: ModelFile) -> [Plan.Block] {
    file.isFloat32 ? [mapped(file, privateCopy)] : []
  }

  /// The file of the model from which a stage starts: the given one, or what SFT makes of it.
  private func mapped(_ model: Model, _ name: String) -> Plan.Block {
    trainsModel ? Self.float32(model.file, name) : Self.mapped(model.file, name)
  }

  private static func mapped(_ file: ModelFile, _ name: String) -> Plan.Block {
    Plan.Block(name: name, bytes: file.weightBytes)
  }

  /// A file of the same shape that a stage has made.
  private static func float32(_ file: ModelFile, _ name: String) -> Plan.Block {
    Plan.Block(name: name, bytes: 4 * file.layout.trunkCount)
  }

  /// The file of a reward model of the same architecture: without an unembedding, with a head.
  private static func rewardModel(_ file: ModelFile) -> Plan.Block {
    let layout = ParameterLayout(file.architecture, scalarHead: true)
    return Plan.Block(name: "reward model", bytes: 4 * (layout.trunkCount + layout.headCount))
  }
}
