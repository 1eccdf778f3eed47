import Dialogues
import Models
import Support
import Tokenizers

/// Converts records to token sequences, in the same way for every stage. Records that do not fit the context are left
/// out and counted, never truncated.
package struct RecordEncoder {
  package let tokenizer: Tokenizer
  package let context: Int

  package init(_ tokenizer: Tokenizer, context: Int) {
    self.tokenizer = tokenizer
    self.context = context
  }

  /// The sequences of a demonstration. A prompt and its answer are one sequence. A dialogue is one sequence, or several
  /// if the chat template changes earlier turns when the dialogue grows.
  /// - Throws: `Failure(.badData)` for a dialogue that the chat format cannot write.
  package func sequences(_ demonstration: Demonstration) throws -> [TrainingSequence] {
    try tokenizer.encode(demonstration).map(TrainingSequence.init)
  }

  /// Whether a demonstration can be trained on: all its sequences fit, and at least one token has a loss.
  package func fits(_ sequences: [TrainingSequence]) -> Bool {
    sequences.allSatisfy { $0.tokens.count <= context } && sequences.contains { $0.targetCount > 0 }
  }

  /// The sequences of the demonstrations that fit, and the number of these demonstrations.
  /// - Throws: like `sequences`.
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

  /// The comparisons that fit and are not all ties, with their answers as sequences, and the numbers of the others.
  /// - Parameter limit: stops after this many usable comparisons.
  /// - Throws: like `sequences`.
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
    /// The usable comparisons, each with its index among all comparisons.
    package var kept: [(index: Int, sequences: RankedSequences)] = []
    package var long = 0
    package var tied = 0

    package var sequences: [RankedSequences] { kept.map(\.sequences) }
  }

  /// The prompts that leave room for an answer of `responseLength` tokens, each with its index.
  /// - Throws: like `sequences`.
  package func prompts(_ prompts: [Prompt], responseLength: Int) throws -> [(index: Int, tokens: [Int32])] {
    try encoding(prompts) { try tokenizer.encode(prompt: $0) }.enumerated().filter {
      fits($0.element, responseLength: responseLength)
    }.map { (index: $0.offset, tokens: $0.element) }
  }

  /// Encodes each record and shows progress.
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

  /// Whether a prompt leaves room for an answer of `responseLength` tokens.
  package func fits(_ prompt: [Int32], responseLength: Int) -> Bool {
    prompt.count + responseLength <= context
  }

  /// Splits a document for pretraining into pieces of at most the context. A piece of one token is left out, because it
  /// has no loss.
  package func pieces(_ document: String) -> [ArraySlice<Int32>] {
    let tokens = tokenizer.encode(document: document)
    return stride(from: 0, to: tokens.count, by: context).compactMap { first in
      let piece = tokens[first..<min(first + context, tokens.count)]
      return piece.count > 1 ? piece : nil
    }
  }

  /// Maximum number of tokens in a step of `batch` sequences.
  package static func largestStep(_ lengths: [Int], batch: Int) -> Int {
    lengths.sorted(by: >).prefix(batch).reduce(0, +)
  }
}

extension TrainingSequence {
  /// Makes a training sequence from an encoded dialogue and the ranges of its tokens that have a loss.
  package init(_ dialogue: LearntTokens) {
    // The first token has no prediction, so it has no loss.
    var spans = dialogue.learnt.map { max(1, $0.lowerBound)..<max(1, $0.upperBound) }.filter { !$0.isEmpty }
    let last = spans.last.flatMap { $0.upperBound == dialogue.tokens.count ? spans.popLast() : nil }
    self.init(
      tokens: dialogue.tokens, learnFrom: last?.lowerBound ?? dialogue.tokens.count, earlier: spans)
  }
}
