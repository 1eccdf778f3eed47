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
    abstract: "Compute how much memory a run needs, block by block, without running it.",
    discussion: """
      Computes each stage's memory with the code that runs the stage, but does not allocate it, so you can also \
      plan a run that does not fit. Lengths come from your files or the built-in world's data; without either, \
      the context's length is used. Answers that are not sampled yet count as the longest allowed. \
      The program's own memory is measured: its code, stacks and threads, the tokenizer, and the files that are \
      given here. Stages run one after the other, so the peak is that of the largest stage. It is compared with \
      the memory that is available now, on this machine or in the control group of the program.
      """)

  /// The stages to plan: one stage that has a command, or those of `all`.
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

  @Argument(help: "What to plan: all, pretrain, sft, reward or ppo.") var stage: Scope = .all
  @Option(help: ArgumentHelp("The model to start from. \(ModelSource.help)", valueName: "model"))
  var model: String = ModelSource.builtin
  @Option(
    help: ArgumentHelp("The reward model that chooses the epoch of sft.", valueName: "model"))
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
  @Option(parsing: .unconditional, help: "Records per step of the planned stage.") var batchSize: Double?
  @Flag(help: "List every block instead of sums by purpose.") var blocks = false
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
    @Option(parsing: .unconditional, help: "Tokens in the vocabulary.") var vocab: Double?
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
        .usage, "--reward-model only applies to sft, where it chooses the epoch", remedy: "Plan sft, or leave it out.")
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
      try Console.output("peak: \(Formatting.bytes(plan.peakBytes)), in the largest stage")
    }
    if let verdict = verdict(plan) { try Console.output(verdict) }
  }

  private func inputs() throws -> Planner.Inputs {
    let strict = !badRows.skipBadRows
    var inputs = Planner.Inputs()
    inputs.precision = rollouts.rolloutPrecision
    inputs.strict = strict
    inputs.demonstrations = try demonstrations.map { try readDemonstrations($0, strict: strict) }
    inputs.comparisons = try comparisons.map { try readComparisons($0, strict: strict) }
    inputs.prompts = try prompts.map { try readPrompts($0, strict: strict) }
    inputs.pretrainingTexts = try pretrainingText.map { try readDocuments($0, strict: strict) }
    return inputs
  }

  /// A sentence that says whether the run fits; nil if the available memory is unknown.
  private func verdict(_ plan: Plan) -> String? {
    guard let available = plan.availableBytes, let limit = plan.limit else { return nil }
    let owner = limit == .machine ? "this machine" : "the program's control group"
    let has = "\(owner) has \(Formatting.bytes(available)) available"
    return plan.peakBytes <= available
      ? "It fits: \(has)." : "It does not fit: \(has), \(Formatting.bytes(plan.peakBytes - available)) too little."
  }

  private func refuseIdle(_ settings: Settings) throws {
    var idle = settings.idle(in: stage.stages, further: further, precision: rollouts.rolloutPrecision ?? .int8)
    idle.add(
      "--model", if: model != ModelSource.builtin && stage == .pretrain, because: "pretrain makes a new model")
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
    idle.add("--blocks", if: blocks && json, because: "--json always lists every block")
    try idle.refuse()
  }

  /// Hyper-parameters of other stages that the stage's memory depends on.
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
      throw Failure(.usage, "--batch-size needs one stage; for all, use --ppo-batch-size and the like")
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
