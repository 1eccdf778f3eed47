import Testing

@testable import Statistics

@Test("moments of a known list")
func moments() {
  let (mean, variance) = SampleStatistics.moments([2, 4, 4, 4, 5, 5, 7, 9] as [Float])
  #expect(mean == 5 && abs(variance - 32.0 / 7) < 1e-15)
  #expect(SampleStatistics.moments([] as [Float]) == (0, 0))
  #expect(SampleStatistics.moments([3] as [Float]) == (3, 0))
}

@Test("values explain all of themselves, nothing by a constant, and less than nothing if opposed")
func explainedVariance() {
  let returns: [Float] = [1, 2, 4, -3]
  #expect(SampleStatistics.explainedVariance(values: returns, returns: returns) == 1)
  #expect(SampleStatistics.explainedVariance(values: [7, 7, 7, 7], returns: returns) == 0)
  #expect(SampleStatistics.explainedVariance(values: returns.map { -$0 }, returns: returns) == -3)
  #expect(SampleStatistics.explainedVariance(values: [1, 2], returns: [5, 5]) == nil)
}

@Test("correlation is ±1 along a line, 0 for a symmetric parabola, nil for a constant")
func correlation() throws {
  let x: [Float] = [-2, -1, 0, 1, 2]
  let rising = try #require(SampleStatistics.correlation(x, x.map { 3 * $0 + 1 }))
  let falling = try #require(SampleStatistics.correlation(x, x.map { -0.5 * $0 }))
  #expect(abs(rising - 1) < 1e-15 && abs(falling + 1) < 1e-15)
  #expect(SampleStatistics.correlation(x, x.map { $0 * $0 }) == 0)
  #expect(SampleStatistics.correlation(x, [1, 1, 1, 1, 1]) == nil)
  let long = try #require(SampleStatistics.lengthCorrelation(scores: [1, 2, 3], lengths: [10, 20, 30]))
  #expect(abs(long - 1) < 1e-15)
}

@Test("correlation within groups looks past what groups differ by as wholes")
func correlationWithinGroups() throws {
  // The longer group scores higher, its longer answers lower.
  let groups: [(x: [Float], y: [Float])] = [([3, 2, 1], [1, 2, 3]), ([13, 12, 11], [21, 22, 23])]
  let within = try #require(SampleStatistics.correlationWithinGroups(groups))
  #expect(abs(within + 1) < 1e-6)
  let across = try #require(SampleStatistics.correlation(groups.flatMap(\.x), groups.flatMap(\.y)))
  #expect(across > 0.9)
  #expect(SampleStatistics.correlationWithinGroups([([1], [2]), ([3], [5])]) == nil)
}

@Test("a weighted mean of equal weights is the mean, and nothing weighs nothing")
func weightedMean() {
  #expect(SampleStatistics.mean([1, 2, 6], weights: [1, 1, 1]) == 3)
  #expect(SampleStatistics.mean([1, 2], weights: [3, 1]) == 1.25)
  #expect(SampleStatistics.mean([1], weights: [0]) == 0)
}

@Test("a reward model that is right as often as it says has no calibration error")
func calibrated() {
  // σ(ln 3) = 3/4: three right, one wrong.
  let sure: Float = 1.0986123
  let calibration = Calibration(differences: [sure, sure, sure, -sure], bins: 2)
  #expect(calibration.bins.map(\.count).reduce(0, +) == 4)
  #expect(calibration.error < 1e-7)
  let overconfident = Calibration(differences: [20, -20], bins: 5)
  #expect(overconfident.bins.map(\.count) == [0, 0, 0, 0, 2])
  #expect(overconfident.bins[4].observed == 0.5)
  #expect(abs(overconfident.error - 0.5) < 1e-8)
  let undecided = Calibration(differences: [0])
  #expect(undecided.bins[0].observed == 0.5 && undecided.error == 0)
}
