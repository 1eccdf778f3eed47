import ArgumentParser
import Recipe
import Reports
import Runs
import Studies
import Support

struct StudyCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "study",
    abstract: "One experiment on the recipe: does a published effect appear here?",
    discussion: """
      Trains and measures what the question needs, seed after seed, in the built-in world; leaves study.csv, \
      study.json and report.html, and prints what was found. What is finished is not trained again: --resume \
      continues an interrupted study.

      """ + Studies.all.map { "  \($0.name): \($0.question)" }.joined(separator: "\n"))

  @Argument(help: ArgumentHelp("One of \(Studies.all.map(\.name).joined(separator: ", ")).", valueName: "name"))
  var study: String
  @Option(name: .shortAndLong, help: ArgumentHelp("The run folder; runs/study-NAME without it.", valueName: "dir"))
  var output: String?
  @Option(
    help: ArgumentHelp(
      "How many seeds, from --seed on; without it, what the study needs. --resume may ask for more.",
      valueName: "n"))
  var seeds: Int?
  @Flag(help: "The whole recipe's sizes instead of the study's.")
  var full = false
  @Option(help: ArgumentHelp("Base model. \(ModelSource.help)", valueName: "model"))
  var model: String = ModelSource.builtin
  @Flag(help: "Print study.json instead of the finding.")
  var json = false
  @OptionGroup var folder: FolderOptions

  func validate() throws {
    if let seeds, !(1...100).contains(seeds) {
      throw ValidationError("--seeds \(seeds) is not in 1…100.")
    }
    guard !folder.seed.addingReportingOverflow(100).overflow else {
      throw ValidationError("--seed \(folder.seed) leaves no room for more seeds behind it.")
    }
    guard !(full && folder.quick) else {
      throw ValidationError("--full and --quick are both given.")
    }
  }

  func run() throws {
    guard let study = Studies.named(study) else {
      throw Failure(
        .usage, "there is no study \"\(self.study)\"",
        remedy: "Choose one of \(Studies.all.map(\.name).joined(separator: ", ")).")
    }
    guard let world = try ModelSource.open(model).world() else {
      throw Failure(
        .usage, "this model has no built-in world to study", at: model,
        remedy: "Leave --model out, or name a model of `tinyrlhf pretrain`.")
    }
    let settings = try folder.settings(
      nil, over: folder.quick ? Settings(quick: true) : Studies.settings(full: full))
    let context = try folder.context(
      output ?? "runs/study-\(study.name)", settings, stages: Stage.allCases,
      extra: [
        ("study", study.name), ("full", String(full)), ("model", model),
      ])
    try StudyRunner(
      study, context, seeds: seeds, world: world, base: { try ModelSource.copy(model, to: $0) }
    ).run()
    try Report.deliver(context.run.path, printing: json ? RunFile.study : nil)
  }
}
