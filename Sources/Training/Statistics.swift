import Support

/// Figures about lists of numbers, summed in float64 in the order given.
public enum Statistics {
  /// Mean, and variance over n − 1; both 0 for an empty list, variance 0 for a single element.
  public static func moments(_ values: some Collection<Float>) -> (mean: Double, variance: Double) {
    guard !values.isEmpty else { return (0, 0) }
    var sum = 0.0
    for value in values { sum += Double(value) }
    let mean = sum / Double(values.count)
    var squares = 0.0
    for value in values { squares += (Double(value) - mean) * (Double(value) - mean) }
    return (mean, values.count > 1 ? squares / Double(values.count - 1) : 0)
  }

  /// How much of the returns the values explain: 1 − Var(R − V)/Var(R). 1 is all, 0 is no more
  /// than a constant does; nil when the returns do not vary.
  public static func explainedVariance(values: [Float], returns: [Float]) -> Double? {
    precondition(values.count == returns.count, "\(values.count) values, \(returns.count) returns")
    let total = moments(returns).variance
    guard total > 0 else { return nil }
    return 1 - moments(zip(returns, values).map { $0 - $1 }).variance / total
  }

  /// Pearson's correlation; nil when either list does not vary.
  public static func correlation(_ x: [Float], _ y: [Float]) -> Double? {
    precondition(x.count == y.count, "\(x.count) against \(y.count) elements")
    let (meanX, meanY) = (moments(x).mean, moments(y).mean)
    var (xx, yy, xy) = (0.0, 0.0, 0.0)
    for (a, b) in zip(x, y) {
      let (dx, dy) = (Double(a) - meanX, Double(b) - meanY)
      xx += dx * dx
      yy += dy * dy
      xy += dx * dy
    }
    guard xx > 0, yy > 0 else { return nil }
    return min(1, max(-1, xy / (xx.squareRoot() * yy.squareRoot())))
  }

  /// Correlation of scores with answers' lengths in tokens: what a reward model that likes long
  /// answers shows.
  public static func lengthCorrelation(scores: [Float], lengths: [Int]) -> Double? {
    correlation(scores, lengths.map { Float($0) })
  }
}

/// A share with its 95 % interval.
public struct Proportion: Codable, Equatable, Sendable {
  public let value: Double
  public let low: Double
  public let high: Double
  public let count: Int

  /// Wilson's score interval, which stays inside 0…1 and means something for small counts:
  ///
  ///     (p + z²/2n ± z·√(p(1 − p)/n + z²/4n²)) / (1 + z²/n),   z = 1.96
  ///
  /// - Parameter successes: may be fractional, where a tie counts half.
  public init(successes: Double, of count: Int) {
    precondition(
      successes >= 0 && successes <= Double(count), "\(successes) successes of \(count)")
    self.count = count
    guard count > 0 else {
      (value, low, high) = (0, 0, 1)
      return
    }
    let n = Double(count)
    let p = successes / n
    let z = 1.959963984540054
    let middle = p + z * z / (2 * n)
    let reach = z * (p * (1 - p) / n + z * z / (4 * n * n)).squareRoot()
    value = p
    low = max(0, (middle - reach) / (1 + z * z / n))
    high = min(1, (middle + reach) / (1 + z * z / n))
  }
}

/// Whether a reward model is as right as it is sure.
///
/// A pair with difference Δ = s_better − s_worse is one prediction: that the favourite is better,
/// with probability σ(|Δ|), which comes true if Δ > 0 (half true if Δ = 0).
public struct Calibration: Codable, Equatable, Sendable {
  public struct Bin: Codable, Equatable, Sendable {
    /// Probabilities from `low` up to `high`.
    public let low: Double
    public let high: Double
    public let count: Int
    /// Mean predicted probability; 0 in an empty bin.
    public let predicted: Double
    /// Share that came true; 0 in an empty bin.
    public let observed: Double
  }

  /// Equally wide, from ½ to 1.
  public let bins: [Bin]
  /// Σ count·|predicted − observed| / Σ count: the expected calibration error.
  public let error: Double

  public init(differences: [Float], bins count: Int = 10) {
    precondition(count > 0, "\(count) bins")
    var sums = [(count: Int, predicted: Double, observed: Double)](
      repeating: (0, 0, 0), count: count)
    for difference in differences {
      let probability = DeterministicMath.sigmoid(abs(Double(difference)))
      let index = min(count - 1, Int((probability - 0.5) * 2 * Double(count)))
      sums[index].count += 1
      sums[index].predicted += probability
      sums[index].observed += difference > 0 ? 1 : difference == 0 ? 0.5 : 0
    }
    bins = sums.enumerated().map { index, sum in
      let n = Double(max(1, sum.count))
      return Bin(
        low: 0.5 + 0.5 * Double(index) / Double(count),
        high: 0.5 + 0.5 * Double(index + 1) / Double(count),
        count: sum.count, predicted: sum.predicted / n, observed: sum.observed / n)
    }
    let weighted = bins.reduce(0.0) { $0 + Double($1.count) * abs($1.predicted - $1.observed) }
    error = differences.isEmpty ? 0 : weighted / Double(differences.count)
  }
}
