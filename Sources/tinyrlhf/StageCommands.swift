import ArgumentParser
import Checkpoints
import Datasets
import Evaluation
import Inference
import Reports
import Runs
import Stages
import Support
import Tokenizers

struct SFT: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "sft", abstract: "Fine-tune a model on demonstrations; writes sft.trlhf.")

  @Option(name: .shortAndLong, help: ArgumentHelp("The run folder.", valueName: "dir"))
  var output: String
  @Option(help: ArgumentHelp("The model to fine-tune. \(ModelSource.help)", valueName: "model"))
  var model: String = ModelSource.builtin
  @Option(
    help: ArgumentHelp(
      "Demonstrations, JSON Lines (default: the built-in world's).", valueName: "file"))
  var demonstrations: String?
  @Option(help: ArgumentHelp("Held-out demonstrations: measured, not trained on.", valueName: "file"))
  var validation: String?
  @OptionGroup var folder: FolderOptions
  @OptionGroup var made: MadeFile
  @OptionGroup var parameters: ParameterOptions<SFTGroup>
  @OptionGroup var own: EpochChoice

  func run() throws {
    try folder.check(output, data: [demonstrations, validation], models: [model, own.rewardModel])
    let settings = try settings()
    let base = try ModelSource.open(model, folder.verification, access: .copyOnWrite)
    let reward = try own.rewardModel.map { try ModelSource.openReward($0, folder.verification) }
    let data = try demonstrations.map { try folder.read($0, readDemonstrations, base.tokenizer) }
    let heldOut = try validation.map { try folder.read($0, readDemonstrations, base.tokenizer) }
    let stageData = try SFTStage.Data(
      data?.records, at: demonstrations, validation: heldOut?.records, at: validation, base: base,
      settings: settings, threads: folder.compute.threads)
    folder.reportHeldOut(stageData.heldOut)
    let context = try folder.context(
      output, settings, stages: [.sft],
      extra: [("model", model), ("demonstrations", demonstrations ?? "world")]
        + own.choice(settings),
      data: [("demonstrations", data?.report), ("validation", heldOut?.report)])
    try context.stage(.sft) {
      try SFTStage(context, base: base, data: stageData, reward: reward).run()
    }
    let file = context.run.file(SFTStage.file)
    try made.report(file, sentence: "The fine-tuned model is \(file).")
    NextStep.say(
      [
        ("sample answers to rank", ["sample", file, "--prompts", "FILE"]),
        ("train a reward model on rankings", ["reward", "-o", "DIR", "--model", file, "--comparisons", "FILE"]),
      ], quiet: folder.quiet)
  }

  private func settings() throws -> Settings {
    var settings = try folder.settings(.sft)
    try own.apply(to: &settings)
    try parameters.apply(to: &settings)
    var idle = settings.idle(in: [.sft], further: EpochChoice.further(own.rewardModel))
    idle.add(
      [.sftDemonstrations], of: settings, if: demonstrations != nil,
      because: "--demonstrations replaces the built-in ones")
    try idle.refuse()
    return settings
  }
}

