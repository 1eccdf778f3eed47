import ArgumentParser
import Recipe
import Support

struct PlanCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "plan",
    abstract: "What a run would take: its memory, block by block, without running it.",
    discussion: """
      Lays out each stage's memory with the code that runs it. Lengths come from the built-in \
      world's data, or are the longest that the context holds when the model has no world; answers \
      that are still to be sampled count as the longest allowed. Texts and the program itself come \
      on top. Stages follow each other, so the peak is the largest stage's.
      """)

  enum Scope: String, CaseIterable, ExpressibleByArgument {
    case all, pretrain, sft, reward, ppo

    var stages: [Stage] {
      self == .all ? Stage.allCases.filter { $0 != .pretrain } : [Stage(rawValue: rawValue)!]
    }
  }

  @Argument(help: "all, pretrain, sft, reward or ppo.") var stage: Scope = .all
  @Option(help: ArgumentHelp("The model to start from. \(ModelSource.help)", valueName: "model"))
  var model: String = ModelSource.builtin
  @Option(
    help: ArgumentHelp("The reward model by which sft chooses its epoch.", valueName: "model"))
  var rewardModel: String?
  @Flag(help: "Plan the small run of --quick.") var quick = false
  @Option(help: ArgumentHelp("Hyper-parameters by name, as JSON.", valueName: "file"))
  var config: String?
  @Option(parsing: .unconditional, help: "Records of one step of the stage that is planned.") var batchSize: Double?
  @Flag(help: "List every block, not only what they are for.") var blocks = false
  @Flag(help: "Print one JSON object.") var json = false
  @OptionGroup var verification: VerifyOptions
  @OptionGroup var compute: ComputeOptions
  @OptionGroup(title: "The model that pretrain makes") var shape: ShapeParameters
  @OptionGroup(title: "Stages") var recipe: RecipeParameters
  @OptionGroup(title: "PPO") var ppo: PPOParameters

  struct ShapeParameters: ParsableArguments {
    @Option(parsing: .unconditional, help: "Transformer layers.") var layers: Double?
    @Option(parsing: .unconditional, help: "Width of the residual stream.") var dModel: Double?
    @Option(parsing: .unconditional, help: "Attention heads.") var heads: Double?
    @Option(parsing: .unconditional, help: "Tokens of the vocabulary.") var vocab: Double?
    @Option(parsing: .unconditional, help: "Longest sequence, in tokens.") var context: Double?

    func apply(to settings: inout Settings) throws {
      let values: [(Parameter, Double?)] = [
        (.layers, layers), (.dModel, dModel), (.heads, heads), (.vocabulary, vocab),
        (.context, context),
      ]
      try settings.set(values)
    }
  }

  func run() throws {
    guard rewardModel == nil || stage == .sft else {
      throw Failure(
        .usage, "--reward-model chooses an epoch of sft", remedy: "Plan sft, or leave it out.")
    }
    let settings = try settings()
    try refuseIdle(settings)
    try InputFiles.require([model, rewardModel])
    let source = stage == .pretrain ? model : try ModelSource.resolve(model)
    let judge = try rewardModel.map { try ModelSource.open(ModelSource.resolve($0, .reward), verification) }
    let plan = try Planner(settings, precision: ppo.rolloutPrecision, threads: compute.threads)
      .plan(stage.stages, judge: judge) { try ModelSource.open(source, verification) }
    if json { return try Console.output(JSON.line(plan)) }
    for stage in plan.stages { try show(stage) }
    if plan.stages.count > 1 {
      try Console.output("peak: \(Formatting.bytes(plan.peakBytes)), the largest stage's")
    }
  }

  private func refuseIdle(_ settings: Settings) throws {
    var idle = settings.idle(in: stage.stages, further: further, precision: ppo.rolloutPrecision)
    idle.add(
      "--model", if: model != ModelSource.builtin && stage == .pretrain, because: "pretrain makes a model of its own")
    idle.add(
      "--rollout-precision", if: ppo.rolloutPrecision != .int8 && ![.all, .ppo].contains(stage),
      because: "only the stage ppo has rollouts")
    idle.add("--blocks", if: blocks && json, because: "--json has every block")
    try idle.refuse()
  }

  /// What the memory of the stage depends on beside its own hyper-parameters.
  private var further: [Parameter] {
    switch stage {
    case .sft: rewardModel == nil ? [] : [.responseLength]
    case .reward: [.rankingPrompts, .completionsPerPrompt, .responseLength]
    case .all, .pretrain, .ppo: []
    }
  }

  private func settings() throws -> Settings {
    var settings = Settings(quick: quick)
    if let config {
      let object = try JSON.decode([String: JSONValue].self, from: Files.read(config), at: config)
      try settings.merge(object, stage: stage == .all ? nil : stage.stages[0], at: config)
    }
    try shape.apply(to: &settings)
    try recipe.apply(to: &settings)
    try ppo.apply(to: &settings)
    guard let batchSize else { return settings }
    switch stage {
    case .all:
      throw Failure(.usage, "--batch-size needs one stage; all has --ppo-batch-size and the like")
    case .pretrain: try settings.set(.pretrainBatch, batchSize)
    case .sft: try settings.set(.sftBatch, batchSize)
    case .reward: try settings.set(.rewardBatch, batchSize)
    case .ppo: try settings.set(.ppoBatch, batchSize)
    }
    return settings
  }

  private func show(_ stage: Plan.StagePlan) throws {
    try Console.output(stage.stage)
    let rows = (blocks ? stage.blocks : stage.groups) + stage.mapped
    for row in rows { try Console.output(line(row.name, row.bytes)) }
    try Console.output(line("total", stage.bytes) + "\n")
  }

  private func line(_ name: String, _ bytes: Int) -> String {
    let amount = Formatting.bytes(bytes)
    return "  " + name + String(repeating: " ", count: max(1, 52 - name.count - amount.count))
      + amount
  }
}
