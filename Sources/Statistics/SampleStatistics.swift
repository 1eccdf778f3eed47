/// Statistics of lists of numbers. Sums are in float64, in the given order.
public enum SampleStatistics {
  /// Mean, and variance with the denominator n − 1. Both are 0 for an empty list; the variance of one element is 0.
  @inlinable public static func moments(_ values: some Collection<Float>) -> (mean: Double, variance: Double) {
    guard !values.isEmpty else { return (0, 0) }
    var sum = 0.0
    for value in values { sum += Double(value) }
    let mean = sum / Double(values.count)
    var squares = 0.0
    for value in values { squares += (Double(value) - mean) * (Double(value) - mean) }
    return (mean, values.count > 1 ? squares / Double(values.count - 1) : 0)
  }

  /// The share of the returns' variance that the values explain: 1 − Var(R − V)/Var(R). It is 1 for perfect values and
  /// 0 for a constant; nil if the returns do not vary.
  public static func explainedVariance(values: [Float], returns: [Float]) -> Double? {
    precondition(values.count == returns.count, "\(values.count) values, \(returns.count) returns")
    let total = moments(returns).variance
    guard total > 0 else { return nil }
    return 1 - moments(zip(returns, values).map { $0 - $1 }).variance / total
  }

  /// Σ w·x / Σ w; 0 if the weights sum to 0.
  public static func mean(_ values: [Double], weights: [Double]) -> Double {
    precondition(values.count == weights.count, "\(values.count) values, \(weights.count) weights")
    let whole = weights.reduce(0, +)
    return whole > 0 ? zip(values, weights).reduce(0) { $0 + $1.0 * $1.1 } / whole : 0
  }

  /// Pearson's correlation of the deviations from each group's mean, pooled over the groups. It ignores differences
  /// between groups (a group is the answers to one prompt). Nil if x or y does not vary within the groups.
  public static func correlationWithinGroups(_ groups: [(x: [Float], y: [Float])]) -> Double? {
    var (x, y): ([Float], [Float]) = ([], [])
    for group in groups {
      let (meanX, meanY) = (moments(group.x).mean, moments(group.y).mean)
      x += group.x.map { Float(Double($0) - meanX) }
      y += group.y.map { Float(Double($0) - meanY) }
    }
    return correlation(x, y)
  }

  /// Pearson's correlation; nil if one of the lists does not vary.
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

  /// Correlation of scores with the lengths of answers in tokens. It is positive for a reward model that prefers long
  /// answers.
  public static func lengthCorrelation(scores: [Float], lengths: [Int]) -> Double? {
    correlation(scores, lengths.map { Float($0) })
  }
}

extension [Double] {
  /// The mean; nil for an empty list.
  public var mean: Double? { isEmpty ? nil : reduce(0, +) / Double(count) }
}