struct Reward: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Train a reward model on ranked answers; writes reward.trlhf.")

  @Option(name: .shortAndLong, help: ArgumentHelp("The run folder.", valueName: "dir"))
  var output: String
  @Option(
    help: ArgumentHelp(
      "The SFT model to start from, or a reward model to train further. \(ModelSource.help)", valueName: "model"))
  var model: String
  @Option(help: ArgumentHelp("Ranked answers, JSON Lines.", valueName: "file"))
  var comparisons: String
  @Option(
    help: ArgumentHelp(
      "Held-out rankings: measured, not trained on (default: a tenth of --comparisons).", valueName: "file"))
  var validation: String?
  @Option(
    help: ArgumentHelp(
      "Demonstrations whose average score becomes 0 (default: the best-ranked answers).", valueName: "file"))
  var demonstrations: String?
  @OptionGroup var folder: FolderOptions
  @OptionGroup var made: MadeFile
  @OptionGroup var parameters: ParameterOptions<RewardGroup>

  func run() throws {
    try folder.check(output, data: [comparisons, validation, demonstrations], models: [model])
    let settings = try settings()
    let sft = try ModelSource.open(model, folder.verification)
    let ranked = try folder.read(comparisons, readComparisons, sft.tokenizer)
    let measured = try validation.map { try folder.read($0, readComparisons, sft.tokenizer) }
    let normalizing = try demonstrations.map { try folder.read($0, readDemonstrations, sft.tokenizer) }
    let data = try RewardStage.Data(
      comparisons: ranked.records, at: comparisons, validation: measured?.records,
      demonstrations: normalizing?.records, threads: folder.compute.threads)
    folder.reportHeldOut(data.heldOut)
    let context = try folder.context(
      output, settings, stages: [.reward], extra: [("model", model), ("comparisons", comparisons)],
      data: [
        ("comparisons", ranked.report), ("validation", measured?.report), ("demonstrations", normalizing?.report),
      ])
    try context.stage(.reward) { try RewardStage(context, sft: sft, data: data).run() }
    let file = context.run.file(RewardStage.file)
    let assessment = try RewardAssessment(
      try RewardScorer(context.model(at: file), threads: folder.compute.threads), data.validation)
    try made.report(
      file, sentence: "The reward model is \(file). \(sentence(assessment, of: data.validation.count))",
      ["held_out": try assessment.isEmpty ? .null : heldOut(assessment)])
    try sayNext(file, sft)
  }

  private func settings() throws -> Settings {
    var settings = try folder.settings(.reward)
    try parameters.apply(to: &settings)
    try settings.idle(in: [.reward]).refuse()
    return settings
  }

  /// Prints the next step. A reward model that was trained further from another one does not know its SFT model; the
  /// command then has the word SFT in its place.
  private func sayNext(_ file: String, _ sft: Model) throws {
    let policy = sft.kind == .reward ? "SFT" : sft.name
    let own = try sft.world() == nil ? ["--prompts", "FILE", "--pretraining-text", "FILE"] : []
    NextStep.say(
      [("train the model with it", ["ppo", "-o", "DIR", "--model", policy, "--reward-model", file] + own)],
      quiet: folder.quiet)
  }

  private func sentence(_ assessment: RewardAssessment, of count: Int) -> String {
    guard assessment.isEmpty else { return assessment.sentence }
    return count == 0
      ? "No pairs are held out. Give --validation FILE; of ten or more comparisons, one in ten is held out."
      : "None of \(count) held-out comparisons fits the context and has unequal ranks."
  }

  /// The figures that `eval` also measures, as JSON.
  private func heldOut(_ assessment: RewardAssessment) throws -> JSONValue {
    try JSON.decode(
      JSONValue.self, from: JSON.encode(assessment.figures()),
      at: "the figures of the reward model")
  }
}

