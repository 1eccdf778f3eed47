import Support

/// How one answer fared against another on the same prompt.
public enum Outcome: String, Codable, Sendable {
  case win, tie, loss

  /// From two grades of which the higher is better; equal grades tie.
  public init(_ ours: Float, against theirs: Float) {
    self = ours > theirs ? .win : ours < theirs ? .loss : .tie
  }

  /// A tie counts half.
  public var points: Double { self == .win ? 1 : self == .tie ? 0.5 : 0 }
}

/// A mean, or another figure of a sample, with its 95 % interval.
public struct Interval: Codable, Equatable, Sendable {
  public let mean: Double
  public let low: Double
  public let high: Double
}

/// A win rate with ties and its 95 % interval.
public struct WinRate: Codable, Equatable, Sendable {
  /// Wins plus half the ties, over comparisons; each prompt weighs the same.
  public let mean: Double
  public let low: Double
  public let high: Double
  public let tieShare: Double
  public let prompts: Int
  public let comparisons: Int
}

/// Confidence intervals by drawing whole prompts with replacement.
public enum Bootstrap {
  /// The win rate over prompts with one or more paired comparisons each.
  ///
  /// Prompts are drawn, not comparisons: samples of one prompt are not independent of each other.
  /// - Parameter outcomes: for each prompt, its comparisons. Prompts without one are left out.
  public static func winRate(
    _ outcomes: [[Outcome]], resamples: Int = 2_000, seed: UInt64
  ) -> WinRate {
    let kept = outcomes.filter { !$0.isEmpty }
    let means = kept.map { $0.reduce(0) { $0 + $1.points } / Double($0.count) }
    let ties = kept.map { Double($0.count { $0 == .tie }) / Double($0.count) }
    let interval = mean(means, resamples: resamples, seed: seed)
    return WinRate(
      mean: interval.mean, low: interval.low, high: interval.high,
      tieShare: ties.isEmpty ? 0 : ties.reduce(0, +) / Double(ties.count),
      prompts: kept.count, comparisons: kept.reduce(0) { $0 + $1.count })
  }

  /// The mean of one figure a prompt (a difference of two models' is a paired comparison) and the
  /// 2.5 % and 97.5 % quantiles of the means of `resamples` resampled lists. The same seed gives
  /// the same interval; an empty list gives zeros.
  public static func mean(
    _ values: [Double], resamples: Int = 2_000, seed: UInt64
  ) -> Interval {
    ratio(values.map { ($0, 1) }, resamples: resamples, seed: seed)
  }

  /// The sum of what each prompt brings over the sum of what it could have brought, pairs that turned over
  /// pairs for one; the interval as of `mean`. A list or a resample that could have brought nothing gives 0.
  public static func ratio(
    _ parts: [(got: Double, of: Double)], resamples: Int = 2_000, seed: UInt64
  ) -> Interval {
    precondition(resamples > 0, "\(resamples) resamples")
    guard !parts.isEmpty else { return Interval(mean: 0, low: 0, high: 0) }
    func share(_ got: Double, _ of: Double) -> Double { of == 0 ? 0 : got / of }
    var stream = RandomStream(seed: seed, purpose: "statistics/bootstrap")
    let work = Work("drawing resamples", of: resamples)
    defer { work.end() }
    let ratios: [Double] = (0..<resamples).map { _ in
      defer { work.advance() }
      var (got, of) = (0.0, 0.0)
      for _ in parts.indices {
        let part = parts[stream.below(parts.count)]
        got += part.got
        of += part.of
      }
      return share(got, of)
    }
    return interval(
      share(parts.reduce(0) { $0 + $1.got }, parts.reduce(0) { $0 + $1.of }), ratios)
  }

  /// As `ratio`, of a share: where drawing prompts shows no spread, since all prompts have the same share (0
  /// and 1 among them) or there is one prompt alone, the interval is Wilson's with n the number of prompts,
  /// which means something there, too.
  /// - Parameter parts: those of what could have been brought that are brought, prompt by prompt.
  public static func share(
    _ parts: [(got: Double, of: Double)], resamples: Int = 2_000, seed: UInt64
  ) -> Interval {
    let counted = parts.filter { $0.of > 0 }
    let interval = ratio(counted, resamples: resamples, seed: seed)
    guard interval.low == interval.high else { return interval }
    let n = Double(counted.count)
    let wilson = Proportion(successes: min(n, interval.mean * n), of: counted.count)
    return Interval(mean: interval.mean, low: wilson.low, high: wilson.high)
  }

  /// A figure of the sample with the 2.5 % and 97.5 % quantiles of the same figure of its resamples.
  static func interval(_ figure: Double, _ resampled: [Double]) -> Interval {
    let sorted = resampled.sorted()
    return Interval(mean: figure, low: quantile(sorted, 0.025), high: quantile(sorted, 0.975))
  }

  /// Linear between neighbours of a sorted, non-empty list.
  static func quantile(_ sorted: [Double], _ fraction: Double) -> Double {
    let place = fraction * Double(sorted.count - 1)
    let below = Int(place)
    let above = min(below + 1, sorted.count - 1)
    return sorted[below] + (place - Double(below)) * (sorted[above] - sorted[below])
  }
}
