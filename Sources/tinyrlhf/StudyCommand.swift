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
    abstract: "Run one experiment on the recipe: does a published effect appear here?",
    discussion: """
      Trains and measures the models that the question needs, seed after seed, in the built-in world; writes \
      study.csv, study.json and report.html, and prints the finding. Finished models are not trained again: \
      --resume continues an interrupted study.

      Two studies can use your own rankings: stability with --comparisons and --reward-model examines your reward \
      model; labelers with --comparisons, where each line names its "labeler", trains reward models from --model.

      """ + Studies.all.map { "  \($0.name): \($0.question)" }.joined(separator: "\n"))

  @Argument(help: ArgumentHelp("One of \(Studies.all.map(\.name).joined(separator: ", ")).", valueName: "name"))
  var study: String
  @Option(name: .shortAndLong, help: ArgumentHelp("The run folder (default: runs/study-NAME).", valueName: "dir"))
  var output: String?
  @Option(
    parsing: .unconditional,
    help: ArgumentHelp(
      "How many seeds, starting with --seed (default: the study's own number). With --resume, you can give more.",
      valueName: "n"))
  var seeds: Int?
  @Flag(help: "Use the full recipe's sizes instead of the study's smaller ones.")
  var full = false
  @Option(
    help: ArgumentHelp(
      "Base model; for labelers with --comparisons, the SFT model. \(ModelSource.help)",
      valueName: "model"))
  var model: String = ModelSource.builtin
  @Option(
    help: ArgumentHelp(
      "Your own ranked answers instead of the built-in world, JSON Lines; at most \"ranking-prompts\" are used.",
      valueName: "file"))
  var comparisons: String?
  @Option(help: ArgumentHelp("The reward model to examine.", valueName: "model"))
  var rewardModel: String?
  @Flag(help: "Print study.json instead of the finding.")
  var json = false
  @OptionGroup var folder: FolderOptions

  func validate() throws {
    if let seeds, !(1...100).contains(seeds) {
      throw ValidationError("--seeds \(seeds) is not in 1…100.")
    }
    guard !folder.seed.addingReportingOverflow(100).overflow else {
      throw ValidationError("--seed \(folder.seed) is too large: up to 100 seeds after it must fit in 64 bits.")
    }
    guard !(full && folder.quick) else {
      throw ValidationError("--full and --quick cannot be used together.")
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
    idle.add("--keep", if: folder.keep != nil, because: "a study keeps its measurements, but no training checkpoints")
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
        names.compactMap { name, value in value.map { (name, $0) } } + (try files.hashes(threads: folder.compute.threads)))
      try StudyRunner(study, context, seeds: seeds, files: files, base: base).run()
    } else {
      guard let world = try ModelSource.open(model, folder.verification).world() else {
        throw Failure(
          .usage, "this model was not trained on the built-in world, which the study needs", at: model,
          remedy: "Leave --model out, or give a model made by `tinyrlhf pretrain`.")
      }
      context = try begin()
      try StudyRunner(study, context, seeds: seeds, world: world, base: base).run()
    }
    try Report.deliver(context.run.path, printing: json ? RunFile.study : nil)
  }

  /// Reads the user's files, with at most as many rankings as the study uses, and checks that the study takes them.
  private func own(_ study: any Study, _ settings: Settings) throws -> (any FileStudy, StudyFiles) {
    let able = Studies.all.compactMap { $0 as? any FileStudy }
    guard let study = study as? any FileStudy else {
      throw Failure(
        .usage, "the study \(study.name) only works in the built-in world",
        remedy: """
          Leave --comparisons and --reward-model out; \(able.map(\.name).joined(separator: " and ")) take them.
          """)
    }
    guard let comparisons, (rewardModel != nil) == study.takesReward else {
      throw Failure(
        .usage,
        "with your own files, the study \(study.name) needs "
          + (study.takesReward ? "both --comparisons and --reward-model" : "--comparisons alone"),
        remedy: "`tinyrlhf study --help` explains them.")
    }
    if study.takesReward {
      if let seeds, seeds > 1 {
        throw Failure(
          .usage, "--seeds \(seeds) would repeat the same measurement: the study draws no random numbers",
          remedy: "Leave --seeds out.")
      }
      guard model == ModelSource.builtin else {
        throw Failure(
          .usage, "the study \(study.name) does not use --model with your own files",
          remedy: "Leave --model out.")
      }
    }
    let reward = try rewardModel.map {
      try RewardScorer(try ModelSource.openReward($0, folder.verification), threads: folder.compute.threads)
    }
    let tokenizer = try reward?.model.tokenizer ?? ModelSource.open(model, folder.verification).tokenizer
    let all = try folder.read(comparisons, readComparisons, tokenizer).records.map(\.record)
    let count = settings.count(.rankingPrompts)
    if all.count > count, !folder.quiet {
      Console.error(
        "\(comparisons): the first \(count) of \(all.count) are used; --full, or \"ranking-prompts\" in "
          + "--config, raises the limit")
    }
    let files = StudyFiles(comparisons: Array(all.prefix(count)), at: comparisons, reward: reward)
    for number in 0..<UInt64(seeds ?? study.seeds) {
      try study.check(files, seed: folder.seed + number)
    }
    return (study, files)
  }
}