struct PPO: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "ppo",
    abstract: "Train a model to maximise a reward model with PPO and a pretraining mix; writes ppo.trlhf.")

  @Option(name: .shortAndLong, help: ArgumentHelp("The run folder.", valueName: "dir"))
  var output: String
  @Option(help: ArgumentHelp("The SFT model. \(ModelSource.help)", valueName: "model"))
  var model: String
  @Option(help: ArgumentHelp("The reward model.", valueName: "model"))
  var rewardModel: String
  @Option(help: ArgumentHelp("Prompts, JSON Lines (default: the built-in world's).", valueName: "file"))
  var prompts: String?
  @Option(
    help: ArgumentHelp(
      "Text for the pretraining mix (default: the built-in world's).", valueName: "file"))
  var pretrainingText: String?
  @OptionGroup var folder: FolderOptions
  @OptionGroup var made: MadeFile
  @OptionGroup var parameters: ParameterOptions<PPOGroup>
  @OptionGroup var rollouts: RolloutOptions

  func run() throws {
    try folder.check(output, data: [prompts, pretrainingText], models: [model, rewardModel])
    let settings = try settings()
    let source = try ModelSource.resolve(model)
    let sft = try ModelSource.open(source, folder.verification, access: .copyOnWrite)
    let reference = try ModelSource.open(source, folder.verification)
    let reward = try ModelSource.open(ModelSource.resolve(rewardModel, .reward), folder.verification)
    let asked = try prompts.map { try folder.read($0, readPrompts, sft.tokenizer) }
    let texts = try pretrainingText.map { try folder.read($0, readDocuments, sft.tokenizer) }
    let data = try PPOStage.Data(
      prompts: asked?.records, at: prompts, texts: texts?.records, sft: sft, settings: settings,
      threads: folder.compute.threads)
    let context = try folder.context(
      output, settings, stages: [.ppo],
      extra: [
        ("model", model), ("reward-model", rewardModel), ("prompts", prompts ?? "world"),
        ("pretraining-text", data.hasText ? pretrainingText ?? "world" : "none"),
        ("rollout-precision", rollouts.rolloutPrecision?.rawValue ?? "measured"),
      ], data: [("prompts", asked?.report), ("pretraining-text", texts?.report)])
    try context.stage(.ppo) {
      try PPOStage(
        context, policy: sft, reference: reference, reward: reward, data: data,
        precision: rollouts.rolloutPrecision
      ).run()
    }
    let file = context.run.file(PPOStage.file)
    try made.report(file, sentence: "The model is \(file).")
    try Report.warn(context.run.path)
    let own = try sft.world() == nil ? ["--prompts", "FILE"] : []
    NextStep.say(
      [
        ("measure it", ["eval", file, "--reference", source, "--reward-model", reward.name] + own),
        ("talk to it", ["chat", file]),
      ], quiet: folder.quiet)
  }

  private func settings() throws -> Settings {
    var settings = try folder.settings(.ppo)
    try parameters.apply(to: &settings)
    try settings.requireConsistent()
    var idle = settings.idle(in: [.ppo], precision: rollouts.rolloutPrecision ?? .int8)
    idle.add(
      "--pretraining-text", if: pretrainingText != nil && settings[.ptxCoefficient] == 0,
      because: "--ptx-coef is 0, so there is no pretraining mix")
    try idle.refuse()
    return settings
  }
}

extension FolderOptions {
  /// Prints which rows of a file are held out from training.
  func reportHeldOut(_ heldOut: Summary.HeldOutRows?) {
    if let heldOut, !quiet { Console.error(heldOut.sentence) }
  }

  /// Reads a data file, makes tokens of its rows, and prints a summary of it.
  func read<Record: Tokenizable>(
    _ path: String, _ reader: (String, Bool) throws -> Dataset<Record>, _ tokenizer: Tokenizer
  ) throws -> Dataset<Tokenized<Record>> {
    let strict = !badRows.skipBadRows
    return try reader(path, strict)
      .reportingTokens(tokenizer, strict: strict, quiet: quiet, threads: compute.threads)
  }
}

extension Dataset where Record: Tokenizable {
  /// Makes tokens of the rows, and prints a summary of the data.
  /// - Parameter limit: maximum number of tokens of a record; longer ones are dropped.
  func reportingTokens(
    _ tokenizer: Tokenizer, limit: Int = .max, strict: Bool, quiet: Bool, threads: Int
  ) throws -> Dataset<Tokenized<Record>> {
    let tokenized = try tokenized(tokenizer, limit: limit, strict: strict, threads: threads)
    tokenized.report.show(quiet: quiet)
    return tokenized
  }
}

extension DatasetReport {
  /// Prints a summary of the data to standard error; with `quiet`, prints only which bad rows were left out.
  func show(quiet: Bool) {
    if !quiet {
      Console.error("\(self)")
    } else if let badText {
      Console.error("\(name): \(badText)")
    }
  }
}
