import Datasets
import Runs
import Training

/// The reward model on comparisons that it has not seen.
struct RewardAssessment {
  let heldOutLabelers: Set<String>
  private var differences: [Float] = []
  private var known = Tally()
  private var heldOut = Tally()
  private var rubric = Tally()
  private var scores: [Float] = []
  private var lengths: [Int] = []

  private struct Tally {
    var right = 0.0
    var pairs = 0

    var value: Double? { pairs == 0 ? nil : right / Double(pairs) }

    /// A tie of the judge counts half.
    mutating func add(_ difference: Double) {
      pairs += 1
      right += difference > 0 ? 1 : difference == 0 ? 0.5 : 0
    }
  }

  init(heldOutLabelers: Set<String>) {
    self.heldOutLabelers = heldOutLabelers
  }

  /// - Parameters:
  ///   - scores: the reward model's, [K].
  ///   - gold: the rubric's grades, [K], where there is a rubric.
  mutating func add(_ comparison: Comparison, scores: [Double], lengths: [Int], gold: [Double]?) {
    let isHeldOut = comparison.labeler.map(heldOutLabelers.contains) ?? false
    let ranks = comparison.ranks
    for i in ranks.indices {
      for j in ranks.indices where ranks[i] < ranks[j] {
        let difference = scores[i] - scores[j]
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
      self.scores += scores.map { Float($0) }
      self.lengths += lengths
    }
  }

  func figures(agreement: Double?) -> Summary.RewardModel {
    Summary.RewardModel(
      accuracy: known.value, accuracyHeldOutLabelers: heldOut.value,
      goldRubricAccuracy: rubric.value, labelerAgreement: agreement, pairs: known.pairs,
      lengthCorrelation: Statistics.lengthCorrelation(scores: scores, lengths: lengths))
  }

  var calibration: [EvaluationDetails.CalibrationBin] {
    Calibration(differences: differences).bins.map {
      .init(predicted: $0.predicted, observed: $0.observed, n: $0.count)
    }
  }
}
