import ArgumentParser
import Datasets
import Diagnostics
import Evaluation
import Inference
import Stages
import Support

struct PlanCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "plan",
    abstract: "What a run would take: its memory, block by block, without running it.",
    discussion: """
      Lays out each stage's memory with the code that runs it, and takes none of it: a run that does not fit can \
      be planned, too. Lengths come from your files or the built-in world's data, or are the longest that the \
      context holds where there are neither; answers that are still to be sampled count as the longest allowed. \
      The program's own share is measured: its code, stacks and threads, the tokenizer, and the files that are \
      given here. Stages follow each other, so the peak is the largest stage's. It is compared with the memory \
      that this machine could give now, or the control group that the program is in.
      """)

  /// What is planned: one stage that has a command, or those of `all`.
  struct Scope: ExpressibleByArgument, Equatable {
    static let all = Scope(name: "all", stages: All.stages)
    static let pretrain = Scope(.pretrain)
    static let sft = Scope(.sft)
    static let reward = Scope(.reward)
    static let ppo = Scope(.ppo)

    let name: String
    let stages: [Stage]

    private init(name: String, stages: [Stage]) {
      self.name = name
      self.stages = stages
    }

    private init(_ stage: Stage) { self.init(name: stage.name, stages: [stage]) }

    private static let choices = [all] + Stage.all.filter(\.hasCommand).map(Scope.init(_:))

    init?(argument: String) {
      guard let scope = Self.choices.first(where: { $0.name == argument }) else { return nil }
      self = scope
    }

    static var allValueStrings: [String] { choices.map(\.name) }
    var defaultValueDescription: String { name }
  }

  @Argument(help: "all, pretrain, sft, reward or ppo.") var stage: Scope = .all
  @Option(help: ArgumentHelp("The model to start from. \(ModelSource.help)", valueName: "model"))
  var model: String = ModelSource.builtin
  @Option(
    help: ArgumentHelp("The reward model by which sft chooses its epoch.", valueName: "model"))
  var rewardModel: String?
  @Option(help: ArgumentHelp("Demonstrations, JSON Lines, for sft and all.", valueName: "file"))
  var demonstrations: String?
  @Option(help: ArgumentHelp("Ranked answers, JSON Lines, for reward and all.", valueName: "file"))
  var comparisons: String?
  @Option(help: ArgumentHelp("Prompts, JSON Lines, for ppo and all.", valueName: "file"))
  var prompts: String?
  @Option(help: ArgumentHelp("Text, for pretrain, ppo and all.", valueName: "file"))
  var pretrainingText: String?
  @OptionGroup var badRows: BadRowOptions
  @Flag(help: "Plan the small run of --quick.") var quick = false
  @Option(help: ArgumentHelp("Hyper-parameters by name, as JSON.", valueName: "file"))
  var config: String?
  @Option(parsing: .unconditional, help: "Records of one step of the stage that is planned.") var batchSize: Double?
  @Flag(help: "List every block, not only what they are for.") var blocks = false
  @Flag(help: "Print one JSON object.") var json = false
  @OptionGroup var verification: VerifyOptions
  @OptionGroup var compute: ComputeOptions
  @OptionGroup(title: "The model that pretrain makes") var shape: ShapeParameters
  @OptionGroup(title: "Stages") var recipe: ParameterOptions<RecipeGroup>
  @OptionGroup(title: "PPO") var ppo: ParameterOptions<RecipePPOGroup>
  @OptionGroup(title: "PPO") var rollouts: RolloutOptions

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
    try InputFiles.require([model, rewardModel, demonstrations, comparisons, prompts, pretrainingText])
    let source = stage == .pretrain ? model : try ModelSource.resolve(model)
    let judge = try rewardModel.map { try ModelSource.open(ModelSource.resolve($0, .reward), verification) }
    let program = try ProgramMemory(threads: compute.threads)
    let plan = try Planner(settings, try inputs(), program: program, threads: compute.threads)
      .plan(stage.stages, judge: judge) { try ModelSource.open(source, verification) }
    if json { return try Console.output(JSON.line(plan)) }
    for stage in plan.stages { try show(stage) }
    if plan.stages.count > 1 {
      try Console.output("peak: \(Formatting.bytes(plan.peakBytes)), the largest stage's")
    }
    if let verdict = verdict(plan) { try Console.output(verdict) }
  }

  private func inputs() throws -> Pipeline.Inputs {
    let strict = !badRows.skipBadRows
    var inputs = Pipeline.Inputs()
    inputs.precision = rollouts.rolloutPrecision
    inputs.demonstrations = try demonstrations.map { try readDemonstrations($0, strict: strict).records }
    inputs.comparisons = try comparisons.map { try readComparisons($0, strict: strict).records }
    inputs.prompts = try prompts.map { try readPrompts($0, strict: strict).records }
    inputs.pretrainingTexts = try pretrainingText.map { try readDocuments($0, strict: strict).records }
    inputs.pretrainingFile = pretrainingText
    return inputs
  }

  /// Whether it fits.
  private func verdict(_ plan: Plan) -> String? {
    guard let available = plan.availableBytes, let limit = plan.limit else { return nil }
    let owner = limit == .machine ? "this machine" : "the program's control group"
    let has = "\(owner) has \(Formatting.bytes(available)) to give"
    return plan.peakBytes <= available
      ? "It fits: \(has)." : "It does not fit: \(has), \(Formatting.bytes(plan.peakBytes - available)) too few."
  }

  private func refuseIdle(_ settings: Settings) throws {
    var idle = settings.idle(in: stage.stages, further: further, precision: rollouts.rolloutPrecision ?? .int8)
    idle.add(
      "--model", if: model != ModelSource.builtin && stage == .pretrain, because: "pretrain makes a model of its own")
    idle.add(
      "--rollout-precision", if: rollouts.rolloutPrecision != nil && ![.all, .ppo].contains(stage),
      because: "only the stage ppo has rollouts")
    let given = [
      ("demonstrations", demonstrations, [Scope.sft]), ("comparisons", comparisons, [.reward]),
      ("prompts", prompts, [.ppo]), ("pretraining-text", pretrainingText, [.pretrain, .ppo]),
    ]
    for (name, file, scopes) in given {
      idle.add(
        "--\(name)", if: file != nil && !(scopes + [.all]).contains(stage),
        because: "the stage \(stage.name) does not read it")
    }
    idle.add("--blocks", if: blocks && json, because: "--json has every block")
    try idle.refuse()
  }

  /// What the memory of the stage depends on beside its own hyper-parameters.
  private var further: [Parameter] {
    switch stage {
    case .sft: EpochChoice.further(rewardModel)
    case .reward: [.rankingPrompts, .completionsPerPrompt, .responseLength]
    default: []
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
    guard stage != .all else {
      throw Failure(.usage, "--batch-size needs one stage; all has --ppo-batch-size and the like")
    }
    let option = "batch-size"
    guard let parameter = Parameter.all.first(where: { $0.stage == stage.stages[0] && $0.shortName == option }) else {
      throw Failure(.usage, "--\(option) has no effect: the stage \(stage.name) does not read it", remedy: "Leave it out.")
    }
    try settings.set(parameter, batchSize)
    return settings
  }

  private func show(_ stage: Plan.StagePlan) throws {
    try Console.output(stage.stage)
    let rows = (blocks ? stage.blocks : stage.groups) + stage.mapped
    for row in rows { try Console.output(line(row.name, row.bytes)) }
    try Console.output(line("the program, its tokenizer and data", stage.programBytes))
    try Console.output(line("total", stage.bytes) + "\n")
  }

  private func line(_ name: String, _ bytes: Int) -> String {
    let amount = Formatting.bytes(bytes)
    return "  " + name + String(repeating: " ", count: max(1, 52 - name.count - amount.count))
      + amount
  }
}
