import Models
import Statistics
import Support

extension RewardNormalization {
  /// Computes the normalisation from raw scores of demonstrations (their mean becomes 0) and of samples (their standard
  /// deviation becomes 1).
  ///
  /// - Throws: `Failure(.badData)` if the samples' scores do not vary.
  public static func measure(demonstrations: [Float], samples: [Float]) throws
    -> RewardNormalization
  {
    let deviation = SampleStatistics.moments(samples).variance.squareRoot()
    guard deviation.isFinite, deviation > 1e-8 else {
      throw Failure(
        .badData, "the reward model gives every sample the same score",
        remedy: "Train it on more comparisons, or on comparisons that are not all ties.")
    }
    let gain = 1 / deviation
    return RewardNormalization(
      gain: Float(gain), bias: Float(-gain * SampleStatistics.moments(demonstrations).mean))
  }
}
