/// The outcome of one answer against another answer to the same prompt.
public enum Outcome: String, Codable, Sendable {
  case win, tie, loss

  /// Compares two grades: the higher is better, and equal grades tie.
  public init<Grade: Comparable>(_ ours: Grade, against theirs: Grade) {
    self = ours > theirs ? .win : ours < theirs ? .loss : .tie
  }

  /// 1 for a win, ½ for a tie, 0 for a loss.
  public var points: Double { self == .win ? 1 : self == .tie ? 0.5 : 0 }
}

/// The shares of wins, ties and losses of answers against others, and the win rate with its 95 % interval.
public struct WinRate: Equatable, Sendable {
  /// The win rate: wins plus half the ties, divided by comparisons. Each prompt has the same weight.
  public let mean: Double
  public let low: Double
  public let high: Double
  /// Shares of the comparisons; each prompt has the same weight. The rest up to 1 are losses.
  public let winShare: Double
  public let tieShare: Double
  public let prompts: Int
  public let comparisons: Int

  /// - Parameter outcomes: the comparisons of each prompt. Prompts without comparisons are left out.
  public init(_ outcomes: [[Outcome]]) {
    let tallies = outcomes.filter { !$0.isEmpty }.map { outcomes in
      var tally = Tally()
      for outcome in outcomes { tally.add(outcome) }
      return tally.asOne
    }
    func mean(_ share: (Tally) -> Double) -> Double {
      tallies.isEmpty ? 0 : tallies.reduce(0) { $0 + share($1) } / Double(tallies.count)
    }
    comparisons = outcomes.reduce(0) { $0 + $1.count }
    let interval = Interval(over: tallies, atMost: Double(comparisons))
    self.mean = mean(\.points)
    low = interval.low
    high = interval.high
    winShare = mean(\.wins)
    tieShare = mean(\.ties)
    prompts = tallies.count
  }
}
