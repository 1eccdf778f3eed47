/// What a PPO iteration does; the names are the field's.
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
  /// An answer that ends before so many tokens counts as one without its end: its score says so, while
  /// sampling stays plain (Ziegler et al. 2019 likewise score what breaks the rules of length).
  public var shortestResponse = 0
  /// What the KL penalty of a token is made of.
  public var klEstimator = KLEstimator.k1
  /// γ_ptx, the weight of the pretraining loss; 0 for none.
  public var pretrainingCoefficient = 0.0
  /// Decay of the moving average of the policy, an update; 0 for none (`MovingAverage`).
  public var averageDecay = 0.0
  /// C, the cap of the int8 correction.
  public var importanceCap = 2.0
  /// Whether int8 rollouts are corrected; off only to measure what the correction does.
  public var correctsRollouts = true
  /// An update whose mean ratio leaves 1/x…x is skipped and counted.
  public var largestMeanRatio = 4.0
  /// So is one whose approximate KL to the old policy reaches this, in nats a token: a mean ratio is 1
  /// also where some tokens have become certain and others impossible. ½·(ln 4)² is 0.96.
  public var largestKL = 1.0
  /// Consecutive iterations with skipped updates before training stops with a diagnosis.
  public var skipsBeforeStopping = 5

  public init() {}

  /// Episodes of one update, of an iteration's `episodes`; the last update may have fewer.
  public func miniBatch(of episodes: Int) -> Int { (episodes + miniBatches - 1) / miniBatches }
}
