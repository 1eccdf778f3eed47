import ArgumentParser
import Datasets
import Evaluation
import Inference
import Stages
import Support
import Tokenizers

struct Eval: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Measure a model: loss, bits per byte, and the rubric's grade if it has the built-in world.",
    discussion: "Prints one JSON object; figures that do not apply are null.")

  @Argument(help: ArgumentHelp(ModelSource.help)) var model: String
  @Option(help: ArgumentHelp("The model that KL is measured against.", valueName: "model"))
  var reference: String?
  @Option(help: ArgumentHelp("A reward model, for the proxy reward.", valueName: "model"))
  var rewardModel: String?
  @OptionGroup var choosing: BestOfOptions
  @Option(
    help: ArgumentHelp(
      "Text for loss and bits per byte (default: the world's held-out text).", valueName: "file"))
  var text: String?
  @Option(
    help: ArgumentHelp(
      "Token ids instead of text, one {\"tokens\": […]} per line; all tokens except a line's first are predicted.",
      valueName: "file"))
  var tokens: String?
  @Option(help: ArgumentHelp("Held-out prompts (default: the world's).", valueName: "file"))
  var prompts: String?
  @Option(help: ArgumentHelp("Ranked answers, to measure a reward model.", valueName: "file"))
  var comparisons: String?
  @Option(
    help: """
      Which of the world's prompts to use: evaluation, which includes honesty and harm, or validation, for \
      tuning hyper-parameters (default: evaluation).
      """)
  var split: EvaluationSplit?
  @Option(parsing: .unconditional, help: "Prompts per set.") var evalPrompts: Double?
  @Option(parsing: .unconditional, help: "Answers per prompt.") var evalSamples: Double?
  @Option(parsing: .unconditional, help: "Held-out documents from the world's text.") var evalDocuments: Double?
  @Option(parsing: .unconditional, help: "Seed of the answers (default: 1).", transform: Seed.read) var seed: UInt64 = 1
  @Flag(name: .shortAndLong, help: "Print no data summary and no progress.") var quiet = false
  @OptionGroup var badRows: BadRowOptions
  @OptionGroup var machine: AlwaysJSON
  @OptionGroup var verification: VerifyOptions
  @OptionGroup var compute: ComputeOptions

  func run() throws {
    let values: [(Parameter, Double?)] = [
      (.evaluationPrompts, evalPrompts), (.evaluationSamples, evalSamples), (.evaluationDocuments, evalDocuments),
    ]
    var settings = Settings()
    try settings.set(values)
    let bestOf = try choosing.count()
    guard text == nil || tokens == nil else {
      throw Failure(
        .usage, "--text and --tokens are both given", remedy: "Give one of them.")
    }
    try InputFiles.require([model, reference, rewardModel, text, tokens, prompts, comparisons])
    // With --comparisons, a run folder means its reward model.
    let model = try ModelSource.open(ModelSource.resolve(model, comparisons == nil ? .policy : .reward), verification)
    try refuseIdle(model, settings)
    func read<Record: Tokenizable>(
      _ path: String?, _ reader: (String, Bool) throws -> Dataset<Record>
    ) throws -> [Tokenized<Record>]? {
      try path.map {
        let strict = !badRows.skipBadRows
        return try reader($0, strict).reportingTokens(
          model.tokenizer, strict: strict, quiet: quiet, threads: compute.threads
        ).records
      }
    }
    let measured = try ModelEvaluator(
      options: EvaluationOptions(settings), seed: seed, threads: compute.threads, model: model,
      reference: reference.map { try ModelSource.open($0, verification) },
      reward: rewardModel.map { try ModelSource.openReward($0, verification) }, texts: read(text, readDocuments),
      windows: tokens.map { try TokenWindows.read($0, for: model) },
      prompts: read(prompts, readPrompts), split: split ?? .evaluation,
      bestOf: bestOf,
      comparisons: read(comparisons, readComparisons),
      note: { [quiet] in if !quiet { Console.error($0) } }
    ).run()
    try Console.output(JSON.line(measured))
  }

  private func refuseIdle(_ model: Model, _ settings: Settings) throws {
    var idle = IdleOptions()
    badRows.check(reading: [text, prompts, comparisons], &idle)
    if model.kind == .reward {
      addIdleOfRewardModel(settings, &idle)
    } else {
      let hasWorld = try model.world() != nil
      idle.add(
        [.evaluationDocuments], of: settings, if: text != nil || tokens != nil || !hasWorld,
        because: "the text is not the world's")
      let ownPrompts =
        prompts != nil ? "--prompts replaces the world's prompts" : "there are no prompts without a world or --prompts"
      idle.add("--split", if: split != nil && (prompts != nil || !hasWorld), because: ownPrompts)
      idle.add(
        [.evaluationPrompts, .evaluationSamples], of: settings, if: prompts == nil && !hasWorld, because: ownPrompts)
    }
    try idle.refuse()
  }

  /// A reward model is measured only on ranked answers, so other options have no effect.
  private func addIdleOfRewardModel(_ settings: Settings, _ idle: inout IdleOptions) {
    let reason = "a reward model is measured on --comparisons alone"
    let options: [(String, Bool)] = [
      ("--reference", reference != nil), ("--reward-model", rewardModel != nil),
      ("--best-of", choosing.bestOf > 1), ("--text", text != nil), ("--tokens", tokens != nil),
      ("--prompts", prompts != nil), ("--split", split != nil),
    ]
    for (option, isGiven) in options { idle.add(option, if: isGiven, because: reason) }
    idle.add([.evaluationPrompts, .evaluationSamples, .evaluationDocuments], of: settings, because: reason)
  }
}

extension EvaluationSplit: ExpressibleByArgument {}
