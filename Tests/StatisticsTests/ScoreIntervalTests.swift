import Support
import Testing

@testable import Statistics

/// Wins of independent comparisons without ties.
private func wilson(_ wins: Double, of n: Double) -> (low: Double, high: Double) {
  ScoreInterval.bounds(wins: wins / n, losses: 1 - wins / n, of: n)
}

@Test("without ties the interval is Wilson's: it agrees with published values and with his formula")
func withoutTies() {
  let half = wilson(5, of: 10)
  #expect(abs(half.low - 0.2366) < 1e-4 && abs(half.high - 0.7634) < 1e-4)
  // Newcombe 1998, table I, method 3.
  let many = wilson(81, of: 263)
  #expect(abs(many.low - 0.2553) < 1e-4 && abs(many.high - 0.3662) < 1e-4)
  let one = wilson(1, of: 29)
  #expect(abs(one.low - 0.0061) < 1e-4 && abs(one.high - 0.1718) < 1e-4)
  let z2 = ScoreInterval.z * ScoreInterval.z
  for (wins, n) in [(0.0, 20.0), (1, 20), (7, 9), (20, 20), (300, 1000)] {
    let (p, found) = (wins / n, wilson(wins, of: n))
    let reach = ScoreInterval.z * (p * (1 - p) / n + z2 / (4 * n * n)).squareRoot()
    #expect(abs(found.low - (p + z2 / (2 * n) - reach) / (1 + z2 / n)) < 1e-12, "\(wins) of \(n)")
    #expect(abs(found.high - (p + z2 / (2 * n) + reach) / (1 + z2 / n)) < 1e-12, "\(wins) of \(n)")
  }
}

@Test("with ties the limits are where Tango's score test stands at 5 %")
func withTies() {
  // Ten pairs that all tie: n·θ² = z²·θ(1 − θ) at θ = z²/(n + z²).
  let z2 = ScoreInterval.z * ScoreInterval.z
  let ties = ScoreInterval.bounds(wins: 0, losses: 0, of: 10)
  #expect(abs(ties.high - (1 + z2 / (10 + z2)) / 2) < 1e-12 && abs(ties.low + ties.high - 1) < 1e-12)
  // A chance to lose that is likelier than the one found there does not exist: the likelihood is searched.
  let (w, l, n) = (0.3, 0.1, 50.0)
  let bounds = ScoreInterval.bounds(wins: w, losses: l, of: n)
  for limit in [bounds.low, bounds.high] {
    let theta = 2 * limit - 1
    let candidates = (1..<100_000).map { Double($0) / 100_000 }.filter { $0 + theta > 0 && 2 * $0 + theta < 1 }
    func likelihood(_ q: Double) -> Double {
      w * DeterministicMath.log(q + theta) + l * DeterministicMath.log(q)
        + (1 - w - l) * DeterministicMath.log(1 - 2 * q - theta)
    }
    let q = candidates.max { likelihood($0) < likelihood($1) }!
    let distance = n * (w - l - theta) * (w - l - theta)
    #expect(abs(distance / (z2 * (2 * q + theta * (1 - theta))) - 1) < 1e-3, "\(limit)")
  }
}

@Test("what one side wins the other loses, and more comparisons tell more")
func symmetry() {
  for (wins, losses) in [(0.6, 0.1), (0, 0.3), (1, 0), (0.2, 0.2)] {
    let ours = ScoreInterval.bounds(wins: wins, losses: losses, of: 30)
    let theirs = ScoreInterval.bounds(wins: losses, losses: wins, of: 30)
    #expect(abs(ours.low + theirs.high - 1) < 1e-12 && abs(ours.high + theirs.low - 1) < 1e-12)
    let more = ScoreInterval.bounds(wins: wins, losses: losses, of: 300)
    #expect(more.high - more.low < ours.high - ours.low)
  }
  let nothing = ScoreInterval.bounds(wins: 0, losses: 0, of: 0)
  #expect(nothing.low == 0 && nothing.high == 1)
}

/// `prompts` prompts of `size` comparisons, each won with a chance of the prompt's own. `alike` is the
/// correlation of a prompt's comparisons: the chance that a comparison repeats the prompt's first.
private func sample(
  _ p: Double, ties: Double, prompts: Int, size: Int, alike: Double, _ stream: inout RandomStream
) -> [Tally] {
  func draw() -> Outcome {
    let u = Double(stream.uniform())
    return u < ties ? .tie : u < ties + (1 - ties) * p ? .win : .loss
  }
  return (0..<prompts).map { _ in
    let first = draw()
    var tally = Tally()
    for number in 0..<size {
      tally.add(number == 0 || Double(stream.uniform()) < alike.squareRoot() ? first : draw())
    }
    return tally
  }
}

