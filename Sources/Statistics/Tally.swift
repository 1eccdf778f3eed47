/// The numbers of comparisons won, tied and lost. Fractions are allowed.
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
  /// Wins plus half the ties.
  public var points: Double { wins + ties / 2 }
  /// `points` divided by the number of comparisons; nil without comparisons.
  public var share: Double? { count == 0 ? nil : points / count }

  public mutating func add(_ outcome: Outcome) {
    switch outcome {
    case .win: wins += 1
    case .tie: ties += 1
    case .loss: losses += 1
    }
  }

  /// The same shares with the weight of one comparison.
  var asOne: Tally { Tally(wins: wins / count, ties: ties / count, losses: losses / count) }

  public mutating func add(_ other: Tally) {
    wins += other.wins
    ties += other.ties
    losses += other.losses
  }
}

extension Tally {
  /// Counts how often scores order pairs of answers as `values` do: `add(_:orderedBy:)` for each prompt.
  /// - Parameters:
  ///   - scores: [prompt][answer].
  ///   - values: [prompt][answer].
  public init(_ scores: [[Double]], orderedBy values: [[Double]]) {
    self.init()
    for (scores, values) in zip(scores, values) { add(scores, orderedBy: values) }
  }

  /// Adds all pairs that `values` order. A pair is a win if `scores` order it the same way, and a tie if its scores are
  /// equal. Adds nothing unless there is one score for each value.
  public mutating func add(_ scores: [Double], orderedBy values: [Double]) {
    guard scores.count == values.count else { return }
    for i in scores.indices {
      for j in scores.indices where values[i] > values[j] { add(Outcome(scores[i], against: scores[j])) }
    }
  }
}

extension Interval {
  /// The share of comparisons that are won (a tie counts half) and its 95 % interval over prompts. Comparisons of the
  /// same prompt are similar, so they count as fewer independent comparisons.
  ///
  /// The interval is that of `ScoreInterval` with an effective sample size: the number of independent comparisons for
  /// which the mean has the variance that the prompts show (Kish 1965's design effect; Dean and Pagano 2015,
  /// "Evaluating confidence interval methods for binomial proportions in clustered surveys", Journal of Survey
  /// Statistics and Methodology 3, find it good also near 0 and 1). A few prompts can show too small a variance by
  /// chance, and no variance if they all agree. So the estimate adds one prompt with the deviation of a single
  /// comparison, and a prompt never counts as less than one comparison. With one comparison per prompt this is Wilson's
  /// interval, or Tango's if there are ties.
  ///
  /// - Parameters:
  ///   - prompts: those without a comparison are left out; if none is left, the interval is 0…1.
  ///   - most: the largest effective number of comparisons. Without this limit, duplicate comparisons change nothing.
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

  /// The number of independent comparisons whose mean has the variance that the prompts show.
  private static func effectiveCount(_ prompts: [Tally], _ all: Tally) -> Double {
    let (k, mean) = (Double(prompts.count), all.points / all.count)
    let (wins, losses) = (all.wins / all.count, all.losses / all.count)
    // The variance of a single comparison, where a win is 1, a tie ½ and a loss 0.
    let single = (wins + losses - (wins - losses) * (wins - losses)) / 4
    var (between, squares) = (0.0, 0.0)
    for prompt in prompts {
      let size = prompt.count * k / all.count
      let deviation = size * (prompt.points / prompt.count - mean)
      between += deviation * deviation
      squares += size * size
    }
    // The effective number if all comparisons of a prompt have the same outcome.
    let least = k * k / squares
    return single > 0 ? max(least, single * k * k / (between + single)) : least
  }
}
