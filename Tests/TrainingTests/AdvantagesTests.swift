import Statistics
import Testing

@testable import Training

@Test("whitening gives mean 0 and variance 1; without the shift the mean stays")
func whitening() {
  let values: [Float] = [3, -1, 4, 1, -5, 9, 2.5]
  let before = SampleStatistics.moments(values)
  let shifted = SampleStatistics.moments(Advantages.whitened(values))
  #expect(abs(shifted.mean) < 1e-7 && abs(shifted.variance - 1) < 1e-6)
  let kept = SampleStatistics.moments(Rewards.whitened(values))
  #expect(abs(kept.mean - before.mean) < 1e-6 && abs(kept.variance - 1) < 1e-6)
  #expect(Advantages.whitened([2, 2, 2]) == [0, 0, 0])
  #expect(Advantages.whitened([2]) == [0])
}

@Test("with λ = 1 and γ = 1 a return is the sum of the rewards to come, whatever the values")
func monteCarlo() {
  let (_, returns) = Advantages.generalized(
    rewards: [1, 2, 4, 8], values: [0.5, -3, 0.25, 7], lengths: [3, 1], gamma: 1, lambda: 1)
  #expect(returns == [7, 6, 4, 8])
}

@Test("an answer's advantages do not depend on what stands beside it, bit for bit")
func raggedNeighbours() {
  let (rewards, values): ([Float], [Float]) = ([0.1, -0.2, 0.7], [0.3, 0.9, -0.4])
  let alone = Advantages.generalized(rewards: rewards, values: values, lengths: [3])
  let beside = Advantages.generalized(
    rewards: [5] + rewards + [6, 7], values: [1] + values + [2, 3], lengths: [1, 3, 2])
  #expect(Array(beside.advantages[1..<4]) == alone.advantages)
  #expect(Array(beside.returns[1..<4]) == alone.returns)
}
