import Dialogues
import Statistics

/// How often two labelers order a pair of answers in the same way. Pairs that either labeler ties are left out.
///
/// Only rankings of the same answers to the same prompt by two different labelers are compared. Answers that were
/// ranked only once say nothing about agreement.
package struct LabelerAgreement {
  /// Pairs that two labelers ordered: a win if both order them in the same way, else a loss.
  private var tally = Tally()

  package var pairs: Int { Int(tally.count) }
  /// The share of pairs with the same order; nil without a pair.
  package var share: Double? { tally.share }

  private struct Answers: Hashable {
    let prompt: Prompt
    /// The answers, sorted, so that the order does not depend on the labeler.
    let completions: [String]
  }

  private struct Ranking {
    let labeler: String
    /// The ranks of `Answers.completions`, in that order.
    let ranks: [Int]
  }

  package init(_ comparisons: [Comparison]) {
    var rankings: [Answers: [Ranking]] = [:]
    for comparison in comparisons {
      guard let labeler = comparison.labeler else { continue }
      let order = comparison.completions.indices.sorted {
        (comparison.completions[$0], $0) < (comparison.completions[$1], $1)
      }
      let answers = Answers(
        prompt: comparison.prompt, completions: order.map { comparison.completions[$0] })
      rankings[answers, default: []].append(
        Ranking(labeler: labeler, ranks: order.map { comparison.ranks[$0] }))
    }
    for same in rankings.values {
      for (index, first) in same.enumerated() {
        for second in same[(index + 1)...] where first.labeler != second.labeler {
          add(first.ranks, second.ranks)
        }
      }
    }
  }

  /// Adds two rankings of the same answers.
  private mutating func add(_ a: [Int], _ b: [Int]) {
    for i in a.indices {
      for j in a.indices.dropFirst(i + 1) where a[i] != a[j] && b[i] != b[j] {
        tally.add((a[i] < a[j]) == (b[i] < b[j]) ? .win : .loss)
      }
    }
  }
}
