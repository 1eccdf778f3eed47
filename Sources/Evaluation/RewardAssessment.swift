import Dialogues
import Inference
import Models
import Runs
import Statistics
import Support
import Training

/// A reward model on comparisons that it has not seen.
package struct RewardAssessment {
  /// Pairs of unequal rank, by labelers whom training knows, and by others.
  private var known = Tally()
  private var heldOut = Tally()
  /// Of the known labelers' pairs, the scores of the better answers less those of the worse.
  private var leads = 0.0
  /// The rubric's own opinion of the known labelers' pairs.
  private var rubric = Tally()
  private var differences: [Float] = []
  /// Of the known labelers' prompts: the scores of the answers, and their lengths in tokens.
  private var answers: [(scores: [Float], lengths: [Float])] = []
  /// Pairs of each prompt that are right, tied and wrong, of the known labelers. A prompt may have several lines.
  private var byPrompt: [[Int32]: Tally] = [:]
  private var prompts: [[Int32]] = []

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
    let encoder = RecordEncoder(reward.model.tokenizer, context: reward.model.architecture.context)
    let ranked = try encoder.ranked(comparisons).kept
    let scores = reward.rawScores(ranked.flatMap(\.sequences.sequences))
    let work = Work("counting pairs", of: ranked.count)
    defer { work.end() }
    var next = 0
    for (index, group) in ranked {
      defer { work.advance() }
      let k = group.ranks.count
      let labeler = comparisons[index].labeler
      let prompt = try reward.model.tokenizer.encode(prompt: comparisons[index].prompt)
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

  /// Whether no comparison could be used.
  package var isEmpty: Bool { known.count + heldOut.count == 0 }
  package var pairs: Int { Int(known.count) }
  /// Prompts that the pairs belong to.
  package var promptCount: Int { prompts.count }

  /// Pairs whose answers score the same.
  package var tiedScores: Int { Int(known.ties) }

  /// The share of pairs whose better answer scores higher, ties of the scores half, and its 95 % interval over
  /// prompts: pairs of one prompt share answers and are not independent of each other.
  package var accuracy: Interval { Interval(over: prompts.map { byPrompt[$0]! }) }

  /// Correlation of scores and lengths in tokens over all answers, the prompt not counted.
  package var lengthCorrelation: Double? {
    Statistics.correlation(answers.flatMap(\.scores), answers.flatMap(\.lengths))
  }

  /// The same of deviations from the mean of the prompt's answers.
  package var lengthCorrelationWithinPrompts: Double? {
    Statistics.correlationWithinGroups(answers.map { ($0.scores, $0.lengths) })
  }

  /// Mean difference of the scores of a better and a worse answer.
  package var margin: Double { leads / max(1, known.count) }

  /// - Parameter agreement: of labelers with each other, where it was looked for.
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

  /// What a person reads of the accuracy.
  package var sentence: String {
    func percent(_ share: Double) -> String { Formatting.fixed(100 * share, 1) }
    let accuracy = accuracy
    let ties = tiedScores == 0 ? "" : "; equal scores, \(tiedScores) of them, count half"
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
