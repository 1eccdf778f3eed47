import Models
import Support
import Tokenizers

/// Samples K answers, as text, for each prompt, in batches of bounded size.
package struct Sampler {
  package let generator: Generator
  package let weights: TransformerWeights
  package let tokenizer: Tokenizer
  package let options: SamplingOptions
  package let seed: UInt64
  package let purpose: String
  /// The number of the first prompt, for several calls that together use one sequence of random streams.
  package var firstPrompt = 0
  /// If set, chooses each answer from several samples.
  package var bestOf: BestOf?

  package init(
    generator: Generator, weights: TransformerWeights, tokenizer: Tokenizer, options: SamplingOptions, seed: UInt64,
    purpose: String, firstPrompt: Int = 0, bestOf: BestOf? = nil
  ) {
    self.generator = generator
    self.weights = weights
    self.tokenizer = tokenizer
    self.options = options
    self.seed = seed
    self.purpose = purpose
    self.firstPrompt = firstPrompt
    self.bestOf = bestOf
  }

  package struct Answer {
    package let prompt: [Int32]
    package let sample: Generator.Sample
    package let text: String

    package var tokens: [Int32] { prompt + sample.tokens }
  }

  /// Samples K answers for each prompt: [prompt][sample].
  /// - Parameters:
  ///   - prompts: the tokens of each prompt.
  ///   - numbers: the prompts' numbers, which choose their random streams; nil for consecutive numbers from
  ///     `firstPrompt` on.
  ///   - between: called after each batch with the number of finished prompts; it may throw to stop. If nil, this
  ///     function shows progress itself.
  package func answers(
    _ prompts: [[Int32]], samples: Int, numbers: [Int]? = nil, batch: Int = 64,
    between: ((Int) throws -> Void)? = nil
  ) throws -> [[Answer]] {
    var options = options
    options.endTokens = tokenizer.endTokens
    let drawn = samples * (bestOf?.n ?? 1)
    let work = between == nil && prompts.count > batch ? Work("answering", of: prompts.count) : nil
    defer { work?.end() }
    var result: [[Answer]] = []
    result.reserveCapacity(prompts.count)
    for first in stride(from: 0, to: prompts.count, by: batch) {
      let chunk = prompts[first..<min(first + batch, prompts.count)]
      let generated = try generator.run(
        chunk.enumerated().map { offset, prompt in
          let number = numbers?[first + offset] ?? firstPrompt + first + offset
          return Generator.Request(
            prompt: prompt, stream: UInt64(number * drawn), samples: drawn)
        },
        weights: weights, options: options, seed: seed, purpose: purpose)
      for (prompt, samples) in zip(chunk, generated) {
        result.append(
          (bestOf?.choose(samples, prompt: prompt, tokens: \.tokens) { $0.finish == .stop } ?? samples).map {
            Answer(prompt: prompt, sample: $0, text: tokenizer.decode(completion: $0.tokens))
          })
      }
      work?.advance(by: chunk.count)
      try between?(min(first + batch, prompts.count))
    }
    return result
  }
}
