/// Hyper-parameters of a PPO iteration, with the field's names.
public struct PPOOptions: Sendable {
  public var temperature: Float = 1
  public var klCoefficient = 0.02
  /// nil keeps the coefficient fixed.
  public var adaptiveKL: KLController.Target?
  public var clipRange = 0.2
  public var clipRangeValue = 0.2
  public var valueCoefficient = 0.1
  public var valueModel = ValueModel.separate
  public var gamma = 1.0
  public var lambda = 0.95
  public var epochs = 1
  public var miniBatches = 4
  public var whitenRewards = false
  public var whitenAdvantages = true
  public var rewardClip: Float?
  public var missingEnd = Rewards.MissingEnd.set(-1)
  /// An answer with fewer tokens is scored as if it had no end token. Sampling does not change (Ziegler et al. 2019
  /// likewise use the score to penalise answers of a wrong length).
  public var shortestResponse = 0
  /// The estimator of a token's KL penalty.
  public var klEstimator = KLEstimator.k1
  /// γ_ptx, the weight of the pretraining loss; 0 for none.
  public var pretrainingCoefficient = 0.0
  /// Decay of the policy's moving average, per update; 0 for none (`MovingAverage`).
  public var averageDecay = 0.0
  /// C, the cap of the int8 correction.
  public var importanceCap = 2.0
  /// Whether int8 rollouts are corrected. It is off only to measure the effect of the correction.
  public var correctsRollouts = true
  /// An update whose mean ratio is outside 1/x…x is skipped and counted.
  public var largestMeanRatio = 4.0
  /// An update whose approximate KL to the old policy (nats per token) reaches this is also skipped and counted.
  /// The mean ratio alone can be 1 while some tokens have become certain and others impossible. ½·(ln 4)² is 0.96.
  public var largestKL = 1.0
  /// Consecutive iterations with skipped updates after which training stops with an error.
  public var skipsBeforeStopping = 5

  public init() {}

  /// Episodes in one update if an iteration has `episodes`; the last update may have fewer.
  public func miniBatch(of episodes: Int) -> Int { (episodes + miniBatches - 1) / miniBatches }
}
