import Support

/// Confidence intervals for a few independent values, such as one per seed, with Student's t.
public enum Student {
  /// The mean of a few values and its 95 % interval: mean ± t·√(variance/n) with n − 1 degrees of
  /// freedom. Nil for fewer than two values, because their variance is unknown.
  public static func mean(_ values: [Double]) -> Interval? {
    guard values.count > 1 else { return nil }
    let n = Double(values.count)
    let mean = values.reduce(0, +) / n
    let squares = values.reduce(0) { $0 + ($1 - mean) * ($1 - mean) }
    let reach = quantile(values.count - 1) * (squares / (n - 1) / n).squareRoot()
    return Interval(mean: mean, low: mean - reach, high: mean + reach)
  }

  /// The increase of y when the size doubles: the slope of the least-squares line of y
  /// against log₂ of the sizes, with its 95 % interval at n − 2 degrees of freedom.
  ///
  /// Nil for fewer than three points or for a single size.
  public static func slopePerDoubling(sizes: [Double], y: [Double]) -> Interval? {
    precondition(sizes.count == y.count, "\(sizes.count) sizes, \(y.count) figures")
    precondition(sizes.allSatisfy { $0 > 0 }, "sizes \(sizes)")
    guard y.count > 2 else { return nil }
    let x = sizes.map { DeterministicMath.log($0) / DeterministicMath.log(2) }
    let n = Double(x.count)
    let (middleX, middleY) = (x.reduce(0, +) / n, y.reduce(0, +) / n)
    var (xx, xy) = (0.0, 0.0)
    for (a, b) in zip(x, y) {
      xx += (a - middleX) * (a - middleX)
      xy += (a - middleX) * (b - middleY)
    }
    guard xx > 0 else { return nil }
    let slope = xy / xx
    let left = zip(x, y).reduce(0) { sum, point in
      let difference = point.1 - middleY - slope * (point.0 - middleX)
      return sum + difference * difference
    }
    let reach = quantile(x.count - 2) * (left / (n - 2) / xx).squareRoot()
    return Interval(mean: slope, low: slope - reach, high: slope + reach)
  }

  /// The 97.5 % quantile of Student's t, exact to 1e-6.
  static func quantile(_ degrees: Int) -> Double {
    precondition(degrees > 0, "\(degrees) degrees of freedom")
    guard degrees > quantiles.count else { return quantiles[degrees - 1] }
    // Abramowitz and Stegun 26.7.5: an expansion about the normal quantile.
    let z = 1.959963984540054
    let (z2, v) = (z * z, Double(degrees))
    let first = (z2 + 1) * z / 4
    let second = ((5 * z2 + 16) * z2 + 3) * z / 96
    let third = (((3 * z2 + 19) * z2 + 17) * z2 - 15) * z / 384
    return z + first / v + second / (v * v) + third / (v * v * v)
  }

  /// Quantiles for 1…30 degrees of freedom.
  private static let quantiles = [
    12.706204736, 4.302652730, 3.182446305, 2.776445105, 2.570581836, 2.446911851, 2.364624252,
    2.306004135, 2.262157163, 2.228138852, 2.200985160, 2.178812830, 2.160368656, 2.144786688,
    2.131449546, 2.119905299, 2.109815578, 2.100922040, 2.093024054, 2.085963447, 2.079613845,
    2.073873068, 2.068657610, 2.063898562, 2.059538553, 2.055529439, 2.051830516, 2.048407142,
    2.045229642, 2.042272456,
  ]
}
