import Models
import Support
import Tensors
import Tokenizers

/// Answers prompts with a model: what `sample` and `generate` do.
public final class Answerer {
  private let model: Model
  private let bench: Workbench
  private let generator: Generator
  private let weights: TransformerWeights
  private let options: SamplingOptions

  /// - Parameter precision: an int8 checkpoint is int8 in either case.
  public init(
    _ model: Model, threads: Int, precision: RolloutPrecision, options: SamplingOptions
  ) throws {
    try model.require(.base, .sft, .ppo, toBe: "a language model")
    self.model = model
    self.options = options
    bench = try Workbench(model.architecture, threads: threads)
    let transformer = try bench.inference()
    generator = try bench.generator(transformer)
    if precision == .int8 && !model.file.isInt8 {
      let quantized = try QuantizedWeights(model.file.layout, arena: bench.arena)
      weights = quantized.update(from: try model.file.parameters(), compute: bench.compute)
    } else {
      weights = try model.file.weights()
    }
  }

  /// K answers for each prompt, handed over in order, in batches of bounded size.
  public func answers(
    _ prompts: [[Turn]], samples: Int, seed: UInt64, each: ([Turn], [String]) throws -> Void
  ) throws {
    let batch = 64
    for first in stride(from: 0, to: prompts.count, by: batch) {
      let chunk = Array(prompts[first..<min(first + batch, prompts.count)])
      let answers = try Sampler(
        generator: generator, weights: weights, tokenizer: model.tokenizer, options: options,
        seed: seed, purpose: "sample", firstPrompt: first
      ).answers(chunk, samples: samples)
      for (prompt, answers) in zip(chunk, answers) { try each(prompt, answers.map(\.text)) }
    }
  }
}
