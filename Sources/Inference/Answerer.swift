import Dialogues
import Models
import Support
import Tokenizers

/// Answers prompts with a model. Used by `sample`, `generate` and `chat`.
public final class Answerer {
  private let model: Model
  private let runtime: ModelRuntime
  private let generator: Generator
  private let weights: TransformerWeights
  private var options: SamplingOptions

  /// - Parameter precision: ignored for an int8 checkpoint, which always computes in int8.
  public init(
    _ model: Model, threads: Int, precision: RolloutPrecision, options: SamplingOptions
  ) throws {
    try model.requireLanguageModel()
    self.model = model
    self.options = options
    self.options.endTokens = model.tokenizer.endTokens
    runtime = try ModelRuntime(model.architecture, threads: threads)
    let transformer = try runtime.inferenceTransformer()
    generator = try runtime.generator(transformer, model.file.isInt8 ? .int8 : precision)
    weights = try runtime.weights(of: model, precision: precision, on: transformer)
  }

  /// Samples K answers for each prompt and calls `each` for the prompts in order. Works in batches of bounded size.
  public func answers(
    _ prompts: [Tokenized<Prompt>], samples: Int, stop: StopTexts = StopTexts(), seed: UInt64,
    each: (Prompt, [String]) throws -> Void
  ) throws {
    let batch = 64
    let work = Work("answering", of: prompts.count)
    defer { work.end() }
    for first in stride(from: 0, to: prompts.count, by: batch) {
      let chunk = prompts[first..<min(first + batch, prompts.count)]
      let answers = try Sampler(
        generator: generator, weights: weights, tokenizer: model.tokenizer, options: options,
        seed: seed, purpose: "sample", firstPrompt: first
      ).answers(chunk.map(\.tokens), samples: samples)
      try model.checkpoint.checkStillWhole()
      for (prompt, answers) in zip(chunk, answers) {
        try each(prompt.record, answers.map { stop.cut($0.text) })
      }
      work.advance(by: chunk.count)
    }
  }

  /// One answer, as `generate` prints it.
  public struct Completion: Sendable {
    public let text: String
    /// The answer's tokens. The end token is included if it was sampled; tokens cut off by a stop text are not.
    public let tokens: [Int32]
    public let finish: Generator.Finish
  }

  /// Maximum number of tokens of a prompt and its answer together.
  public var capacity: Int { generator.capacity }

  /// One answer for each prompt, in one batch.
  ///
  /// - Parameters:
  ///   - prompts: for each prompt its tokens and the number of its random stream.
  ///   - options: the sampling options; nil for those of the answerer.
  ///   - bestOf: chooses each answer from several samples.
  ///   - onToken: called with (prompt, token) when a token is sampled.
  /// - Throws: `Failure(.badData)` for a prompt that is empty or leaves no room for an answer.
  public func complete(
    _ prompts: [(tokens: [Int32], stream: UInt64)], stop: StopTexts, seed: UInt64,
    options: SamplingOptions? = nil, bestOf: BestOf? = nil, onToken: ((Int, Int32) -> Void)? = nil
  ) throws -> [Completion] {
    let tokenizer = model.tokenizer
    var options = options ?? self.options
    options.endTokens = tokenizer.endTokens
    let samples = bestOf?.n ?? 1
    let generated = try generator.run(
      prompts.map {
        .init(prompt: $0.tokens, stream: $0.stream * UInt64(samples), samples: samples)
      }, weights: weights,
      options: options, seed: seed, purpose: "generate",
      shouldStop: stop.isEmpty ? nil : { Self.hasStopped($0.tokens, stop, tokenizer) },
      onToken: onToken.map { onToken in { onToken($0, $2) } })
    // If the file was cut by less than a page, zeros were read instead of the missing bytes.
    try model.checkpoint.checkStillWhole()
    return zip(prompts, generated).map { prompt, samples in
      // Best-of-n scores the answers after the stop texts have cut them.
      let answers = samples.map { Self.completion($0, stop, tokenizer) }
      return (bestOf?.choose(answers, prompt: prompt.tokens, tokens: \.tokens) { $0.finish == .stop }
        ?? answers)[0]
    }
  }

  /// Whether the answer contains a stop text. Decodes only as many of the last tokens as the longest stop text has
  /// bytes, because each token has at least one byte.
  private static func hasStopped(
    _ tokens: [Int32], _ stop: StopTexts, _ tokenizer: Tokenizer
  ) -> Bool {
    let reached = tokens.suffix(stop.longest)
    let bytes = tokenizer.decode(answer: reached, continuing: reached.count < tokens.count)
    return stop.firstStop(in: bytes) != nil
  }

  private static func completion(
    _ sample: Generator.Sample, _ stop: StopTexts, _ tokenizer: Tokenizer
  ) -> Completion {
    let bytes = tokenizer.decode(answer: sample.tokens)
    guard let end = stop.firstStop(in: bytes) else {
      return Completion(
        text: tokenizer.decode(completion: sample.tokens), tokens: sample.tokens,
        finish: sample.finish)
    }
    var (count, covered) = (0, 0)
    while covered < end {
      covered +=
        tokenizer.decode(answer: CollectionOfOne(sample.tokens[count]), continuing: count > 0).count
      count += 1
    }
    return Completion(
      text: String(decoding: bytes[..<end], as: UTF8.self),
      tokens: Array(sample.tokens[..<count]), finish: .stop)
  }
}
