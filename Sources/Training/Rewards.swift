/// Turns scores of whole answers into one reward per token.
public enum Rewards {
  /// How the score of an answer without an end token changes.
  public enum MissingEnd: Equatable, Sendable {
    case keep
    case set(Float)
    case subtract(Float)
  }

  /// Clips normalised scores to ±`clip`, then penalises answers without an end token.
  /// - Parameters:
  ///   - scores: one per answer.
  ///   - ended: whether each answer has its end token.
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

  /// Returns one reward per token. Answers of different lengths are concatenated.
  ///
  ///     r_t = −β·k(log π(y_t) − log π_ref(y_t)) + [t is the answer's last token]·score
  ///
  /// - Parameters:
  ///   - logprobs: log π of each token of the answers, float32 path, [Σ lengths].
  ///   - reference: log π_ref, [Σ lengths].
  ///   - lengths: tokens in each answer, including the end token; each ≥ 1.
  ///   - scores: one per answer.
  ///   - estimator: k; k1 is the difference itself.
  /// - Returns: [Σ lengths]
  public static func perToken(
    logprobs: [Float], reference: [Float], lengths: [Int], scores: [Float],
    klCoefficient: Double, estimator: KLEstimator = .k1
  ) -> [Float] {
    let tokens = lengths.reduce(0, +)
    precondition(
      logprobs.count == tokens && reference.count == tokens,
      "\(tokens) tokens, \(logprobs.count) logprobs, \(reference.count) reference logprobs")
    precondition(lengths.count == scores.count, "\(lengths.count) answers, \(scores.count) scores")
    var rewards: [Float] = []
    rewards.reserveCapacity(tokens)
    for (index, length) in lengths.enumerated() {
      precondition(length >= 1, "answer \(index) has \(length) tokens")
      let end = rewards.count + length
      for t in rewards.count..<end {
        let penalty = -klCoefficient * estimator(Double(logprobs[t]) - Double(reference[t]))
        rewards.append(Float(t == end - 1 ? penalty + Double(scores[index]) : penalty))
      }
    }
    return rewards
  }

  /// Divides by the standard deviation and keeps the mean; see `Advantages.whitened`.
  public static func whitened(_ rewards: [Float]) -> [Float] {
    Advantages.whitened(rewards, shiftMean: false)
  }
}
