import Support

/// One of three estimators of a token's KL.
public enum KLEstimator: String, CaseIterable, Sendable {
  case k1, k2, k3

  /// The estimate for δ = log π − log π_ref, in nats.
  func callAsFunction(_ difference: Double) -> Double {
    switch self {
    case .k1: difference
    case .k2: 0.5 * difference * difference
    case .k3: DeterministicMath.expRemainder(-difference)
    }
  }
}

/// Running sums, in token order, of three estimates of KL(π ‖ π_ref) from tokens sampled from π
/// (Schulman 2020, "Approximating KL divergence").
///
///     δ = log π − log π_ref:   k1 = δ,   k2 = δ²/2,   k3 = e^(−δ) − 1 + δ
public struct KLEstimates: Equatable, Sendable {
  public private(set) var k1 = 0.0
  public private(set) var k2 = 0.0
  public private(set) var k3 = 0.0
  public private(set) var tokens = 0

  public init() {}

  /// The sum of one estimator.
  public subscript(estimator: KLEstimator) -> Double {
    switch estimator {
    case .k1: k1
    case .k2: k2
    case .k3: k3
    }
  }

  public mutating func add(logprob: Float, reference: Float) {
    let difference = Double(logprob) - Double(reference)
    k1 += KLEstimator.k1(difference)
    k2 += KLEstimator.k2(difference)
    k3 += KLEstimator.k3(difference)
    tokens += 1
  }

  /// Adds each token of two equally long arrays.
  public mutating func add(logprobs: [Float], reference: [Float]) {
    precondition(
      logprobs.count == reference.count, "\(logprobs.count) against \(reference.count) tokens")
    for (logprob, reference) in zip(logprobs, reference) {
      add(logprob: logprob, reference: reference)
    }
  }
}
