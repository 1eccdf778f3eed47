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
    let turns = demonstration.prompt.turns
    let completion = tokenizer.encode(completion: demonstration.completion)
    guard let learnt = demonstration.learntTurns else {
      return TrainingSequence(prompt: tokenizer.encode(prompt: turns), completion: completion)
    }
    let (prompt, answers) = tokenizer.encodeShowingAnswers(prompt: turns)
    // The answers are numbered among themselves.
    let spans = learnt.compactMap { turn -> Range<Int>? in
      let span = answers[turns[..<turn].count { $0.role == .assistant }]
      return span.isEmpty ? nil : max(1, span.lowerBound)..<span.upperBound
    }
    return TrainingSequence(prompt: prompt, completion: completion, earlier: spans)
  }

  /// Whether a demonstration is learnt from: it fits, and something of it counts.
  func fits(_ sequence: TrainingSequence) -> Bool {
    sequence.tokens.count <= context && sequence.targetCount > 0
  }

  /// Those that fit.
  func fitting(_ demonstrations: [Demonstration]) -> [TrainingSequence] {
    demonstrations.map(sequence).filter(fits)
  }

  func sequences(_ comparison: Comparison) -> RankedSequences {
    let prompt = tokenizer.encode(prompt: comparison.prompt.turns)
    return RankedSequences(
      sequences: comparison.completions.map { prompt + tokenizer.encode(completion: $0) },
      ranks: comparison.ranks, margin: comparison.margin ?? 0)
  }

  /// Whether all answers of a comparison fit.
  func fits(_ ranked: RankedSequences) -> Bool {
    ranked.sequences.allSatisfy { $0.count <= context }
  }

  /// The comparisons that fit and say something, with their answers as sequences, and how many of
  /// the others there are.
  /// - Parameter limit: as many are enough; those behind them are not looked at.
  func ranked(_ comparisons: [Comparison], limit: Int = .max) -> Ranked {
    var result = Ranked()
    for (index, comparison) in comparisons.enumerated() where result.kept.count < limit {
      let sequences = sequences(comparison)
      if !fits(sequences) {
        result.long += 1
      } else if comparison.isAllTies {
        result.tied += 1
      } else {
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
      return fits(tokens, responseLength: responseLength) ? (index, tokens) : nil
    }
  }

  /// Whether a prompt leaves room for an answer of `responseLength`.
  func fits(_ prompt: [Int32], responseLength: Int) -> Bool {
    prompt.count + responseLength <= context
  }

  /// A document for pretraining in pieces of at most the context; there is nothing to learn in a
  /// piece of one token.
  func pieces(_ document: String) -> [ArraySlice<Int32>] {
    let tokens = tokenizer.encode(document: document)
    return stride(from: 0, to: tokens.count, by: context).compactMap { first in
      let piece = tokens[first..<min(first + context, tokens.count)]
      return piece.count > 1 ? piece : nil
    }
  }

  /// The most tokens that a step of `batch` sequences can have.
  static func largestStep(_ lengths: [Int], batch: Int) -> Int {
    lengths.sorted(by: >).prefix(batch).reduce(0, +)
  }
}
