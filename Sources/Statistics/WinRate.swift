/// How one answer fared against another on the same prompt.
public enum Outcome: String, Codable, Sendable {
  case win, tie, loss

  /// From two grades of which the higher is better; equal grades tie.
  public init<Grade: Comparable>(_ ours: Grade, against theirs: Grade) {
    self = ours > theirs ? .win : ours < theirs ? .loss : .tie
  }

  /// A tie counts half.
  public var points: Double { self == .win ? 1 : self == .tie ? 0.5 : 0 }
}

/// How often answers win, tie and lose against others, with the 95 % interval of the rate that counts ties half.
public struct WinRate: Equatable, Sendable {
  /// Wins and half the ties, over comparisons; each prompt weighs the same.
  public let mean: Double
  public let low: Double
  public let high: Double
  /// Shares of the comparisons, each prompt weighing the same; what is left of 1 are losses.
  public let winShare: Double
  public let tieShare: Double
  public let prompts: Int
  public let comparisons: Int

  /// - Parameter outcomes: for each prompt, its comparisons. Prompts without one are left out.
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
