import ArgumentParser
import Datasets
import Evaluation
import Inference
import Reports
import Runs
import Stages
import Support
import Tokenizers

struct All: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "all",
    abstract: "Run the whole recipe: base, SFT, rankings, reward model, PPO-ptx, evaluation, report.",
    discussion: """
      Files that you give replace parts of the built-in world's data. A finished stage is not run \
      again; --resume continues an interrupted run.

      With --ranker program:COMMAND, the command reads a line {"completions", "policy", "prompt"} and answers \
      with a line {"ranks": [2, 1, …]}. With --ranker file:FILE, the run writes the answers to to-rank.jsonl and \
      ends with status 75; it continues with --resume when FILE has their lines with "ranks".
      """)

  @Option(name: .shortAndLong, help: ArgumentHelp("The run folder.", valueName: "dir"))
  var output: String = "runs/all"
  @Option(help: ArgumentHelp("Base model. \(ModelSource.help)", valueName: "model"))
  var model: String = ModelSource.builtin
  @Option(help: ArgumentHelp("Demonstrations, JSON Lines.", valueName: "file"))
  var demonstrations: String?
  @Option(help: ArgumentHelp("Ranked answers, JSON Lines; the run then samples and ranks none.", valueName: "file"))
  var comparisons: String?
  @Option(
    help: ArgumentHelp(
      "Who ranks the sampled answers: file:FILE (people, who write FILE), program:COMMAND, or simulated (default).",
      valueName: "who"),
    transform: { text in
      guard let choice = RankerChoice(text) else {
        throw ValidationError("a ranker is simulated, file:FILE or program:COMMAND")
      }
      return choice
    })
  var ranker: RankerChoice?
  @Option(help: ArgumentHelp("Prompts for PPO, JSON Lines.", valueName: "file"))
  var prompts: String?
  @Option(help: ArgumentHelp("Text for the pretraining mix.", valueName: "file"))
  var pretrainingText: String?
  @Flag(help: "Print summary.json instead of the table.")
  var json = false
  @OptionGroup var folder: FolderOptions
  @OptionGroup(title: "Stages") var recipe: ParameterOptions<RecipeGroup>
  @OptionGroup(title: "PPO") var ppo: ParameterOptions<RecipePPOGroup>
  @OptionGroup(title: "PPO") var rollouts: RolloutOptions

  static let stages = Stage.all.filter { $0 != .pretrain }

  func run() throws {
    let files = [demonstrations, comparisons, prompts, pretrainingText]
    // A resumed run already has its base model.
    try folder.check(output, data: files, models: folder.resume ? [] : [model])
    let settings = try settings()
    let hasFiles = files.contains { $0 != nil }
    // The built-in base brings all data, so only other models are checked.
    let isToCheck = !folder.resume && model != ModelSource.builtin
    let source = (hasFiles && !folder.resume) || isToCheck ? try ModelSource.resolve(model) : model
    let (given, data) =
      try hasFiles || isToCheck
      ? read(source, requiringDataFor: isToCheck ? settings : nil)
      : (Pipeline.Inputs(precision: rollouts.rolloutPrecision), [])
    let options = [
      ("demonstrations", demonstrations), ("comparisons", comparisons), ("prompts", prompts),
      ("pretraining-text", pretrainingText), ("model", model),
      ("rollout-precision", rollouts.rolloutPrecision?.rawValue ?? "measured"),
      ("ranker", ranker == .simulated ? nil : ranker?.text),
    ]
    var inputs = given
    inputs.ranker = ranker ?? .simulated
    let context = try folder.context(
      output, settings, stages: Self.stages,
      extra: options.compactMap { name, value in value.map { (name, $0) } }, data: data)
    try Pipeline(context, inputs: inputs, base: { try ModelSource.copy(source, folder.verification, to: $0) }).run()
    try Report.deliver(context.run.path, printing: json ? RunFile.summary : nil)
    NextStep.say([("talk to the model", ["chat", context.run.path])], quiet: folder.quiet)
  }

  /// Reads the data files, and makes tokens of them with the tokenizer of the run's base model, whose file is mapped
  /// only meanwhile.
  /// - Parameter settings: of a run whose base model must have the data that the files do not give; nil for no check.
  private func read(
    _ source: String, requiringDataFor settings: Settings?
  ) throws -> (inputs: Pipeline.Inputs, data: [(option: String, report: DatasetReport?)]) {
    let copied = "\(output)/\(PretrainStage.file)"
    let base = try ModelSource.open(folder.resume && Files.exists(copied) ? copied : source, folder.verification)
    if let settings { try requireData(base, settings) }
    let tokenizer = base.tokenizer
    var data: [(option: String, report: DatasetReport?)] = []
    func read<Record: Tokenizable>(
      _ option: String, _ path: String?, _ reader: (String, Bool) throws -> Dataset<Record>
    ) throws -> [Tokenized<Record>]? {
      guard let path else { return nil }
      let dataset = try folder.read(path, reader, tokenizer)
      data.append((option, dataset.report))
      return dataset.records
    }
    var inputs = Pipeline.Inputs(precision: rollouts.rolloutPrecision)
    inputs.demonstrations = try read("demonstrations", demonstrations, readDemonstrations)
    inputs.comparisons = try read("comparisons", comparisons, readComparisons)
    inputs.prompts = try read("prompts", prompts, readPrompts)
    inputs.pretrainingTexts = try read("pretraining-text", pretrainingText, readDocuments)
    if !data.isEmpty { inputs.tokenizerHash = tokenizer.hash }
    inputs.demonstrationsFile = demonstrations
    inputs.promptsFile = prompts ?? comparisons
    return (inputs, data)
  }

  private func settings() throws -> Settings {
    var settings = try folder.settings(nil)
    try recipe.apply(to: &settings)
    try ppo.apply(to: &settings)
    try settings.requireConsistent()
    var idle = settings.idle(in: Self.stages, precision: rollouts.rolloutPrecision ?? .int8)
    idle.add(
      [.sftDemonstrations], of: settings, if: demonstrations != nil,
      because: "--demonstrations replaces the built-in ones")
    idle.add(
      [.rankingPrompts, .completionsPerPrompt, .labelSelection, .rewardHeads], of: settings,
      if: comparisons != nil, because: "--comparisons replaces the sampled and ranked answers")
    idle.add(
      [.rounds], of: settings, if: comparisons != nil && settings.count(.rounds) > 1,
      because: "--comparisons has no labeler to rank the new answers of every round")
    idle.add(
      "--ranker", if: ranker != nil && comparisons != nil,
      because: "--comparisons replaces the sampled and ranked answers")
    try idle.refuse()
    return settings
  }

  private func requireData(_ base: Model, _ settings: Settings) throws {
    try Pipeline.requireData(
      of: base, settings, demonstrations: demonstrations != nil, comparisons: comparisons != nil,
      texts: pretrainingText != nil)
  }
}
