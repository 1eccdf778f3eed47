import ArgumentParser
import Datasets
import Dialogues
import Inference
import Models
import Support
import Tokenizers

struct Generate: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: """
      Answer prompts: one {"prompt"} per line in, one {"prompt", "completion", "tokens", "finish"} per line out.
      """,
    discussion: """
      A prompt is a text or a list of messages. Instead of "prompt", a line may have "messages", with "system" and \
      "tools" beside them, or "prompt_tokens". Each line has its own random stream, chosen by its line number. \
      "max_new_tokens", "temperature", "top_k", "top_p", "stop", "seed" and "best_of" in a line apply to that line; \
      its "id" is copied to the output.
      """)

  @Argument(help: ArgumentHelp(ModelSource.help)) var model: String
  @Option(help: "Arithmetic of the weights: int8 or float32 (default: int8).") var precision: RolloutPrecision?
  @Option(parsing: .unconditional, help: "Seed of the answers (default: 1).", transform: Seed.read) var seed: UInt64 = 1
  @OptionGroup var sampling: SamplingParameters
  @OptionGroup var choosing: BestOfOptions
  @Option(
    help: ArgumentHelp("Reward model that scores the answers of --best-of. \(ModelSource.help)", valueName: "model"))
  var rewardModel: String?
  @OptionGroup var machine: AlwaysJSON
  @OptionGroup var verification: VerifyOptions
  @OptionGroup var compute: ComputeOptions

  func run() throws {
    try InputFiles.require([model, rewardModel])
    let options = try sampling.options()
    let model = try ModelSource.open(model, verification)
    try model.refuse(precision: precision, as: "--precision float32")
    let answerer = try Answerer(model, threads: compute.threads, precision: precision ?? .int8, options: options)
    let bestOf = try chooser(model)
    try JSONLines.serve(
      prepare: { fields, place in
        let request = try Request(fields, for: .generation).naming(fields, model.tokenizer)
        let tokens = try request.promptTokens(model.tokenizer, at: place)
        guard tokens.count < answerer.capacity else {
          throw Failure(
            .badData, "the prompt has \(tokens.count) tokens, the context \(answerer.capacity)",
            at: place, remedy: "Shorten it; prompts are never truncated.", code: .contextExceeded)
        }
        let shown = model.tokenizer.decodeString(tokens, namingSpecialTokens: true)
        return Asked(
          prompt: request.prompt ?? Prompt(shown), tokens: tokens,
          drawing: try drawing(request.options, options, bestOf))
      },
      answer: { jobs in
        var answers = [[UInt8]](repeating: [], count: jobs.count)
        // Lines with the same sampling options are answered together.
        for drawing in Set(jobs.map(\.value.drawing)) {
          let places = jobs.indices.filter { jobs[$0].value.drawing == drawing }
          let completions = try answerer.complete(
            places.map { (tokens: jobs[$0].value.tokens, stream: UInt64(jobs[$0].line - 1)) },
            stop: StopTexts(drawing.stop), seed: drawing.seed, options: drawing.options(over: options),
            bestOf: bestOf?.choosing(of: drawing.bestOf))
          for (place, completion) in zip(places, completions) {
            answers[place] = JSON.write(completion.answer(to: jobs[place].value.prompt))
          }
        }
        return answers
      })
  }

  /// A checked line that waits for its answer.
  private struct Asked {
    let prompt: Prompt
    let tokens: [Int32]
    let drawing: Drawing
  }

  /// The sampling options of one line.
  private struct Drawing: Hashable {
    var maxNewTokens: Int
    var temperature: Float
    var topK: Int
    var topP: Float
    var stop: [String]
    var seed: UInt64
    var bestOf: Int

    func options(over options: SamplingOptions) -> SamplingOptions {
      var options = options
      (options.maxNewTokens, options.temperature, options.topK, options.topP) = (
        maxNewTokens, temperature, topK, topP
      )
      return options
    }
  }

  /// The options that the line gives, and the command's for all others.
  /// - Throws: `Failure(.badData)` for a `best_of` without a reward model or at temperature 0.
  private func drawing(
    _ line: RequestOptions, _ options: SamplingOptions, _ bestOf: BestOf?
  ) throws -> Drawing {
    let drawing = Drawing(
      maxNewTokens: line.maxNewTokens ?? options.maxNewTokens,
      temperature: line.temperature ?? options.temperature, topK: line.topK ?? options.topK,
      topP: line.topP ?? options.topP, stop: line.stop ?? sampling.stop, seed: line.seed ?? seed,
      bestOf: line.bestOf ?? bestOf?.n ?? 1)
    guard drawing.bestOf > 1 else { return drawing }
    guard bestOf != nil else {
      throw Failure(
        .badData, "\"best_of\" requires a reward model",
        remedy: "Start the command with --reward-model MODEL.")
    }
    guard drawing.temperature > 0 else {
      throw Failure(
        .badData, "\"best_of\" \(drawing.bestOf) at temperature 0 chooses among equal answers",
        remedy: "Raise \"temperature\", or leave \"best_of\" out.")
    }
    return drawing
  }

  private func chooser(_ model: Model) throws -> BestOf? {
    let n = try choosing.count()
    guard n > 1 || rewardModel != nil else { return nil }
    guard let rewardModel else {
      throw Failure(
        .usage, "--best-of requires --reward-model MODEL", remedy: "Give it, or leave --best-of out.")
    }
    guard n == 1 || sampling.temperature > 0 else {
      throw Failure(
        .usage, "--best-of \(n) at temperature 0 chooses among equal answers",
        remedy: "Raise --temperature, or leave --best-of out.")
    }
    return try BestOf(
      n, by: ModelSource.openReward(rewardModel, verification), of: model, threads: compute.threads)
  }
}

extension Answerer.Completion {
  /// One line of output, as a JSON object.
  fileprivate func answer(to prompt: Prompt) -> JSONValue {
    .object([
      "completion": .string(text), "finish": .string(finish.rawValue), "prompt": prompt.json,
      "tokens": .array(tokens.map { .integer(Int($0)) }),
    ])
  }
}
