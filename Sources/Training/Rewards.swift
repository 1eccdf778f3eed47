/// From scores of whole answers to one reward a token.
public enum Rewards {
  /// Which token of an answer carries its score.
  public enum Placement: Equatable, Sendable {
    /// The last token of the answer, the end-of-text token itself.
    case lastToken
    /// One past it, unless the answer has `maximumLength` tokens already: what TRL does. For
    /// parity tests only; such an answer is then one reward (and one value) longer.
    case onePastEnd(maximumLength: Int)
  }

  /// What becomes of the score of an answer that did not end by itself.
  public enum MissingEnd: Equatable, Sendable {
    case keep
    case set(Float)
    case subtract(Float)
  }

  /// Clips normalised scores to ±`clip`, then penalises answers without an end token.
  /// - Parameters:
  ///   - scores: one a sequence.
  ///   - ended: whether the sequence's answer has its end token.
  public static func score(
    _ scores: [Float], ended: [Bool], missingEnd: MissingEnd, clip: Float? = nil
  ) -> [Float] {
    precondition(
      scores.count == ended.count, "\(scores.count) scores, \(ended.count) answers")
    return zip(scores, ended).map { score, ended in
      let clipped = clip.map { min(max(score, -$0), $0) } ?? score
      switch missingEnd {
      case .set(let penalty) where !ended: return penalty
      case .subtract(let penalty) where !ended: return clipped - penalty
      default: return clipped
      }
    }
  }

  /// One reward a token, over ragged answers laid end to end.
  ///
  ///     r_t = −β·k(log π(y_t) − log π_ref(y_t)) + [t is where the score stands]·score
  ///
  /// - Parameters:
  ///   - logprobs: log π of each token of the answers, float32 path, [Σ lengths].
  ///   - reference: log π_ref, [Σ lengths].
  ///   - lengths: tokens in each answer, end token included, each ≥ 1.
  ///   - scores: one an answer.
  ///   - estimator: k; k1 is the difference itself.
  /// - Returns: rewards and how many each answer has: `lengths` itself unless `placement` is
  ///   `.onePastEnd`.
  public static func perToken(
    logprobs: [Float], reference: [Float], lengths: [Int], scores: [Float],
    klCoefficient: Double, estimator: KLEstimator = .k1, placement: Placement = .lastToken
  ) -> (rewards: [Float], lengths: [Int]) {
    let tokens = lengths.reduce(0, +)
    precondition(
      logprobs.count == tokens && reference.count == tokens,
      "\(tokens) tokens, \(logprobs.count) logprobs, \(reference.count) of the reference")
    precondition(lengths.count == scores.count, "\(lengths.count) answers, \(scores.count) scores")
    var rewards: [Float] = []
    rewards.reserveCapacity(tokens + lengths.count)
    var rewardLengths = lengths
    var start = 0
    for (index, length) in lengths.enumerated() {
      precondition(length >= 1, "answer \(index) has \(length) tokens")
      for t in start..<start + length {
        let penalty = -klCoefficient * estimator(Double(logprobs[t]) - Double(reference[t]))
        let last = t == start + length - 1 && !isPast(length, placement)
        rewards.append(Float(last ? penalty + Double(scores[index]) : penalty))
      }
      if isPast(length, placement) {
        rewards.append(scores[index])
        rewardLengths[index] += 1
      }
      start += length
    }
    return (rewards, rewardLengths)
  }

  private static func isPast(_ length: Int, _ placement: Placement) -> Bool {
    if case .onePastEnd(let maximum) = placement { return length < maximum }
    return false
  }

  /// Divides by the standard deviation, keeps the mean: see `Advantages.whitened`.
  public static func whitened(_ rewards: [Float]) -> [Float] {
    Advantages.whitened(rewards, shiftMean: false)
  }
}
