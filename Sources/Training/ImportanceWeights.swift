import Support

/// Corrects rollouts that are sampled in int8 but trained on in float32, and measures how much
/// the two differ.
///
///     w = min(ρ, C),   ρ = exp(log π_old^f32 − log π^int8)
///
/// With float32 rollouts every weight is exactly 1.
public struct ImportanceWeights: Equatable, Sendable {
  /// C, the largest weight.
  public let cap: Double

  public private(set) var tokens = 0
  private var deviationSum = 0.0
  private var squareSum = 0.0
  private var k3Sum = 0.0
  private var clipped = 0
  /// `rollout/is_max`: the largest ρ.
  public private(set) var maximum = 0.0

  public init(cap: Double = 2) {
    precondition(cap > 0, "cap \(cap)")
    self.cap = cap
  }

  /// Returns the weight of one token. It is a constant in the loss: no gradient flows through it.
  /// - Parameters:
  ///   - float32: log π of the sampled token, computed by the trainer.
  ///   - sampled: log π of the same token, computed by the sampler.
  public mutating func add(float32: Float, sampled: Float) -> Float {
    let difference = Double(float32) - Double(sampled)
    let ratio = DeterministicMath.exp(difference)
    tokens += 1
    deviationSum += ratio - 1
    squareSum += (ratio - 1) * (ratio - 1)
    k3Sum += DeterministicMath.expRemainder(difference)
    maximum = max(maximum, ratio)
    if ratio > cap { clipped += 1 }
    return Float(min(ratio, cap))
  }

  /// Returns one weight per token.
  public mutating func add(float32: [Float], sampled: [Float]) -> [Float] {
    precondition(
      float32.count == sampled.count, "\(float32.count) against \(sampled.count) tokens")
    return zip(float32, sampled).map { add(float32: $0, sampled: $1) }
  }

  /// One weight per answer: min(Π ρ, C) over its tokens. Averages of int8 samples with these weights estimate
  /// the float32 policy's averages.
  /// - Parameter lengths: tokens of each answer; answers are concatenated.
  public static func ofAnswers(
    float32: [Float], sampled: [Float], lengths: [Int], cap: Double
  ) -> [Double] {
    var start = 0
    return lengths.map { length in
      defer { start += length }
      let difference = (start..<start + length).reduce(0) {
        $0 + Double(float32[$1]) - Double(sampled[$1])
      }
      return min(DeterministicMath.exp(difference), cap)
    }
  }

  private func mean(_ sum: Double) -> Double { tokens == 0 ? 0 : sum / Double(tokens) }

  /// `rollout/is_mean`: the mean ρ before capping.
  public var mean: Double { 1 + mean(deviationSum) }
  /// `rollout/is_var`: the variance of ρ over tokens.
  public var variance: Double {
    max(0, mean(squareSum) - mean(deviationSum) * mean(deviationSum))
  }
  /// `rollout/clipped_frac`: share of tokens with ρ > C.
  public var clippedFraction: Double { mean(Double(clipped)) }
  /// `rollout/k3`: KL(int8 ‖ float32), nats per token.
  public var k3: Double { mean(k3Sum) }

  /// `rollout/ess`: the effective sample size as a share of the tokens, (Σρ)² / (n·Σρ²).
  public var effectiveShare: Double { tokens == 0 ? 1 : mean * mean / (mean * mean + variance) }

  public static let meanWeight = Metric(
    "rollout/is_mean",
    chart: .init(
      "int8 against float32: mean weight", axis: "importance weight of the rollouts", place: 90, line: "mean weight",
      reference: .init(value: 1, name: "no gap")))
  public static let largestWeight = Metric("rollout/is_max", better: .lower)
  public static let weightVariance = Metric("rollout/is_var", better: .lower)
  public static let clippedShare = Metric("rollout/clipped_frac", unit: "share of tokens", better: .lower)
  public static let gap = Metric(
    "rollout/k3", unit: "nats per token", better: .lower,
    chart: .init("int8 against float32: k3", place: 100, line: "k3", includes: [0]))
  public static let effectiveSampleShare = Metric("rollout/ess", unit: "share of tokens", better: .higher)

  public var metrics: [Metric: Double] {
    [
      Self.meanWeight: mean, Self.largestWeight: maximum, Self.weightVariance: variance,
      Self.clippedShare: clippedFraction, Self.gap: k3, Self.effectiveSampleShare: effectiveShare,
    ]
  }
}
