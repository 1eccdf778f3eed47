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
  @Option(
    help: ArgumentHelp(
      "Text for loss and bits per byte; without it, the world's held-out text.", valueName: "file"))
  var text: String?
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
  @Option(help: "Seed of the answers.") var seed: UInt64 = 1
  @OptionGroup var machine: AlwaysJSON
  @OptionGroup var compute: ComputeOptions

  func run() throws {
    var settings = Settings()
    try settings.set(.evaluationPrompts, evalPrompts)
    try settings.set(.evaluationSamples, evalSamples)
    let measured = try Evaluator(
      settings: settings, seed: seed, threads: compute.threads,
      model: ModelSource.open(model), reference: reference.map { try ModelSource.open($0) },
      reward: rewardModel.map { try ModelSource.open($0) },
      texts: text.map { try readDocuments($0).records },
      prompts: prompts.map { try readPrompts($0).records.map(\.turns) }, split: split,
      comparisons: comparisons.map { try readComparisons($0).records }, note: Console.error
    ).run()
    try Console.output(JSON.line(measured))
  }
}

extension EvaluationSplit: ExpressibleByArgument {}
