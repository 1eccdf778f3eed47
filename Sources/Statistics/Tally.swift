/// How many comparisons were won, tied and lost. Fractions are allowed.
public struct Tally: Equatable, Sendable {
  public var wins: Double
  public var ties: Double
  public var losses: Double

  public init(wins: Double = 0, ties: Double = 0, losses: Double = 0) {
    self.wins = wins
    self.ties = ties
    self.losses = losses
  }

  public var count: Double { wins + ties + losses }
  /// Wins and half the ties.
  public var points: Double { wins + ties / 2 }
  /// Wins and half the ties, as a part of all; nil without a comparison.
  public var share: Double? { count == 0 ? nil : points / count }

  public mutating func add(_ outcome: Outcome) {
    switch outcome {
    case .win: wins += 1
    case .tie: ties += 1
    case .loss: losses += 1
    }
  }

  /// The same as one comparison.
  var asOne: Tally { Tally(wins: wins / count, ties: ties / count, losses: losses / count) }

  public mutating func add(_ other: Tally) {
    wins += other.wins
    ties += other.ties
    losses += other.losses
  }
}

extension Tally {
  /// How often scores order pairs of answers as values do; `add(_:orderedBy:)` for each prompt.
  /// - Parameters: [prompt][answer]
  public init(_ scores: [[Double]], orderedBy values: [[Double]]) {
    self.init()
    for (scores, values) in zip(scores, values) { add(scores, orderedBy: values) }
  }

  /// All pairs that `values` order: one is won where `scores` order it the same way, and tied where they score both
  /// alike. Adds nothing unless there is one score for each value.
  public mutating func add(_ scores: [Double], orderedBy values: [Double]) {
    guard scores.count == values.count else { return }
    for i in scores.indices {
      for j in scores.indices where values[i] > values[j] { add(Outcome(scores[i], against: scores[j])) }
    }
  }
}

extension Interval {
  /// The share of comparisons that are won, a tie counting half, and its 95 % interval over prompts: comparisons
  /// of one prompt resemble each other and count for fewer.
  ///
  /// The interval is `ScoreInterval`'s with an effective sample size: as many independent comparisons as give
  /// the mean the variance that the prompts show (Kish 1965's design effect; Dean and Pagano 2015, "Evaluating
  /// confidence interval methods for binomial proportions in clustered surveys", Journal of Survey Statistics and
  /// Methodology 3, find it good also near 0 and 1). Few prompts show too little variance by chance, and none
  /// where they all agree. So one more prompt is supposed that is as far off as a single comparison, and a prompt
  /// never counts for less than one comparison. With one comparison a prompt this is Wilson's interval, or
  /// Tango's where there are ties.
  ///
  /// - Parameters:
  ///   - prompts: those without a comparison are left out; with none left the interval is 0…1.
  ///   - most: comparisons that they count for at most. Without it comparisons that stand there twice change nothing.
  public init(over prompts: [Tally], atMost most: Double = .infinity) {
    let prompts = prompts.filter { $0.count > 0 }
    var all = Tally()
    for prompt in prompts { all.add(prompt) }
    guard all.count > 0 else {
      self.init(mean: 0, low: 0, high: 1)
      return
    }
    let mean = all.points / all.count
    let bounds = ScoreInterval.bounds(
      wins: all.wins / all.count, losses: all.losses / all.count,
      of: min(most, Self.effectiveCount(prompts, all)))
    self.init(mean: mean, low: min(mean, bounds.low), high: max(mean, bounds.high))
  }

  /// As many independent comparisons as have the prompts' variance of the mean.
  private static func effectiveCount(_ prompts: [Tally], _ all: Tally) -> Double {
    let (k, mean) = (Double(prompts.count), all.points / all.count)
    let (wins, losses) = (all.wins / all.count, all.losses / all.count)
    // Of a single comparison, where a win is 1 and a loss 0.
    let single = (wins + losses - (wins - losses) * (wins - losses)) / 4
    var (between, squares) = (0.0, 0.0)
    for prompt in prompts {
      let size = prompt.count * k / all.count
      let deviation = size * (prompt.points / prompt.count - mean)
      between += deviation * deviation
      squares += size * size
    }
    // Where all comparisons of a prompt end alike.
    let least = k * k / squares
    return single > 0 ? max(least, single * k * k / (between + single)) : least
  }
}
