import Checkpoints
import Datasets
import Dialogues
import Evaluation
import Inference
import Runs
import Statistics
import Support
import Tokenizers
import Training
import World

/// The whole recipe in one run folder:
/// base → SFT → K answers per prompt → rankings → reward model → PPO with pretraining mix → evaluation.
///
/// If `rounds` is above 1, the part from the answers to PPO is repeated: the newest policy answers, a new reward model
/// starts from SFT and learns from all rankings so far, and PPO continues with the policy. The value model of each
/// round starts as the new reward model, and KL is measured from SFT in every round.
/// A finished stage is not run again; an interrupted one continues.
public struct Pipeline {
  /// Data that replace parts of the built-in world.
  public struct Inputs {
    public var demonstrations: [Tokenized<Demonstration>]?
    public var comparisons: [Tokenized<Comparison>]?
    public var prompts: [Tokenized<Prompt>]?
    public var pretrainingTexts: [Tokenized<String>]?
    /// The file of the demonstrations, for messages.
    public var demonstrationsFile: String?
    /// The file of the prompts; it is the comparisons' file if the prompts are those of the comparisons.
    public var promptsFile: String?
    /// The hash of the tokenizer that made the tokens; nil without data.
    public var tokenizerHash: UInt64?
    /// Precision of rollouts; nil for int8, or float32 if the model's int8 form is too far from float32.
    public var precision: RolloutPrecision?
    /// Ranks the sampled answers.
    public var ranker = RankerChoice.simulated

    public init(precision: RolloutPrecision? = nil) { self.precision = precision }
  }

  let context: StageContext
  /// Writes the base model, expanded, to a path; called if the run has no base model yet.
  let base: (String) throws -> Void
  let inputs: Inputs

  public init(
    _ context: StageContext, inputs: Inputs, base: @escaping (String) throws -> Void
  ) {
    self.context = context
    self.inputs = inputs
    self.base = base
  }

  /// Checks that all data exist that the base's world cannot supply.
  /// - Parameters: whether the user gives demonstrations, comparisons and texts.
  /// - Throws: `Failure(.usage)` that names all missing data, if the base has no world.
  public static func requireData(
    of base: Model, _ settings: Settings, demonstrations: Bool, comparisons: Bool, texts: Bool
  ) throws {
    try RecipeData.requireData(
      of: base, settings, demonstrations: demonstrations, comparisons: comparisons, texts: texts)
  }

  /// Runs the unfinished stages of the recipe; writes `summary.json` and the records for the report.
  public func run() throws {
    try context.withFailureCleanup {
      try checkRounds()
      try LabelSelection.check(context.settings)
    }
    try context.stage(StageContext.baseStage) {
      let file = try copyBase()
      return StageResult(checkpoint: PretrainStage.file, identity: file)
    }
    let data = try context.withFailureCleanup { try recipeData() }
    for rows in data.heldOut ?? [] { context.note(rows.sentence) }
    try context.stage(Stage.sft) {
      try SFTStage(
        context, base: try model(PretrainStage.file, .copyOnWrite), data: data.demonstrations
      ).run()
    }
    for round in Round.all(context.settings.count(.rounds)) {
      try run(context.during(round), from: round.previous?.file(PPOStage.file) ?? SFTStage.file, data)
    }
    try context.stage(.eval) {
      try evaluate(data)
      return StageResult(checkpoint: RunFile.summary)
    }
  }

  /// The run's data. The base's file is mapped only meanwhile.
  private func recipeData() throws -> RecipeData {
    try RecipeData(
      inputs, base: try model(PretrainStage.file), settings: context.settings, threads: context.threads)
  }

  /// Runs one round: rankings, reward model and PPO.
  /// - Parameter policy: the file of the newest policy.
  private func run(_ context: StageContext, from policy: String, _ data: RecipeData) throws {
    try context.stage(.rankings) {
      guard let world = data.world else {
        try context.run.writeLines(data.comparisons.map(\.record), to: RunFile.rankings)
        try context.run.writeLines(data.heldOutComparisons.map(\.record), to: RankingStage.heldOutFile)
        return StageResult(checkpoint: RunFile.rankings, identity: try context.rankingsIdentity())
      }
      let chooses = LabelSelection.isMade(context.settings, context.round)
      let reward = chooses ? context.round.previous?.file(RewardStage.file) : nil
      return try RankingStage(
        context, policy: try model(policy), reward: try reward.map { try model($0) }, world: world,
        ranker: inputs.ranker
      ).run()
    }
    try context.stage(.reward) { try trainReward(context, data) }
    try context.stage(.ppo) { try trainPolicy(context, from: policy, data) }
  }

  /// Checks that there are labelers, prompts and iterations for every round.
  /// - Throws: `Failure(.usage)` if not.
  private func checkRounds() throws {
    let rounds = context.settings.count(.rounds)
    guard rounds > 1 else { return }
    guard inputs.comparisons == nil else {
      throw Failure(
        .usage, "--rounds \(rounds) needs labelers who rank the new answers of every round, but --comparisons is given",
        remedy: "Leave --comparisons out; or repeat `sample`, your rankings, `reward` and `ppo` yourself.")
    }
    let prompts = context.settings.count(.rankingPrompts)
    let iterations = PPOStage.iterations(context.settings)
    for (count, what) in [
      (prompts, "--ranking-prompts \(prompts)"),
      (iterations, "the \(iterations) iterations of --total-episodes"),
    ] where count < rounds {
      throw Failure(
        .usage, "\(what) cannot be split over --rounds \(rounds)",
        remedy: "Give more of them, or fewer rounds.")
    }
  }

