import Dialogues
import Inference
import Models
import Runs
import Statistics
import Support
import Tokenizers
import Training

/// Assesses a reward model on comparisons that it was not trained on.
package struct RewardAssessment {
  /// Pairs of unequal rank: by training labelers, and by held-out labelers.
  private var known = Tally()
  private var heldOut = Tally()
  /// Sum over the training labelers' pairs of the better answer's score minus the worse answer's.
  private var leads = 0.0
  /// How the rubric orders the training labelers' pairs.
  private var rubric = Tally()
  private var differences: [Float] = []
  /// For each line of training labelers: the scores of the answers, and their lengths [tokens].
  private var answers: [(scores: [Float], lengths: [Float])] = []
  /// The training labelers' pairs by prompt: right (win), tied and wrong (loss). A prompt can have several lines.
  private var byPrompt: [[Int32]: Tally] = [:]
  private var prompts: [[Int32]] = []

  /// Scores every answer of the comparisons that fit the context, without normalisation.
  ///
  /// - Parameters:
  ///   - heldOutLabelers: labelers that are not in the training data; they are counted separately.
  ///   - gold: returns the rubric's grades of a comparison's answers, by the comparison's index; nil without a rubric.
  package init(
    _ reward: RewardScorer, _ comparisons: [Tokenized<Comparison>], heldOutLabelers: Set<String> = [],
    gold: (Int) -> [Double]? = { _ in nil }
  ) throws {
    let ranked = ContextFit(reward.model.architecture.context).comparisons(comparisons).kept
    let scores = reward.rawScores(ranked.flatMap(\.sequences.sequences))
    let work = Work("counting pairs", of: ranked.count)
    defer { work.end() }
    var next = 0
    for (index, group) in ranked {
      defer { work.advance() }
      let k = group.ranks.count
      let comparison = comparisons[index].record
      let labeler = comparison.labeler
      let prompt = try reward.model.tokenizer.encode(prompt: comparison.prompt)
      add(
        group, scores: Array(scores[next..<next + k]), to: prompt, gold: gold(index),
        isHeldOut: labeler.map(heldOutLabelers.contains) ?? false)
      next += k
    }
  }

  private mutating func add(
    _ group: RankedSequences, scores: [Float], to prompt: [Int32], gold: [Double]?, isHeldOut: Bool
  ) {
    let ranks = group.ranks
    var pairs = Tally()
    for i in ranks.indices {
      for j in ranks.indices where ranks[i] < ranks[j] {
        let outcome = Outcome(scores[i], against: scores[j])
        if isHeldOut {
          heldOut.add(outcome)
        } else {
          let lead = Double(scores[i]) - Double(scores[j])
          pairs.add(outcome)
          leads += lead
          differences.append(Float(lead))
          if let gold { rubric.add(Outcome(gold[i], against: gold[j])) }
        }
      }
    }
    guard !isHeldOut else { return }
    known.add(pairs)
    answers.append((scores, group.sequences.map { Float($0.count - prompt.count) }))
    if byPrompt[prompt] == nil { prompts.append(prompt) }
    byPrompt[prompt, default: Tally()].add(pairs)
  }

  /// Whether there are no usable comparisons.
  package var isEmpty: Bool { known.count + heldOut.count == 0 }
  package var pairs: Int { Int(known.count) }
  /// Number of prompts to which the pairs belong.
  package var promptCount: Int { prompts.count }

  /// Number of pairs whose answers have the same score.
  package var tiedScores: Int { Int(known.ties) }

  /// The share of pairs whose better answer has the higher score, with equal scores as half, and its 95 % interval over
  /// prompts, because pairs of one prompt share answers and are not independent.
  package var accuracy: Interval { Interval(over: prompts.map { byPrompt[$0]! }) }

  /// Correlation of scores and lengths [tokens, without the prompt] over all answers.
  package var lengthCorrelation: Double? {
    SampleStatistics.correlation(answers.flatMap(\.scores), answers.flatMap(\.lengths))
  }

  /// Correlation of the deviations of scores and lengths from the means over the prompt's answers.
  package var lengthCorrelationWithinPrompts: Double? {
    SampleStatistics.correlationWithinGroups(answers.map { ($0.scores, $0.lengths) })
  }

  /// Mean over pairs of the better answer's score minus the worse answer's.
  package var margin: Double { leads / max(1, known.count) }

  /// - Parameter agreement: agreement between labelers, if it was measured.
  package func figures(agreement: LabelerAgreement? = nil) -> Summary.RewardModel {
    let interval = known.count > 0 ? accuracy : nil
    return Summary.RewardModel(
      accuracy: known.share, accuracyLow: interval?.low, accuracyHigh: interval?.high,
      accuracyHeldOutLabelers: heldOut.share, goldRubricAccuracy: rubric.share,
      labelerAgreement: agreement?.share, pairs: pairs, prompts: promptCount,
      lengthCorrelation: lengthCorrelation, lengthCorrelationWithinPrompts: lengthCorrelationWithinPrompts,
      tiedScores: tiedScores, pairsHeldOutLabelers: Int(heldOut.count),
      labelerAgreementPairs: agreement.flatMap { $0.share == nil ? nil : $0.pairs })
  }

  /// A sentence about the accuracy, for people.
  package var sentence: String {
    func percent(_ share: Double) -> String { Formatting.fixed(100 * share, 1) }
    let accuracy = accuracy
    let ties = tiedScores == 0 ? "" : "; \(tiedScores) with equal scores count as half right"
    return "It is right on \(percent(accuracy.mean)) % of \(pairs) held-out \(pairs == 1 ? "pair" : "pairs") of "
      + "\(promptCount) \(promptCount == 1 ? "prompt" : "prompts") "
      + "(95 % interval over prompts: \(percent(accuracy.low)) to \(percent(accuracy.high))\(ties))."
  }

  package var calibration: [EvaluationDetails.CalibrationBin] {
    Calibration(differences: differences).bins.map {
      .init(predicted: $0.predicted, observed: $0.observed, n: $0.count)
    }
  }
}
