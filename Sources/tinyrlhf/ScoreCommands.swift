import ArgumentParser
import Datasets
import Inference

struct LogProbabilities: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "logprobs",
    abstract: """
      Log-probabilities: {"prompt", "completion"} per line in, {"tokens", "logprobs", "sum"} of the completion out.
      """,
    discussion: """
      Log-probabilities are in nats. An end token is added to a completion that is given as text; "prompt_tokens" \
      and "completion_tokens" are used unchanged. Prompt and completion may be messages, or one dialogue as \
      "messages"; its last answer is the completion. A line's "id" is copied to the output.
      """)

  @Argument(help: ArgumentHelp(ModelSource.help)) var model: String
  @Option(help: "Arithmetic of the weights: float32 or int8 (default: float32).")
  var precision: RolloutPrecision?
  @OptionGroup var machine: AlwaysJSON
  @OptionGroup var verification: VerifyOptions
  @OptionGroup var compute: ComputeOptions

  private struct Answer: Encodable {
    let tokens: [Int32]
    let logprobs: [Float]
    let sum: Double
  }

  func run() throws {
    let model = try ModelSource.open(model, verification)
    try model.refuse(precision: precision, as: "--precision float32")
    let scorer = try LogProbabilityScorer(model, threads: compute.threads, precision: precision ?? .float32)
    try JSONLines.run(
      prepare: { fields, place in
        try Request(fields, for: .measurement).naming(fields, model.tokenizer).sequence(
          model.tokenizer, context: model.architecture.context, at: place)
      },
      answer: { jobs in
        let pairs = jobs.map(\.value)
        let logprobs = scorer.logprobs(pairs)
        try model.checkpoint.checkStillWhole()
        return zip(pairs, logprobs).map { pair, logprobs in
          Answer(
            tokens: pair.completion, logprobs: logprobs,
            sum: logprobs.reduce(0) { $0 + Double($1) })
        }
      })
  }
}

struct Score: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Score answers with a reward model: {\"prompt\", \"completion\"} per line in, {\"score\"} out.",
    discussion: """
      Prints the normalised score that PPO maximises; demonstrations score 0 on average. An imported classifier \
      has no normalisation: its score is its logit, and a note on standard error says so. Prompt and completion \
      may be messages, or one dialogue as "messages". A line's "id" is copied to the output.
      """)

  @Argument(help: ArgumentHelp(ModelSource.help)) var model: String
  @OptionGroup var machine: AlwaysJSON
  @OptionGroup var verification: VerifyOptions
  @OptionGroup var compute: ComputeOptions

  private struct Answer: Encodable {
    let score: Float
  }

  func run() throws {
    let model = try ModelSource.openReward(model, verification)
    let scorer = try RewardScorer(model, threads: compute.threads)
    try JSONLines.run(
      prepare: { fields, place in
        let pair = try Request(fields, for: .measurement).naming(fields, model.tokenizer).sequence(
          model.tokenizer, context: model.architecture.context, at: place)
        return pair.prompt + pair.completion
      },
      answer: { jobs in
        let scores = scorer.scores(jobs.map(\.value))
        try model.checkpoint.checkStillWhole()
        return scores.map(Answer.init)
      })
  }
}