  private func model(_ file: String, _ access: Checkpoint.Access = .readOnly) throws -> Model {
    try context.model(at: context.run.file(file), access)
  }

  /// Writes the base model, expanded, to the run folder, so that the folder is complete. Returns its identity.
  private func copyBase() throws -> UInt64 {
    try base(context.run.file(PretrainStage.file))
    let model = try model(PretrainStage.file)
    try model.requireLanguageModel("a language model to start from")
    return model.checkpoint.identity
  }

  /// The held-out rankings, in the order of the file. In the built-in world, each prompt has two lines, and some are
  /// ties. The list is empty if the user gave too few rankings.
  private func heldOutRankings(
    _ round: Round, _ data: RecipeData, _ tokenizer: Tokenizer
  ) throws -> [Tokenized<Comparison>] {
    let rankings: [Comparison] = try context.run.readLines(round.file(RankingStage.heldOutFile))
    return try tokenized(rankings, own: data.heldOutComparisons, tokenizer)
  }

  private func trainReward(_ context: StageContext, _ data: RecipeData) throws -> StageResult {
    // `readComparisons` leaves out rankings that cannot be learnt from.
    let file = context.run.file(context.round.file(RunFile.rankings))
    let rankings = try Failure.advising(RunFile.remedy(RunFile.rankings)) { try readComparisons(file).records }
    let sft = try model(SFTStage.file)
    return try RewardStage(
      context, sft: sft,
      data: RewardStage.Data(
        comparisons: try tokenized(rankings, own: data.comparisons, sft.tokenizer), at: file,
        validation: try heldOutRankings(context.round, data, sft.tokenizer),
        demonstrations: data.demonstrations.demonstrations, threads: context.threads)
    ).run()
  }

  /// Rankings of a file of the run with their tokens. The user's own rankings, of which the file was made, have theirs.
  private func tokenized(
    _ rankings: [Comparison], own: [Tokenized<Comparison>], _ tokenizer: Tokenizer
  ) throws -> [Tokenized<Comparison>] {
    let areOwn = rankings.count == own.count && zip(rankings, own).allSatisfy { $0 == $1.record }
    return areOwn ? own : try rankings.tokenized(tokenizer, threads: context.threads)
  }

  private func trainPolicy(
    _ context: StageContext, from policy: String, _ data: RecipeData
  ) throws -> StageResult {
    try PPOStage(
      context, policy: try model(policy, .copyOnWrite), reference: try model(SFTStage.file),
      reward: try model(context.round.file(RewardStage.file)), data: data.ppo,
      precision: inputs.precision, probe: data.world.map { Probe($0) }
    ).run()
  }

  private func evaluate(_ data: RecipeData) throws {
    let start = Clock.monotonic()
    let reward = try model(RewardStage.file)
    let (models, rewardModel) = try EvaluationStage(
      context, models: try EvaluatedModel.all.map { (name: $0.key, model: try model($0.file)) },
      reward: reward, world: data.world, prompts: data.heldOutPrompts,
      pretraining: data.ppo.pretraining, comparisons: try heldOutRankings(.only, data, reward.tokenizer),
      learnt: data.comparisons.map(\.record)
    ).run()
    let elapsed = Clock.monotonic() - start
    let stages = context.run.manifest.stages.map {
      let isThis = $0.name == Stage.eval.name
      return Summary.Stage(
        name: $0.name, seconds: $0.seconds + (isThis ? elapsed : 0),
        checkpoint: isThis ? RunFile.summary : $0.checkpoint)
    }
    try context.run.write(
      Summary(
        seed: context.seed, worldSeed: data.world?.seed,
        seconds: stages.reduce(0) { $0 + $1.seconds },
        peakResidentBytes: Clock.peakResidentBytes(),
        stages: stages,
        models: models, rewardModel: rewardModel, rollouts: try rolloutFigures(),
        heldOut: data.heldOut))
  }

  /// Figures of PPO's rollouts: means over the iterations, and the largest importance weight.
  private func rolloutFigures() throws -> Summary.Rollouts? {
    let records = try RunRecords.read(context.run.path)
    let rounds = records.stages(of: Stage.ppo.name)
    let lines = records.metrics.filter { rounds.contains($0.stage) }
    guard !lines.isEmpty else { return nil }
    func mean(_ metric: Metric) -> Double? { lines.compactMap { $0.values[metric.name] }.mean }
    return Summary.Rollouts(
      isMean: mean(ImportanceWeights.meanWeight), isMax: lines.compactMap { $0.values[ImportanceWeights.largestWeight.name] }.max(),
      clippedFraction: mean(ImportanceWeights.clippedShare), k3: mean(ImportanceWeights.gap))
  }
}
