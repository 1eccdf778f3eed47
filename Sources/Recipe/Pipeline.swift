import Checkpoints
import Datasets
import Models
import Runs
import Support
import Tokenizers
import World

/// The whole recipe in one run folder:
/// base → SFT → K answers per prompt → rankings → reward model → PPO with pretraining mix → evaluation.
///
/// A finished stage is not run again; an interrupted one continues.
public struct Pipeline {
  /// What replaces parts of the built-in world.
  public struct Inputs {
    public var demonstrations: [Demonstration]?
    public var comparisons: [Comparison]?
    public var prompts: [[Turn]]?
    public var pretrainingTexts: [String]?
    /// Where the demonstrations come from, for messages.
    public var demonstrationsFile: String?
    /// Where the prompts come from; comparisons bring theirs along.
    public var promptsFile: String?
    public var precision = RolloutPrecision.int8

    public init() {}
  }

  let context: StageContext
  /// Puts the base model, expanded, at a path; called when the run has none yet.
  let base: (String) throws -> Void
  let inputs: Inputs

  public init(
    _ context: StageContext, inputs: Inputs, base: @escaping (String) throws -> Void
  ) {
    self.context = context
    self.inputs = inputs
    self.base = base
  }

  /// Runs what is left of the recipe; leaves `summary.json` and what the report is drawn from.
  public func run() throws {
    try context.stage(StageContext.baseStage) {
      let file = try copyBase()
      return StageResult(checkpoint: PretrainStage.file, identity: file)
    }
    let base = try model(PretrainStage.file)
    let data = try context.explaining {
      try RecipeData(inputs, base: base, settings: context.settings)
    }
    try context.stage(Stage.sft) {
      try SFTStage(
        context, base: try model(PretrainStage.file, .copyOnWrite), data: data.demonstrations
      ).run()
    }
    try context.stage(Stage.rankings) {
      guard let world = data.world, inputs.comparisons == nil else {
        try context.run.writeLines(data.comparisons, to: RunFile.rankings)
        try context.run.writeLines(data.heldOutComparisons, to: RankingStage.heldOutFile)
        return StageResult(checkpoint: RunFile.rankings)
      }
      return try RankingStage(context, sft: try model(SFTStage.file), world: world).run()
    }
    try context.stage(.reward) { try trainReward(data) }
    try context.stage(.ppo) { try trainPolicy(data) }
    try context.stage(.eval) {
      try evaluate(data)
      return StageResult(checkpoint: RunFile.summary)
    }
  }

  private func model(_ file: String, _ access: Checkpoint.Access = .readOnly) throws -> Model {
    try Model(Checkpoint(path: context.run.file(file), access: access))
  }

  /// A run folder is complete in itself: the base lies in it, expanded.
  private func copyBase() throws -> UInt64 {
    try base(context.run.file(PretrainStage.file))
    let model = try model(PretrainStage.file)
    try model.require(.base, .sft, .ppo, toBe: "a language model to start from")
    return model.checkpoint.identity
  }

  /// Those that can be learnt from.
  private func rankings() throws -> [Comparison] {
    try readComparisons(context.run.file(RunFile.rankings)).records
  }

  /// Line by line as they were written: the built-in world's come in pairs, ties among them. Few
  /// rankings of the user's own leave none.
  private func heldOutRankings() throws -> [Comparison] {
    try context.run.readLines(RankingStage.heldOutFile)
  }

  private func trainReward(_ data: RecipeData) throws -> StageResult {
    try RewardStage(
      context, sft: try model(SFTStage.file),
      data: RewardStage.Data(
        comparisons: try rankings(), at: context.run.file(RunFile.rankings),
        validation: try heldOutRankings(),
        demonstrations: data.demonstrations.demonstrations)
    ).run()
  }

  private func trainPolicy(_ data: RecipeData) throws -> StageResult {
    let reward = try model(RewardStage.file)
    return try PPOStage(
      context, sft: try model(SFTStage.file, .copyOnWrite), reference: try model(SFTStage.file),
      reward: reward, data: data.ppo, precision: inputs.precision,
      probe: data.world.map { Probe($0) }
    ).run()
  }

  private func evaluate(_ data: RecipeData) throws {
    let start = Clock.monotonic()
    let files = [("base", PretrainStage.file), ("sft", SFTStage.file), ("ppo", PPOStage.file)]
    let (models, rewardModel) = try EvaluationStage(
      context, models: try files.map { (name: $0.0, model: try model($0.1)) },
      reward: try model(RewardStage.file), world: data.world, prompts: data.heldOutPrompts,
      pretraining: data.ppo.pretraining, comparisons: try heldOutRankings()
    ).run()
    let elapsed = Clock.monotonic() - start
    let stages = context.run.manifest.stages.map {
      let isThis = $0.name == Stage.eval.rawValue
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
        models: models, rewardModel: rewardModel, rollouts: try rolloutFigures()))
  }

  /// Means over PPO's iterations; the largest of the maxima.
  private func rolloutFigures() throws -> Summary.Rollouts? {
    let lines = try RunRecords.read(context.run.path).metrics.filter {
      $0.stage == Stage.ppo.rawValue
    }
    guard !lines.isEmpty else { return nil }
    func mean(_ name: String) -> Double? { lines.compactMap { $0.values[name] }.mean }
    return Summary.Rollouts(
      isMean: mean("rollout/is_mean"), isMax: lines.compactMap { $0.values["rollout/is_max"] }.max(),
      clippedFraction: mean("rollout/clipped_frac"), k3: mean("rollout/k3"))
  }
}
