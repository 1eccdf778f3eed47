import Support

/// PPO's clipped policy loss, token by token (Schulman et al. 2017, eq. 7).
///
///     ratio = exp(logprob − oldLogprob)                                   π_θ / π_old
///     loss  = w · max(−A·ratio, −A·clip(ratio, 1 − ε, 1 + ε))
///
/// The minibatch's loss is the sum over tokens divided by `tokens`, the token count of the whole minibatch.
/// Tokens are added in global order, so the split into micro-batches does not change a bit:
///
///     var loss = PPOPolicyLoss(clipRange: 0.2, tokens: minibatchTokens)
///     for t in 0..<T { dLogprob[t] = loss.add(logprob: …, oldLogprob: …, advantage: …) }
public struct PPOPolicyLoss: Sendable {
  public let clipRange: Double
  public let tokens: Int
  public private(set) var sums = Sums()

  public init(clipRange: Double = 0.2, tokens: Int) {
    precondition(clipRange > 0 && tokens > 0, "clip range \(clipRange), \(tokens) tokens")
    self.clipRange = clipRange
    self.tokens = tokens
  }

  /// Adds one token and returns ∂(minibatch loss)/∂logprob.
  /// - Parameters:
  ///   - logprob: log π_θ of the token, nats, float32 path.
  ///   - oldLogprob: log π_old: the same before this iteration's first update, by the same path.
  ///   - advantage: A, whitened.
  ///   - weight: w, the detached importance weight; 1 for float32 rollouts.
  ///   - entropy: entropy of π_θ at this token, nats; only logged.
  public mutating func add(
    logprob: Float, oldLogprob: Float, advantage: Float, weight: Float = 1, entropy: Float = 0
  ) -> Float {
    let (A, w) = (Double(advantage), Double(weight))
    let difference = Double(logprob) - Double(oldLogprob)
    let ratio = DeterministicMath.exp(difference)
    let unclipped = -A * ratio
    let clipped = -A * min(max(ratio, 1 - clipRange), 1 + clipRange)
    sums.count += 1
    sums.loss += w * max(unclipped, clipped)
    sums.clipped += clipped > unclipped ? 1 : 0
    sums.squaredDifference += difference * difference
    sums.ratioDeviation += ratio - 1
    sums.ratioSquare += (ratio - 1) * (ratio - 1)
    sums.largestRatio = max(sums.largestRatio, ratio)
    sums.entropy += Double(entropy)
    // If the clipped branch is larger, the clip is active and the gradient is 0.
    return clipped > unclipped ? 0 : Float(w * unclipped / Double(tokens))
  }

  /// The minibatch's loss so far: Σ/tokens.
  public var loss: Double { sums.loss / Double(tokens) }

  /// Sums over tokens in float64. The sums of several minibatches add up to those of an iteration.
  public struct Sums: Equatable, Sendable {
    public internal(set) var count = 0
    var loss = 0.0
    var clipped = 0
    var squaredDifference = 0.0
    var ratioDeviation = 0.0
    var ratioSquare = 0.0
    var entropy = 0.0
    /// The largest ratio of any token; an exploding update shows here.
    public internal(set) var largestRatio = 0.0

    public init() {}

    public static func += (left: inout Sums, right: Sums) {
      left.count += right.count
      left.loss += right.loss
      left.clipped += right.clipped
      left.squaredDifference += right.squaredDifference
      left.ratioDeviation += right.ratioDeviation
      left.ratioSquare += right.ratioSquare
      left.entropy += right.entropy
      left.largestRatio = max(left.largestRatio, right.largestRatio)
    }

    private func mean(_ sum: Double) -> Double { count == 0 ? 0 : sum / Double(count) }

    /// Mean of π_θ / π_old over tokens.
    public var ratioMean: Double { 1 + mean(ratioDeviation) }
    /// Variance of π_θ / π_old over tokens.
    public var ratioVariance: Double {
      max(0, mean(ratioSquare) - mean(ratioDeviation) * mean(ratioDeviation))
    }
    /// ½·mean (logprob − oldLogprob)², nats.
    public var approximateKL: Double { 0.5 * mean(squaredDifference) }
    /// Share of tokens at which the clip is active.
    public var clipFraction: Double { mean(Double(clipped)) }
    public var meanLoss: Double { mean(loss) }
    public var meanEntropy: Double { mean(entropy) }

    /// Means over the tokens.
    public var metrics: [Metric: Double] {
      [
        Metric("loss/policy_avg", better: .lower): meanLoss, Self.stepSize: approximateKL, Self.clipped: clipFraction,
        Metric("policy/entropy_avg", unit: "nats"): meanEntropy, Metric("val/ratio"): ratioMean,
        Metric("val/ratio_var"): ratioVariance, Metric("policy/ratio_max"): largestRatio,
      ]
    }

    private static let clipped = Metric(
      "policy/clipfrac_avg", unit: "share of tokens",
      chart: .init(
        "Clip fraction", axis: "share of tokens past the clip range", place: 70, line: "clipped", colour: "ppo",
        isPercent: true, includes: [0]))
    private static let stepSize = Metric(
      "policy/approxkl_avg", unit: "nats per token",
      chart: .init(
        "Step size", axis: "approximate KL of one update, nats per token", place: 80, line: "approximate KL",
        colour: "ppo", includes: [0]))
  }
}
