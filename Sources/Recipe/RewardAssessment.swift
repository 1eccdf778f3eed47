import Datasets
import Runs
import Support
import Training

/// A reward model on comparisons that it has not seen.
package struct RewardAssessment {
  /// Pairs of unequal rank, by labelers whom training knows, and by others.
  private var known = Tally()
  private var heldOut = Tally()
  /// The rubric's own opinion of the known labelers' pairs.
  private var rubric = Tally()
  private var differences: [Float] = []
  /// Of the known labelers' prompts: the scores of the answers, and their lengths in tokens.
  private var answers: [(scores: [Float], lengths: [Float])] = []
  /// Right pairs and all pairs of each prompt, of the known labelers. A prompt may have several lines.
  private var byPrompt: [[Int32]: Tally] = [:]
  private var prompts: [[Int32]] = []

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

    mutating func add(_ other: Tally) {
      right += other.right
      pairs += other.pairs
      sum += other.sum
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
        let difference = Double(scores[i]) - Double(scores[j])
        if isHeldOut {
          heldOut.add(difference)
        } else {
          known.add(difference)
          pairs.add(difference)
          differences.append(Float(difference))
          if let gold { rubric.add(gold[i] - gold[j]) }
        }
      }
    }
    guard !isHeldOut else { return }
    answers.append((scores, group.sequences.map { Float($0.count - prompt.count) }))
    if byPrompt[prompt] == nil { prompts.append(prompt) }
    byPrompt[prompt, default: Tally()].add(pairs)
  }

  /// Whether no comparison could be used.
  package var isEmpty: Bool { known.pairs + heldOut.pairs == 0 }
  package var pairs: Int { known.pairs }
  /// Prompts that the pairs belong to.
  package var promptCount: Int { prompts.count }

  /// The share of pairs whose better answer scores higher, ties of the scores half, and its 95 % interval over
  /// prompts: pairs of one prompt share answers and are not independent of each other.
  package func accuracy(seed: UInt64) -> Interval {
    Bootstrap.share(
      prompts.map { byPrompt[$0]! }.map { (got: $0.right, of: Double($0.pairs)) }, seed: seed)
  }

  /// Correlation of scores and lengths in tokens over all answers, the prompt not counted.
  package var lengthCorrelation: Double? {
    Statistics.correlation(answers.flatMap(\.scores), answers.flatMap(\.lengths))
  }

  /// The same of deviations from the mean of the prompt's answers.
  package var lengthCorrelationWithinPrompts: Double? {
    Statistics.correlationWithinGroups(answers.map { ($0.scores, $0.lengths) })
  }

  /// Mean difference of the scores of a better and a worse answer.
  package var margin: Double { known.sum / Double(max(1, known.pairs)) }

  /// - Parameters:
  ///   - agreement: of labelers with each other.
  ///   - seed: of the interval's resamples.
  package func figures(agreement: Double?, seed: UInt64 = 0) -> Summary.RewardModel {
    let interval = known.pairs > 0 ? accuracy(seed: seed) : nil
    return Summary.RewardModel(
      accuracy: known.value, accuracyLow: interval?.low, accuracyHigh: interval?.high,
      accuracyHeldOutLabelers: heldOut.value, goldRubricAccuracy: rubric.value, labelerAgreement: agreement,
      pairs: known.pairs, prompts: promptCount, lengthCorrelation: lengthCorrelation,
      lengthCorrelationWithinPrompts: lengthCorrelationWithinPrompts)
  }

  /// What a person reads of the accuracy.
  package func sentence(seed: UInt64) -> String {
    func percent(_ share: Double) -> String { Formatting.fixed(100 * share, 1) }
    let accuracy = accuracy(seed: seed)
    return "It is right on \(percent(accuracy.mean)) % of \(pairs) held-out pairs of \(promptCount) prompts "
      + "(95 % interval over prompts: \(percent(accuracy.low)) to \(percent(accuracy.high)))."
  }

  package var calibration: [EvaluationDetails.CalibrationBin] {
    Calibration(differences: differences).bins.map {
      .init(predicted: $0.predicted, observed: $0.observed, n: $0.count)
    }
  }
}
