import Statistics

/// Computes the advantage of each token from the rewards of answers.
public protocol AdvantageEstimator: Sendable {
  /// Whether it uses values; if not, no value model is needed.
  var needsValues: Bool { get }

  /// - Parameters:
  ///   - rewards: one per token, answers concatenated.
  ///   - episodes: the answers, their values if needed, and their groups by prompt.
  /// - Returns: advantages, and the returns that the value model learns to predict; one of each per token.
  func estimate(rewards: [Float], of episodes: Episodes) -> (advantages: [Float], returns: [Float])
}

/// Generalised advantage estimation (Schulman et al. 2016) against a value model.
public struct GeneralizedAdvantages: AdvantageEstimator {
  public let gamma: Double
  public let lambda: Double
  public let needsValues = true

  public init(gamma: Double, lambda: Double) {
    self.gamma = gamma
    self.lambda = lambda
  }

  public func estimate(rewards: [Float], of episodes: Episodes) -> (advantages: [Float], returns: [Float]) {
    Advantages.generalized(
      rewards: rewards, values: episodes.values, lengths: episodes.lengths, gamma: gamma, lambda: lambda)
  }
}

/// Generalised advantage estimation for answers of different lengths, and whitening.
public enum Advantages {
  /// Advantages and returns of every token (Schulman et al. 2016).
  ///
  ///     δ_t = r_t + γ·V_{t+1} − V_t,   A_t = δ_t + γλ·A_{t+1},   R_t = A_t + V_t
  ///
  /// V and A are 0 past the end of an answer: a bandit's episode ends there.
  /// - Parameters:
  ///   - rewards: one per token, answers concatenated, [Σ lengths].
  ///   - values: the value model's outputs before any update, [Σ lengths].
  ///   - lengths: tokens in each answer.
  public static func generalized(
    rewards: [Float], values: [Float], lengths: [Int], gamma: Double = 1, lambda: Double = 0.95
  ) -> (advantages: [Float], returns: [Float]) {
    let tokens = lengths.reduce(0, +)
    precondition(
      rewards.count == tokens && values.count == tokens,
      "\(tokens) tokens, \(rewards.count) rewards, \(values.count) values")
    var advantages = [Float](repeating: 0, count: tokens)
    var returns = advantages
    var end = 0
    for length in lengths {
      let start = end
      end += length
      var nextValue = 0.0
      var advantage = 0.0
      for t in stride(from: end - 1, through: start, by: -1) {
        let value = Double(values[t])
        let delta = Double(rewards[t]) + gamma * nextValue - value
        advantage = delta + gamma * lambda * advantage
        advantages[t] = Float(advantage)
        returns[t] = Float(advantage + value)
        nextValue = value
      }
    }
    return (advantages, returns)
  }

  /// The values scaled to variance 1 over all given tokens, and shifted to mean 0 if `shiftMean`.
  ///
  ///     (x − mean)/√(variance + ε)  [+ mean],   variance over n − 1, ε = 1e-8
  public static func whitened(
    _ values: [Float], shiftMean: Bool = true, epsilon: Double = 1e-8
  ) -> [Float] {
    let moments = SampleStatistics.moments(values)
    let scale = 1 / (moments.variance + epsilon).squareRoot()
    let shift = shiftMean ? 0 : moments.mean
    return values.map { Float((Double($0) - moments.mean) * scale + shift) }
  }
}
