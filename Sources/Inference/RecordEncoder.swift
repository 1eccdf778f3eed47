import Dialogues
import Models
import Support
import Tokenizers

/// From records to token sequences, the same way for every stage; what does not fit the context is
/// left out and counted, never truncated.
package struct RecordEncoder {
  package let tokenizer: Tokenizer
  package let context: Int

  package init(_ tokenizer: Tokenizer, context: Int) {
    self.tokenizer = tokenizer
    self.context = context
  }

  /// A prompt and its answer are one sequence. A dialogue is one too, or several where the chat template changes what
  /// was said before when the dialogue grows.
  /// - Throws: `Failure(.badData)` for a dialogue that the chat format cannot write.
  package func sequences(_ demonstration: Demonstration) throws -> [TrainingSequence] {
    try tokenizer.encode(demonstration).map(TrainingSequence.init)
  }

  /// Whether a demonstration is learnt from: it fits, and something of it counts.
  package func fits(_ sequences: [TrainingSequence]) -> Bool {
    sequences.allSatisfy { $0.tokens.count <= context } && sequences.contains { $0.targetCount > 0 }
  }

  /// The sequences of the demonstrations that fit, and how many demonstrations do.
  /// - Throws: as `sequences`.
  package func fitting(_ demonstrations: [Demonstration]) throws -> (sequences: [TrainingSequence], count: Int) {
    let fitting = try encoding(demonstrations, sequences).filter(fits)
    return (fitting.flatMap { $0 }.filter { $0.targetCount > 0 }, fitting.count)
  }

  /// - Throws: `Failure(.badData)` for a dialogue that the chat format cannot write.
  package func sequences(_ comparison: Comparison) throws -> RankedSequences {
    RankedSequences(
      sequences: try tokenizer.encode(comparison), ranks: comparison.ranks,
      margin: comparison.margin ?? 0)
  }

  /// Whether all answers of a comparison fit.
  package func fits(_ ranked: RankedSequences) -> Bool {
    ranked.sequences.allSatisfy { $0.count <= context }
  }

  /// The comparisons that fit and say something, with their answers as sequences, and how many of
  /// the others there are.
  /// - Parameter limit: as many are enough; those behind them are not looked at.
  /// - Throws: as `sequences`.
  package func ranked(_ comparisons: [Comparison], limit: Int = .max) throws -> Ranked {
    var result = Ranked()
    let work = Work("encoding", of: comparisons.count)
    defer { work.end() }
    for (index, comparison) in comparisons.enumerated() where result.kept.count < limit {
      defer { work.advance() }
      let sequences = try sequences(comparison)
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

  package struct Ranked {
    /// With the place that each has among the comparisons.
    package var kept: [(index: Int, sequences: RankedSequences)] = []
    package var long = 0
    package var tied = 0

    package var sequences: [RankedSequences] { kept.map(\.sequences) }
  }

  /// Prompts that leave room for an answer of `responseLength`.
  /// - Throws: as `sequences`.
  package func prompts(_ prompts: [Prompt], responseLength: Int) throws -> [(index: Int, tokens: [Int32])] {
    try encoding(prompts) { try tokenizer.encode(prompt: $0) }.enumerated().filter {
      fits($0.element, responseLength: responseLength)
    }.map { (index: $0.offset, tokens: $0.element) }
  }

  /// What `encode` makes of each record.
  private func encoding<Record, Encoded>(
    _ records: [Record], _ encode: (Record) throws -> Encoded
  ) rethrows -> [Encoded] {
    let work = Work("encoding", of: records.count)
    defer { work.end() }
    return try records.map {
      defer { work.advance() }
      return try encode($0)
    }
  }

  /// Whether a prompt leaves room for an answer of `responseLength`.
  package func fits(_ prompt: [Int32], responseLength: Int) -> Bool {
    prompt.count + responseLength <= context
  }

  /// A document for pretraining in pieces of at most the context; there is nothing to learn in a
  /// piece of one token.
  package func pieces(_ document: String) -> [ArraySlice<Int32>] {
    let tokens = tokenizer.encode(document: document)
    return stride(from: 0, to: tokens.count, by: context).compactMap { first in
      let piece = tokens[first..<min(first + context, tokens.count)]
      return piece.count > 1 ? piece : nil
    }
  }

  /// The most tokens that a step of `batch` sequences can have.
  package static func largestStep(_ lengths: [Int], batch: Int) -> Int {
    lengths.sorted(by: >).prefix(batch).reduce(0, +)
  }
}

extension TrainingSequence {
  /// A dialogue that ends with an answer which is learnt, and what is learnt of it.
  package init(_ dialogue: LearntTokens) {
    // Nothing predicts the first token.
    var spans = dialogue.learnt.map { max(1, $0.lowerBound)..<max(1, $0.upperBound) }.filter { !$0.isEmpty }
    let last = spans.last.flatMap { $0.upperBound == dialogue.tokens.count ? spans.popLast() : nil }
    self.init(
      tokens: dialogue.tokens, learnFrom: last?.lowerBound ?? dialogue.tokens.count, earlier: spans)
  }
}
