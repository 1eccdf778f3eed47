import Dialogues
import Models
import Tokenizers

/// Chooses the records that fit a context, in the same way for every stage. The others are left out and counted, never
/// truncated.
package struct ContextFit {
  /// [tokens]
  package let context: Int

  package init(_ context: Int) { self.context = context }

  /// The sequences of the demonstrations that fit, and the number of these demonstrations. Sequences without a loss are
  /// left out.
  package func demonstrations(
    _ demonstrations: [Tokenized<Demonstration>]
  ) -> (sequences: [TrainingSequence], count: Int) {
    let fitting = demonstrations.map(\.sequences).filter(fits)
    return (fitting.flatMap { $0 }.filter { $0.targetCount > 0 }, fitting.count)
  }

  /// Whether a demonstration can be trained on: all its sequences fit, and at least one token has a loss.
  package func fits(_ demonstration: [TrainingSequence]) -> Bool {
    demonstration.allSatisfy { $0.tokens.count <= context } && demonstration.contains { $0.targetCount > 0 }
  }

  /// The comparisons that fit and are not all ties, with their answers as sequences, and the numbers of the others.
  /// - Parameter limit: stops after this many usable comparisons.
  package func comparisons(_ comparisons: [Tokenized<Comparison>], limit: Int = .max) -> Ranked {
    var result = Ranked()
    for (index, comparison) in comparisons.enumerated() where result.kept.count < limit {
      let sequences = RankedSequences(comparison)
      if !fits(sequences) {
        result.long += 1
      } else if comparison.record.isAllTies {
        result.tied += 1
      } else {
        result.kept.append((index, sequences))
      }
    }
    return result
  }

  /// Whether all answers of a comparison fit.
  package func fits(_ ranked: RankedSequences) -> Bool { ranked.sequences.allSatisfy { $0.count <= context } }

  package struct Ranked {
    /// The usable comparisons, each with its index among all comparisons.
    package var kept: [(index: Int, sequences: RankedSequences)] = []
    package var long = 0
    package var tied = 0

    package var sequences: [RankedSequences] { kept.map(\.sequences) }
  }

  /// The prompts that leave room for an answer of `responseLength` tokens, each with its index.
  package func prompts(
    _ prompts: [Tokenized<Prompt>], responseLength: Int
  ) -> [(index: Int, tokens: [Int32])] {
    prompts.enumerated().filter { fits($0.element.tokens, responseLength: responseLength) }
      .map { (index: $0.offset, tokens: $0.element.tokens) }
  }

  /// Whether a prompt leaves room for an answer of `responseLength` tokens.
  package func fits(_ prompt: [Int32], responseLength: Int) -> Bool { prompt.count + responseLength <= context }

  /// Splits a document for pretraining into pieces of at most the context. A piece of one token is left out, because it
  /// has no loss.
  package func pieces(_ document: [Int32]) -> [ArraySlice<Int32>] {
    stride(from: 0, to: document.count, by: context).compactMap { first in
      let piece = document[first..<min(first + context, document.count)]
      return piece.count > 1 ? piece : nil
    }
  }

  /// Maximum number of tokens in a step of `batch` sequences.
  package static func largestStep(_ lengths: [Int], batch: Int) -> Int {
    lengths.sorted(by: >).prefix(batch).reduce(0, +)
  }
}

extension Tokenized where Record == Demonstration {
  /// The training sequences: one for a prompt and its answer; for a dialogue one, or several if the chat template
  /// changes earlier turns when the dialogue grows.
  package var sequences: [TrainingSequence] { tokens.map(TrainingSequence.init) }
}

extension RankedSequences {
  package init(_ comparison: Tokenized<Comparison>) {
    self.init(
      sequences: comparison.tokens, ranks: comparison.record.ranks, margin: comparison.record.margin ?? 0)
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
