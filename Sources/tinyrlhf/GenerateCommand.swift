import ArgumentParser
import Datasets
import Models
import Recipe
import Support

struct Generate: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: """
      Answer prompts: {"prompt"} a line in, {"prompt", "completion", "tokens", "finish"} out.
      """,
    discussion: """
      A prompt is a string or a list of {"role", "content"}; "prompt_tokens" may stand in its place. \
      Each line draws from a random stream of its own, by its number.
      """)

  @Argument(help: ArgumentHelp(ModelSource.help)) var model: String
  @Option(help: "Arithmetic of the weights: int8 or float32.") var precision: RolloutPrecision = .int8
  @Option(help: "Seed of the answers.") var seed: UInt64 = 1
  @OptionGroup var sampling: SamplingParameters
  @OptionGroup var choosing: BestOfOptions
  @Option(
    help: ArgumentHelp("The reward model that --best-of chooses by. \(ModelSource.help)", valueName: "model"))
  var rewardModel: String?
  @OptionGroup var machine: AlwaysJSON
  @OptionGroup var compute: ComputeOptions

  private struct Answer: Encodable {
    let prompt: Prompt
    let completion: String
    let tokens: [Int32]
    let finish: String
  }

  func run() throws {
    let model = try ModelSource.open(model)
    let answerer = try Answerer(
      model, threads: compute.threads, precision: precision, options: try sampling.options())
    let stop = StopTexts(sampling.stop)
    let bestOf = try chooser(model)
    try JSONLines.run(
      TextRequest.self,
      prepare: { request, place in
        let tokens = try request.prompt(model.tokenizer, at: place)
        guard tokens.count < answerer.capacity else {
          throw Failure(
            .badData, "the prompt has \(tokens.count) tokens, the context \(answerer.capacity)",
            at: place, remedy: "Shorten it; nothing is truncated silently.")
        }
        let shown = model.tokenizer.decodeString(tokens, namingSpecialTokens: true)
        return (prompt: request.prompt ?? Prompt(shown), tokens: tokens)
      },
      answer: { jobs in
        let completions = try answerer.complete(
          jobs.map { (tokens: $0.value.tokens, stream: UInt64($0.line - 1)) }, stop: stop,
          seed: seed, bestOf: bestOf)
        return zip(jobs, completions).map {
          Answer(
            prompt: $0.value.prompt, completion: $1.text, tokens: $1.tokens,
            finish: $1.finish.rawValue)
        }
      })
  }

  private func chooser(_ model: Model) throws -> BestOf? {
    let n = try choosing.count()
    guard n > 1 || rewardModel != nil else { return nil }
    guard let rewardModel else {
      throw Failure(
        .usage, "--best-of needs someone who knows what is best", remedy: "Give --reward-model MODEL.")
    }
    guard n == 1 || sampling.temperature > 0 else {
      throw Failure(
        .usage, "--best-of \(n) at temperature 0 chooses among equal answers",
        remedy: "Raise --temperature, or leave --best-of out.")
    }
    return try BestOf(
      n, by: ModelSource.openReward(rewardModel), of: model, threads: compute.threads)
  }
}
