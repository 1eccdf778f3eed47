import Support

/// A mean, or another statistic of a sample, with its 95 % confidence interval.
public struct Interval: Codable, Equatable, Sendable {
  public let mean: Double
  public let low: Double
  public let high: Double
}

/// Bootstrap confidence intervals that resample whole prompts with replacement.
public enum Bootstrap {
  /// The mean of `values`, and the 2.5 % and 97.5 % quantiles of the means of `resamples` resampled lists. Give one
  /// value per prompt; for a paired comparison of two models, give their difference. The same seed gives the same
  /// interval. An empty list gives zeros.
  public static func mean(
    _ values: [Double], resamples: Int = 2_000, seed: UInt64
  ) -> Interval {
    precondition(resamples > 0, "\(resamples) resamples")
    guard let mean = values.mean else { return Interval(mean: 0, low: 0, high: 0) }
    var stream = RandomStream(seed: seed, purpose: "statistics/bootstrap")
    let work = Work("drawing resamples", of: resamples)
    defer { work.end() }
    let means: [Double] = (0..<resamples).map { _ in
      defer { work.advance() }
      return values.reduce(0) { sum, _ in sum + values[stream.below(values.count)] } / Double(values.count)
    }
    return interval(mean, means)
  }

  /// A statistic of the sample, with the 2.5 % and 97.5 % quantiles of the same statistic of the resamples.
  static func interval(_ figure: Double, _ resampled: [Double]) -> Interval {
    let sorted = resampled.sorted()
    return Interval(mean: figure, low: quantile(sorted, 0.025), high: quantile(sorted, 0.975))
  }

  /// A quantile of a sorted, non-empty list, with linear interpolation between neighbours.
  static func quantile(_ sorted: [Double], _ fraction: Double) -> Double {
    let place = fraction * Double(sorted.count - 1)
    let below = Int(place)
    let above = min(below + 1, sorted.count - 1)
    return sorted[below] + (place - Double(below)) * (sorted[above] - sorted[below])
  }
}
