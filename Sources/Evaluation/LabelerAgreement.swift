import Dialogues
import Statistics

/// How often two labelers order a pair of answers the same way, ties of either left out.
///
/// Only rankings of the same answers to the same prompt are compared, and only those of two labelers whose names
/// differ: what nobody ranked twice says nothing about agreement.
package struct LabelerAgreement {
  /// Pairs that two labelers have ordered: won where both order them the same way, else lost.
  private var tally = Tally()

  package var pairs: Int { Int(tally.count) }
  /// nil without a pair.
  package var share: Double? { tally.share }

  private struct Answers: Hashable {
    let prompt: Prompt
    /// In an order that does not depend on who ranked them.
    let completions: [String]
  }

  private struct Ranking {
    let labeler: String
    /// Of `Answers.completions`.
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

  /// Two rankings of the same answers.
  private mutating func add(_ a: [Int], _ b: [Int]) {
    for i in a.indices {
      for j in a.indices.dropFirst(i + 1) where a[i] != a[j] && b[i] != b[j] {
        tally.add((a[i] < a[j]) == (b[i] < b[j]) ? .win : .loss)
      }
    }
  }
}