@Test(
  "the interval over prompts has a width and holds the truth, also near 0 and 1 and of few prompts",
  arguments: [(5, 1), (5, 4), (10, 2), (20, 1), (20, 4), (60, 2)])
func coverage(prompts: Int, size: Int) {
  var stream = RandomStream(seed: 11, purpose: "coverage", index: UInt64(prompts * 10 + size))
  for p in [0, 0.02, 0.5, 0.98, 1] {
    for (alike, ties) in [(0.0, 0.0), (0.5, 0), (1, 0), (0.5, 0.7)] {
      let (repeats, truth) = (400, ties / 2 + (1 - ties) * p)
      var held = 0
      for _ in 0..<repeats {
        let interval = Interval(
          over: sample(p, ties: ties, prompts: prompts, size: size, alike: alike, &stream))
        #expect(interval.low < interval.high && interval.low >= 0 && interval.high <= 1)
        #expect(interval.low <= interval.mean && interval.mean <= interval.high)
        if interval.low <= truth + 1e-9 && truth <= interval.high + 1e-9 { held += 1 }
      }
      let share = Double(held) / Double(repeats)
      // 95 %, but for the steps of few comparisons and the draw of 400.
      #expect(share > 0.87, "\(share) at \(p), \(alike) alike, \(ties) ties")
    }
  }
}

@Test("comparisons of one prompt that all end alike count once, and the same ones again are no more evidence")
func effectiveCount() {
  for (wins, n) in [(0, 12), (5, 12), (12, 12)] {
    let single = (0..<n).map { Tally(wins: $0 < wins ? 1 : 0, losses: $0 < wins ? 0 : 1) }
    let found = Interval(over: single)
    let bounds = wilson(Double(wins), of: Double(n))
    #expect(abs(found.low - bounds.low) < 1e-12 && abs(found.high - bounds.high) < 1e-12)
    let sixfold = single.map { Tally(wins: 6 * $0.wins, losses: 6 * $0.losses) }
    #expect(abs(Interval(over: sixfold).low - found.low) < 1e-12)
  }
  // Independent comparisons of many prompts count almost fully.
  let mixed = (0..<100).map { Tally(wins: $0 % 2 == 0 ? 3 : 1, losses: $0 % 2 == 0 ? 1 : 3) }
  let four = Interval(over: mixed)
  let full = wilson(200, of: 400)
  #expect(abs((four.high - four.low) / (full.high - full.low) - 1) < 0.03)
  #expect(Interval(over: mixed.map { Tally(wins: 2 * $0.wins, losses: 2 * $0.losses) }) == four)
}

@Test("a share's interval is over prompts, and means something at 0, at 1 and for a single prompt")
func singlePrompt() {
  let one = Interval(over: [Tally(wins: 3, losses: 3), Tally()])
  #expect(one.mean == 0.5 && one.low < 0.1 && one.high > 0.9)
  #expect(Interval(over: []) == Interval(mean: 0, low: 0, high: 1))
  // A prompt that weighs more than all others is worth hardly more than itself.
  let heavy = Interval(over: [Tally(wins: 100)] + (0..<4).map { _ in Tally(wins: 1) })
  #expect(heavy.mean == 1 && heavy.low < 0.25)
}

@Test("a win rate counts ties half, weighs prompts alike, and names wins and ties apart")
func winRate() {
  let rate = WinRate([[.win, .win, .tie, .loss], [.tie, .tie], [], [.win]])
  #expect(abs(rate.mean - (0.625 + 0.5 + 1) / 3) < 1e-15)
  #expect(abs(rate.winShare - (0.5 + 0 + 1) / 3) < 1e-15)
  #expect(abs(rate.tieShare - (0.25 + 1) / 3) < 1e-15)
  #expect(rate.prompts == 3 && rate.comparisons == 7)
  #expect(rate.low < rate.mean && rate.high > rate.mean && rate.low > 0 && rate.high <= 1)
  #expect(Outcome(2, against: 1) == .win && Outcome(1, against: 1) == .tie)
  #expect(Outcome(0, against: 1) == .loss)
  // Prompts that all have one win and one loss do not count for more comparisons than there are.
  let even = WinRate(Array(repeating: [.win, .loss], count: 20))
  let bounds = wilson(20, of: 40)
  #expect(abs(even.low - bounds.low) < 1e-12 && abs(even.high - bounds.high) < 1e-12)
  for outcome in [Outcome.win, .tie, .loss] {
    let same = WinRate(Array(repeating: [outcome, outcome], count: 10))
    #expect(same.low < same.high && same.mean == outcome.points, "\(outcome)")
  }
}
