import ArgumentParser
import Datasets
import Evaluation
import Inference
import Reports
import Runs
import Stages
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

      On your own rankings: stability with --comparisons and --reward-model looks at your reward model; \
      labelers with --comparisons, each of whose lines names its "labeler", trains reward models from --model.

      """ + Studies.all.map { "  \($0.name): \($0.question)" }.joined(separator: "\n"))

  @Argument(help: ArgumentHelp("One of \(Studies.all.map(\.name).joined(separator: ", ")).", valueName: "name"))
  var study: String
  @Option(name: .shortAndLong, help: ArgumentHelp("The run folder; runs/study-NAME without it.", valueName: "dir"))
  var output: String?
  @Option(
    parsing: .unconditional,
    help: ArgumentHelp(
      "How many seeds, from --seed on; without it, what the study needs. --resume may ask for more.",
      valueName: "n"))
  var seeds: Int?
  @Flag(help: "The whole recipe's sizes instead of the study's.")
  var full = false
  @Option(
    help: ArgumentHelp(
      "Base model; of labelers with --comparisons, the SFT model. \(ModelSource.help)",
      valueName: "model"))
  var model: String = ModelSource.builtin
  @Option(
    help: ArgumentHelp(
      "Your own ranked answers in place of the built-in world, JSON Lines; \"ranking-prompts\" of them at most.",
      valueName: "file"))
  var comparisons: String?
  @Option(help: ArgumentHelp("The reward model to look at.", valueName: "model"))
  var rewardModel: String?
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
        remedy: Spelling.question(self.study, in: Studies.all.map(\.name))
          ?? "Choose one of \(Studies.all.map(\.name).joined(separator: ", ")).")
    }
    let folderName = output ?? "runs/study-\(study.name)"
    try folder.check(folderName, data: [comparisons], models: [model, rewardModel])
    var idle = IdleOptions()
    idle.add("--keep", if: folder.keep != nil, because: "a study keeps what it measures, and no training checkpoints")
    try idle.refuse()
    let settings = try folder.settings(
      nil, over: folder.quick ? Settings(quick: true) : Studies.settings(full: full))
    func begin(_ extra: [(String, String)] = []) throws -> StageContext {
      try folder.context(
        folderName, settings, stages: Stage.all,
        extra: [("study", study.name), ("full", String(full)), ("model", model)] + extra)
    }
    func base(_ path: String) throws { try ModelSource.copy(model, folder.verification, to: path) }
    let context: StageContext
    if comparisons != nil || rewardModel != nil {
      let (study, files) = try own(study, settings)
      let names = [("comparisons", comparisons), ("reward-model", rewardModel)]
      context = try begin(
        names.compactMap { name, value in value.map { (name, $0) } } + (try files.hashes()))
      try StudyRunner(study, context, seeds: seeds, files: files, base: base).run()
    } else {
      guard let world = try ModelSource.open(model, folder.verification).world() else {
        throw Failure(
          .usage, "this model has no built-in world to study", at: model,
          remedy: "Leave --model out, or name a model of `tinyrlhf pretrain`.")
      }
      context = try begin()
      try StudyRunner(study, context, seeds: seeds, world: world, base: base).run()
    }
    try Report.deliver(context.run.path, printing: json ? RunFile.study : nil)
  }

  /// The user's files, as many rankings as the study takes, and a study that they are for.
  private func own(_ study: any Study, _ settings: Settings) throws -> (any FileStudy, StudyFiles) {
    let able = Studies.all.compactMap { $0 as? any FileStudy }
    guard let study = study as? any FileStudy else {
      throw Failure(
        .usage, "the study \(study.name) is made in the built-in world alone",
        remedy: """
          Leave --comparisons and --reward-model out; \(able.map(\.name).joined(separator: " and ")) take them.
          """)
    }
    guard let comparisons, (rewardModel != nil) == study.takesReward else {
      throw Failure(
        .usage,
        "of your own files the study \(study.name) takes --comparisons"
          + (study.takesReward ? " and --reward-model together" : " alone"),
        remedy: "`tinyrlhf study --help` says what for.")
    }
    if study.takesReward {
      if let seeds, seeds > 1 {
        throw Failure(
          .usage, "--seeds \(seeds) would measure the same again: nothing is drawn",
          remedy: "Leave --seeds out.")
      }
      guard model == ModelSource.builtin else {
        throw Failure(
          .usage, "the study \(study.name) of your own files trains nothing from --model",
          remedy: "Leave --model out.")
      }
    }
    let reward = try rewardModel.map {
      try RewardScorer(try ModelSource.openReward($0, folder.verification), threads: folder.compute.threads)
    }
    let tokenizer = try reward?.model.tokenizer ?? ModelSource.open(model, folder.verification).tokenizer
    let all = try folder.read(comparisons, readComparisons, tokenizer)
    let count = settings.count(.rankingPrompts)
    if all.count > count, !folder.quiet {
      Console.error(
        "\(comparisons): the first \(count) of \(all.count) are taken; --full, or \"ranking-prompts\" in "
          + "--config, takes more")
    }
    let files = StudyFiles(comparisons: Array(all.prefix(count)), at: comparisons, reward: reward)
    for number in 0..<UInt64(seeds ?? study.seeds) {
      try study.check(files, seed: folder.seed + number)
    }
    return (study, files)
  }
}
