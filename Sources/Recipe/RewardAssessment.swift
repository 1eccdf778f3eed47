import Datasets
import Runs
import Training

/// A reward model on comparisons that it has not seen.
package struct RewardAssessment {
  /// Pairs of unequal rank, by labelers whom training knows, and by others.
  private var known = Tally()
  private var heldOut = Tally()
  /// The rubric's own opinion of the known labelers' pairs.
  private var rubric = Tally()
  private var differences: [Float] = []
  private var scores: [Float] = []
  private var lengths: [Int] = []

  private struct Tally {
    var right = 0.0
    var pairs = 0
    var sum = 0.0

    var value: Double? { pairs == 0 ? nil : right / Double(pairs) }

    /// A tie of the judge counts half.
    mutating func add(_ difference: Double) {
      pairs += 1
      right += difference > 0 ? 1 : difference == 0 ? 0.5 : 0
      sum += difference
    }
  }

  /// Scores every answer of the comparisons that fit the context, without the gain.
  ///
  /// - Parameters:
  ///   - heldOutLabelers: whom training has not seen; they are counted apart.
  ///   - gold: the rubric's grades of the answers of a comparison, by its number, where there is a
  ///     rubric.
  package init(
    _ reward: RewardScorer, _ comparisons: [Comparison], heldOutLabelers: Set<String> = [],
    gold: (Int) -> [Double]? = { _ in nil }
  ) throws {
    let encoder = Encoder(reward.model.tokenizer, context: reward.model.architecture.context)
    let ranked = try encoder.ranked(comparisons).kept
    let scores = reward.rawScores(ranked.flatMap(\.sequences.sequences))
    var next = 0
    for (index, group) in ranked {
      let k = group.ranks.count
      let labeler = comparisons[index].labeler
      add(
        group, scores: Array(scores[next..<next + k]), gold: gold(index),
        isHeldOut: labeler.map(heldOutLabelers.contains) ?? false)
      next += k
    }
  }

  private mutating func add(
    _ group: RankedSequences, scores: [Float], gold: [Double]?, isHeldOut: Bool
  ) {
    let ranks = group.ranks
    for i in ranks.indices {
      for j in ranks.indices where ranks[i] < ranks[j] {
        let difference = Double(scores[i]) - Double(scores[j])
        if isHeldOut {
          heldOut.add(difference)
        } else {
          known.add(difference)
          differences.append(Float(difference))
          if let gold { rubric.add(gold[i] - gold[j]) }
        }
      }
    }
    if !isHeldOut {
      self.scores += scores
      lengths += group.sequences.map(\.count)
    }
  }

  /// Whether no comparison could be used.
  package var isEmpty: Bool { known.pairs + heldOut.pairs == 0 }
  package var pairs: Int { known.pairs }
  package var accuracy: Proportion { Proportion(successes: known.right, of: known.pairs) }
  /// Mean difference of the scores of a better and a worse answer.
  package var margin: Double { known.sum / Double(max(1, known.pairs)) }

  /// - Parameter agreement: of labelers with each other.
  package func figures(agreement: Double?) -> Summary.RewardModel {
    Summary.RewardModel(
      accuracy: known.value, accuracyHeldOutLabelers: heldOut.value,
      goldRubricAccuracy: rubric.value, labelerAgreement: agreement, pairs: known.pairs,
      lengthCorrelation: Statistics.lengthCorrelation(scores: scores, lengths: lengths))
  }

  package var calibration: [EvaluationDetails.CalibrationBin] {
    Calibration(differences: differences).bins.map {
      .init(predicted: $0.predicted, observed: $0.observed, n: $0.count)
    }
  }
}
