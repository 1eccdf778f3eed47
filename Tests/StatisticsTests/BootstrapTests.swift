import Testing

@testable import Statistics

@Test("the same seed gives the same interval, another seed another one")
func bootstrapSeeds() {
  let values = (0..<50).map { Double($0 * $0 % 17) }
  let first = Bootstrap.mean(values, resamples: 300, seed: 3)
  #expect(first == Bootstrap.mean(values, resamples: 300, seed: 3))
  #expect(first != Bootstrap.mean(values, resamples: 300, seed: 4))
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
