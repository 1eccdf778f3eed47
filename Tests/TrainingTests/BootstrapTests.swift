import Testing

@testable import Training

@Test("a win rate counts ties half, weighs prompts alike, and names its tie share")
func winRate() {
  let rate = Bootstrap.winRate(
    [[.win, .win, .tie, .loss], [.tie, .tie], [], [.win]], resamples: 500, seed: 1)
  #expect(abs(rate.mean - (0.625 + 0.5 + 1) / 3) < 1e-15)
  #expect(abs(rate.tieShare - (0.25 + 1) / 3) < 1e-15)
  #expect(rate.prompts == 3 && rate.comparisons == 7)
  #expect(rate.low >= 0.5 && rate.low < rate.mean && rate.high > rate.mean && rate.high <= 1)
  #expect(Outcome(2, against: 1) == .win && Outcome(1, against: 1) == .tie)
  #expect(Outcome(0, against: 1) == .loss)
}

@Test("the same seed gives the same interval, another seed another one")
func bootstrapSeeds() {
  let values = (0..<50).map { Double($0 * $0 % 17) }
  let first = Bootstrap.mean(values, resamples: 300, seed: 3)
  #expect(first == Bootstrap.mean(values, resamples: 300, seed: 3))
  #expect(first != Bootstrap.mean(values, resamples: 300, seed: 4))
}

@Test("a ratio weighs prompts by what they could have brought, and is the mean where all could bring one")
func bootstrapRatio() {
  let parts = [(got: 1.0, of: 4.0), (0, 0), (3, 4), (2, 2)]
  let interval = Bootstrap.ratio(parts, resamples: 400, seed: 5)
  #expect(interval.mean == 0.6 && interval.low < 0.6 && interval.high > 0.6 && interval.high <= 1)
  let values = [0.5, 1, 0, 0.25]
  #expect(
    Bootstrap.ratio(values.map { ($0, 1) }, resamples: 50, seed: 5)
      == Bootstrap.mean(values, resamples: 50, seed: 5))
  #expect(Bootstrap.ratio([(0, 0)], resamples: 5, seed: 1) == Interval(mean: 0, low: 0, high: 0))
}

@Test("a share's interval is over prompts, and means something at 0, at 1 and for a single prompt")
func bootstrapShare() {
  let parts = (0..<40).map { (got: Double($0 % 4), of: 3.0) }
  #expect(Bootstrap.share(parts, seed: 2) == Bootstrap.ratio(parts, seed: 2))
  for share in [0.0, 1] {
    let interval = Bootstrap.share(Array(repeating: (got: 6 * share, of: 6), count: 20), seed: 1)
    let wilson = Proportion(successes: 20 * share, of: 20)
    #expect(interval == Interval(mean: share, low: wilson.low, high: wilson.high))
    #expect(interval.low < interval.high)
  }
  let one = Bootstrap.share([(got: 3, of: 6), (0, 0)], seed: 1)
  #expect(one.mean == 0.5 && one.low < 0.1 && one.high > 0.9)
  #expect(Bootstrap.share([], seed: 1) == Interval(mean: 0, low: 0, high: 1))
}

@Test("the bootstrap's interval is near the normal one for many independent values")
func bootstrapWidth() {
  let values = (0..<400).map { Double($0 % 2) }  // standard error 0.5/20 = 0.025
  let interval = Bootstrap.mean(values, resamples: 2_000, seed: 9)
  #expect(interval.mean == 0.5)
  #expect(abs(interval.low - (0.5 - 1.96 * 0.025)) < 0.005)
  #expect(abs(interval.high - (0.5 + 1.96 * 0.025)) < 0.005)
  #expect(Bootstrap.mean([2, 2, 2], resamples: 10, seed: 0) == Bootstrap.mean([2], seed: 1))
}

@Test("quantiles lie on the line between neighbours")
func quantiles() {
  #expect(Bootstrap.quantile([1, 2, 4], 0) == 1)
  #expect(Bootstrap.quantile([1, 2, 4], 0.75) == 3)
  #expect(Bootstrap.quantile([1, 2, 4], 1) == 4)
}
