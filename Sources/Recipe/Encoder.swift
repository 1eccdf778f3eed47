import Datasets
import Support
import Tokenizers
import Training

/// From records to token sequences, the same way for every stage; what does not fit the context is
/// left out and counted, never truncated.
struct Encoder {
  let tokenizer: Tokenizer
  let context: Int

  init(_ tokenizer: Tokenizer, context: Int) {
    self.tokenizer = tokenizer
    self.context = context
  }

  func sequence(_ demonstration: Demonstration) -> TrainingSequence {
    TrainingSequence(
      prompt: tokenizer.encode(prompt: demonstration.prompt.turns),
      completion: tokenizer.encode(completion: demonstration.completion))
  }

  /// Those that fit.
  func fitting(_ demonstrations: [Demonstration]) -> [TrainingSequence] {
    demonstrations.map(sequence).filter { $0.tokens.count <= context && $0.targetCount > 0 }
  }

  /// The comparisons that fit and say something, with their answers as sequences, and how many of
  /// the others there are.
  /// - Parameter limit: as many are enough; those behind them are not looked at.
  func ranked(_ comparisons: [Comparison], limit: Int = .max) -> Ranked {
    var result = Ranked()
    for (index, comparison) in comparisons.enumerated() where result.kept.count < limit {
      let prompt = tokenizer.encode(prompt: comparison.prompt.turns)
      let answers = comparison.completions.map { prompt + tokenizer.encode(completion: $0) }
      if answers.contains(where: { $0.count > context }) {
        result.long += 1
      } else if comparison.isAllTies {
        result.tied += 1
      } else {
        let sequences = RankedSequences(
          sequences: answers, ranks: comparison.ranks, margin: comparison.margin ?? 0)
        result.kept.append((index, sequences))
      }
    }
    return result
  }

  struct Ranked {
    /// With the place that each has among the comparisons.
    var kept: [(index: Int, sequences: RankedSequences)] = []
    var long = 0
    var tied = 0

    var sequences: [RankedSequences] { kept.map(\.sequences) }
  }

  /// Prompts that leave room for an answer of `responseLength`.
  func prompts(_ prompts: [[Turn]], responseLength: Int) -> [(index: Int, tokens: [Int32])] {
    prompts.enumerated().compactMap { index, turns in
      let tokens = tokenizer.encode(prompt: turns)
      return tokens.count + responseLength <= context ? (index, tokens) : nil
    }
  }

  /// The most tokens that a step of `batch` sequences can have.
  static func largestStep(_ lengths: [Int], batch: Int) -> Int {
    lengths.sorted(by: >).prefix(batch).reduce(0, +)
  }
}
