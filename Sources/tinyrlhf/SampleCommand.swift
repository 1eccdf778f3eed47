import ArgumentParser
import Datasets
import Dialogues
import Evaluation
import Inference
import Support

struct SampleCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "sample",
    abstract: "Sample K answers for each prompt: JSON Lines in, {\"prompt\", \"completions\"} out.",
    discussion: "Add \"ranks\" to an output line to make it a comparison for `tinyrlhf reward`.")

  @Argument(help: ArgumentHelp(ModelSource.help)) var model: String
  @Option(help: ArgumentHelp("Prompts, JSON Lines; - for standard input.", valueName: "file"))
  var prompts: String = "-"
  @Option(parsing: .unconditional, help: "Answers per prompt.") var samples: Int = 4
  @Option(parsing: .unconditional, help: "Seed of the answers (default: 1).", transform: Seed.read) var seed: UInt64 = 1
  @Flag(help: "Generate in float32 instead of int8.") var float32 = false
  @Flag(name: .shortAndLong, help: "Print no progress lines.") var quiet = false
  @OptionGroup var sampling: SamplingParameters
  @OptionGroup var machine: AlwaysJSON
  @OptionGroup var verification: VerifyOptions
  @OptionGroup var compute: ComputeOptions

  func run() throws {
    guard (1...64).contains(samples) else {
      throw Failure(
        .usage, "--samples \(samples) is not in 1…64", remedy: "Choose a number between them.")
    }
    try InputFiles.require([model, prompts])
    let options = try sampling.options()
    guard samples == 1 || sampling.temperature > 0 else {
      throw Failure(
        .usage, "--samples \(samples) at temperature 0 gives equal answers, which cannot be ranked",
        remedy: "Raise --temperature, or give --samples 1.")
    }
    let model = try ModelSource.open(model, verification)
    try model.refuse(precision: float32 ? .float32 : nil, as: "--float32")
    let answerer = try Answerer(
      model, threads: compute.threads, precision: float32 ? .float32 : .int8, options: options)
    // Every prompt leaves room for at least one token.
    let dataset = try readPrompts(prompts, strict: false).reportingTokens(
      model.tokenizer, limit: answerer.capacity - 1, strict: false, quiet: quiet, threads: compute.threads)
    let bad = dataset.report.dropped
    for row in bad { Console.error("tinyrlhf: \(dataset.report.name):\(row.line): \(row.reason)") }
    try answerer.answers(
      dataset.records, samples: samples, stop: StopTexts(sampling.stop), seed: seed
    ) { prompt, texts in
      let answers = UnrankedAnswers(prompt: prompt, completions: texts, policy: model.name)
      try Console.output(answers.line + [0x0A])
    }
    if !bad.isEmpty { throw BadLines() }
    let reward = ["reward", "-o", "DIR", "--model", model.name, "--comparisons", "FILE"]
    NextStep.say([("add \"ranks\" to each line (1 for the best) and train a reward model", reward)], quiet: quiet)
  }
}
