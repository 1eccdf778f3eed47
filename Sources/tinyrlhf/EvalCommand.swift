import ArgumentParser
import Datasets
import Recipe
import Support

struct Eval: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Measure a model: loss and bits per byte, and the rubric where it has a world.",
    discussion: "Prints one JSON object; what does not apply is null.")

  @Argument(help: ArgumentHelp(ModelSource.help)) var model: String
  @Option(help: ArgumentHelp("The model to measure against (KL).", valueName: "model"))
  var reference: String?
  @Option(help: ArgumentHelp("A reward model, for the proxy reward.", valueName: "model"))
  var rewardModel: String?
  @OptionGroup var choosing: BestOfOptions
  @Option(
    help: ArgumentHelp(
      "Text for loss and bits per byte; without it, the world's held-out text.", valueName: "file"))
  var text: String?
  @Option(
    help: ArgumentHelp(
      "Token ids in the place of text, {\"tokens\": […]} a line; all but a line's first are predicted.",
      valueName: "file"))
  var tokens: String?
  @Option(help: ArgumentHelp("Held-out prompts; without it, the world's.", valueName: "file"))
  var prompts: String?
  @Option(help: ArgumentHelp("Ranked answers, to measure a reward model on.", valueName: "file"))
  var comparisons: String?
  @Option(
    help: """
      The world's prompts to ask: evaluation, with the sets for honesty and harm, or validation, by \
      which hyper-parameters are chosen.
      """)
  var split: EvaluationSplit = .evaluation
  @Option(help: "Prompts of each set.") var evalPrompts: Double?
  @Option(help: "Answers a prompt.") var evalSamples: Double?
  @Option(help: "Held-out documents of the world's text.") var evalDocuments: Double?
  @Option(help: "Seed of the answers.") var seed: UInt64 = 1
  @Flag(name: .shortAndLong, help: "Say nothing of the data that are read, and show no progress.") var quiet = false
  @OptionGroup var badRows: BadRowOptions
  @OptionGroup var machine: AlwaysJSON
  @OptionGroup var compute: ComputeOptions

  func run() throws {
    var settings = Settings()
    try settings.set(.evaluationPrompts, evalPrompts)
    try settings.set(.evaluationSamples, evalSamples)
    try settings.set(.evaluationDocuments, evalDocuments)
    guard text == nil || tokens == nil else {
      throw Failure(
        .usage, "--text and --tokens are both given", remedy: "Measure one after the other.")
    }
    let model = try ModelSource.open(model)
    func read<Record: TokenCounted>(
      _ path: String?, _ reader: (String, Bool) throws -> Dataset<Record>
    ) throws -> [Record]? {
      try path.map {
        let strict = !badRows.skipBadRows
        return try reader($0, strict).said(
          model.tokenizer, strict: strict, quiet: quiet, threads: compute.threads
        ).records
      }
    }
    let measured = try Evaluator(
      settings: settings, seed: seed, threads: compute.threads, model: model,
      reference: reference.map { try ModelSource.open($0) },
      reward: rewardModel.map { try ModelSource.openReward($0) }, texts: read(text, readDocuments),
      windows: tokens.map { try TokenWindows.read($0, for: model) },
      prompts: read(prompts, readPrompts), split: split,
      bestOf: choosing.count(),
      comparisons: read(comparisons, readComparisons),
      note: { [quiet] in if !quiet { Console.error($0) } }
    ).run()
    try Console.output(JSON.line(measured))
  }
}

extension EvaluationSplit: ExpressibleByArgument {}
