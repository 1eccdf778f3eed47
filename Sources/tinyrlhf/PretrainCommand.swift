import ArgumentParser
import Datasets
import Evaluation
import Inference
import Runs
import Stages

struct Pretrain: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Train a tokenizer and a base model on text; writes base.trlhf.")

  @Option(name: .shortAndLong, help: ArgumentHelp("The run folder.", valueName: "dir"))
  var output: String
  @Option(
    help: ArgumentHelp(
      "Text, or JSON Lines with \"text\" (default: the built-in world's text).", valueName: "file"))
  var pretrainingText: String?
  @Option(
    parsing: .unconditional, help: "Seed of the built-in world's facts (default: 1).", transform: Seed.read)
  var worldSeed: UInt64?
  @OptionGroup var folder: FolderOptions
  @OptionGroup var made: MadeFile
  @OptionGroup(title: "Model and training") var parameters: ParameterOptions<PretrainGroup>

  func run() throws {
    try folder.check(output, data: [pretrainingText])
    let settings = try settings()
    let worldSeed = worldSeed ?? 1
    let texts = try pretrainingText.map { try readDocuments($0, strict: !folder.badRows.skipBadRows) }
    let data = try PretrainData(
      texts, worldSeed: worldSeed, settings: settings, threads: folder.compute.threads)
    data.report?.show(quiet: folder.quiet)
    let context = try folder.context(
      output, settings, stages: [.pretrain],
      extra: [pretrainingText.map { ("pretraining-text", $0) } ?? ("world-seed", "\(worldSeed)")],
      data: [("pretraining-text", data.report)])
    try context.stage(.pretrain) { try PretrainStage(context, data: data).run() }
    let file = context.run.file(PretrainStage.file)
    try made.report(file, sentence: "The base model is \(file).")
    let own = pretrainingText == nil ? [] : ["--demonstrations", "FILE"]
    NextStep.say(
      [("fine-tune it on demonstrations", ["sft", "-o", "DIR", "--model", file] + own)], quiet: folder.quiet)
  }

  private func settings() throws -> Settings {
    var settings = try folder.settings(.pretrain)
    try parameters.apply(to: &settings)
    var idle = settings.idle(in: [.pretrain])
    idle.add(
      "--world-seed", if: worldSeed != nil && pretrainingText != nil,
      because: "--pretraining-text replaces the world's text")
    try idle.refuse()
    return settings
  }
}
