import Support

/// `summary.json`: the results of a run. Rates are in 0…1, KL is in nats per sequence. A value that does not
/// apply to a run is nil, and null in the file.
public struct Summary: Codable, Equatable, Sendable {
  public var version = 1
  public var seed: UInt64
  public var worldSeed: UInt64?
  public var seconds: Double
  public var peakResidentBytes: Int
  public var stages: [Stage]
  /// Models by name: "base", "sft", "ppo".
  public var models: [String: Model]
  public var rewardModel: RewardModel?
  public var rollouts: Rollouts?
  /// The held-out rows of the user's own files; nil if there are no such files.
  public var heldOut: [HeldOutRows]?

  enum CodingKeys: String, CodingKey {
    case version, seed, seconds, stages, models, rollouts
    case heldOut = "held_out"
    case worldSeed = "world_seed"
    case peakResidentBytes = "peak_rss_bytes"
    case rewardModel = "reward_model"
  }

  public init(
    seed: UInt64, worldSeed: UInt64? = nil, seconds: Double = 0, peakResidentBytes: Int = 0,
    stages: [Stage] = [], models: [String: Model] = [:], rewardModel: RewardModel? = nil,
    rollouts: Rollouts? = nil, heldOut: [HeldOutRows]? = nil
  ) {
    self.seed = seed
    self.worldSeed = worldSeed
    self.seconds = seconds
    self.peakResidentBytes = peakResidentBytes
    self.stages = stages
    self.models = models
    self.rewardModel = rewardModel
    self.rollouts = rollouts
    self.heldOut = heldOut
  }

  public func encode(to encoder: any Encoder) throws {
    var container = encoder.container(keyedBy: CodingKeys.self)
    try container.encode(version, forKey: .version)
    try container.encode(seed, forKey: .seed)
    try container.encode(worldSeed, forKey: .worldSeed)
    try container.encode(seconds, forKey: .seconds)
    try container.encode(peakResidentBytes, forKey: .peakResidentBytes)
    try container.encode(stages, forKey: .stages)
    try container.encode(models, forKey: .models)
    try container.encode(rewardModel, forKey: .rewardModel)
    try container.encode(rollouts, forKey: .rollouts)
    try container.encode(heldOut, forKey: .heldOut)
  }

  /// Time and result of one stage.
  public struct Stage: Codable, Equatable, Sendable {
    public var name: String
    public var seconds: Double
    public var checkpoint: String?

    public init(name: String, seconds: Double, checkpoint: String? = nil) {
      self.name = name
      self.seconds = seconds
      self.checkpoint = checkpoint
    }

    enum CodingKeys: String, CodingKey { case name, seconds, checkpoint }

    public func encode(to encoder: any Encoder) throws {
      var container = encoder.container(keyedBy: CodingKeys.self)
      try container.encode(name, forKey: .name)
      try container.encode(seconds, forKey: .seconds)
      try container.encode(checkpoint, forKey: .checkpoint)
    }
  }

  /// How one model answers the held-out prompts. `n` has the sample size of each metric under the metric's key.
  public struct Model: Codable, Equatable, Sendable {
    public var gold: Double?
    public var helpful: Double?
    public var honest: Double?
    public var harmless: Double?
    /// Share of harmless requests that look like harmful ones and that the model refuses.
    public var refusalsOnLookalikes: Double?
    public var proxyReward: Double?
    /// KL from SFT, nats per sequence.
    public var kl: Double?
    /// Bits per byte of held-out pretraining text.
    public var bitsPerByte: Double?
    public var meanTokens: Double?
    /// Gold score on the category that no stage after pretraining uses.
    public var heldOutCategoryGold: Double?
    /// Win rate judged by the rubric.
    public var winRateVsSFT: WinRate?
    /// Win rate judged by the reward model, if there is no rubric.
    public var proxyWinRateVsSFT: WinRate?
    /// Sample size of each metric by its key in the file: answers, or bytes of text.
    public var n: [String: Int]?

    public enum CodingKeys: String, CodingKey {
      case gold, helpful, honest, harmless, kl, n
      case refusalsOnLookalikes = "refusals_on_lookalikes"
      case proxyReward = "proxy_reward"
      case bitsPerByte = "bits_per_byte"
      case meanTokens = "mean_tokens"
      case heldOutCategoryGold = "held_out_category_gold"
      case winRateVsSFT = "win_rate_vs_sft"
      case proxyWinRateVsSFT = "proxy_win_rate_vs_sft"
    }

    public init(
      gold: Double? = nil, helpful: Double? = nil, honest: Double? = nil, harmless: Double? = nil,
      refusalsOnLookalikes: Double? = nil, proxyReward: Double? = nil, kl: Double? = nil,
      bitsPerByte: Double? = nil, meanTokens: Double? = nil, heldOutCategoryGold: Double? = nil,
      winRateVsSFT: WinRate? = nil, proxyWinRateVsSFT: WinRate? = nil, n: [String: Int]? = nil
    ) {
      self.gold = gold
      self.helpful = helpful
      self.honest = honest
      self.harmless = harmless
      self.refusalsOnLookalikes = refusalsOnLookalikes
      self.proxyReward = proxyReward
      self.kl = kl
      self.bitsPerByte = bitsPerByte
      self.meanTokens = meanTokens
      self.heldOutCategoryGold = heldOutCategoryGold
      self.winRateVsSFT = winRateVsSFT
      self.proxyWinRateVsSFT = proxyWinRateVsSFT
      self.n = n
    }

    public func encode(to encoder: any Encoder) throws {
      var container = encoder.container(keyedBy: CodingKeys.self)
      try container.encode(finite(gold), forKey: .gold)
      try container.encode(finite(helpful), forKey: .helpful)
      try container.encode(finite(honest), forKey: .honest)
      try container.encode(finite(harmless), forKey: .harmless)
      try container.encode(finite(refusalsOnLookalikes), forKey: .refusalsOnLookalikes)
      try container.encode(finite(proxyReward), forKey: .proxyReward)
      try container.encode(finite(kl), forKey: .kl)
      try container.encode(finite(bitsPerByte), forKey: .bitsPerByte)
      try container.encode(finite(meanTokens), forKey: .meanTokens)
      try container.encode(finite(heldOutCategoryGold), forKey: .heldOutCategoryGold)
      try container.encode(winRateVsSFT, forKey: .winRateVsSFT)
      try container.encode(proxyWinRateVsSFT, forKey: .proxyWinRateVsSFT)
      try container.encode(n, forKey: .n)
    }
  }

  /// How well the reward model predicts preferences on held-out prompts.
  public struct RewardModel: Codable, Equatable, Sendable {
    public var accuracy: Double?
    /// The ends of the accuracy's 95 % interval over prompts.
    public var accuracyLow: Double?
    public var accuracyHigh: Double?
    public var accuracyHeldOutLabelers: Double?
    /// The accuracy of the rubric itself on the same noisy pairs.
    public var goldRubricAccuracy: Double?
    /// How often two labelers order a pair in the same way; nil if no two labelers ranked the same answers.
    public var labelerAgreement: Double?
    public var pairs: Int?
    /// Number of prompts that the pairs belong to.
    public var prompts: Int?
    /// Number of pairs, included in `pairs`, whose answers have the same score; each counts half.
    public var tiedScores: Int?
    /// Number of pairs from held-out labelers.
    public var pairsHeldOutLabelers: Int?
    /// Number of pairs that two labelers have ordered.
    public var labelerAgreementPairs: Int?
    /// Correlation of scores with the number of tokens in the answers, over all answers.
    public var lengthCorrelation: Double?
    /// The same correlation for deviations from the mean over the prompt's answers.
    public var lengthCorrelationWithinPrompts: Double?

    enum CodingKeys: String, CodingKey {
      case accuracy, pairs, prompts
      case accuracyLow = "accuracy_low"
      case accuracyHigh = "accuracy_high"
      case accuracyHeldOutLabelers = "accuracy_held_out_labelers"
      case goldRubricAccuracy = "gold_rubric_accuracy"
      case labelerAgreement = "labeler_agreement"
      case tiedScores = "tied_scores"
      case pairsHeldOutLabelers = "pairs_held_out_labelers"
      case labelerAgreementPairs = "labeler_agreement_pairs"
      case lengthCorrelation = "length_correlation"
      case lengthCorrelationWithinPrompts = "length_correlation_within_prompts"
    }

    public init(
      accuracy: Double? = nil, accuracyLow: Double? = nil, accuracyHigh: Double? = nil,
      accuracyHeldOutLabelers: Double? = nil, goldRubricAccuracy: Double? = nil,
      labelerAgreement: Double? = nil, pairs: Int? = nil, prompts: Int? = nil,
      lengthCorrelation: Double? = nil, lengthCorrelationWithinPrompts: Double? = nil,
      tiedScores: Int? = nil, pairsHeldOutLabelers: Int? = nil, labelerAgreementPairs: Int? = nil
    ) {
      self.accuracy = accuracy
      self.accuracyLow = accuracyLow
      self.accuracyHigh = accuracyHigh
      self.accuracyHeldOutLabelers = accuracyHeldOutLabelers
      self.goldRubricAccuracy = goldRubricAccuracy
      self.labelerAgreement = labelerAgreement
      self.pairs = pairs
      self.prompts = prompts
      self.lengthCorrelation = lengthCorrelation
      self.lengthCorrelationWithinPrompts = lengthCorrelationWithinPrompts
      self.tiedScores = tiedScores
      self.pairsHeldOutLabelers = pairsHeldOutLabelers
      self.labelerAgreementPairs = labelerAgreementPairs
    }

    public func encode(to encoder: any Encoder) throws {
      var container = encoder.container(keyedBy: CodingKeys.self)
      try container.encode(finite(accuracy), forKey: .accuracy)
      try container.encode(finite(accuracyLow), forKey: .accuracyLow)
      try container.encode(finite(accuracyHigh), forKey: .accuracyHigh)
      try container.encode(finite(accuracyHeldOutLabelers), forKey: .accuracyHeldOutLabelers)
      try container.encode(finite(goldRubricAccuracy), forKey: .goldRubricAccuracy)
      try container.encode(finite(labelerAgreement), forKey: .labelerAgreement)
      try container.encode(pairs, forKey: .pairs)
      try container.encode(prompts, forKey: .prompts)
      try container.encode(finite(lengthCorrelation), forKey: .lengthCorrelation)
      try container.encode(
        finite(lengthCorrelationWithinPrompts), forKey: .lengthCorrelationWithinPrompts)
      try container.encode(tiedScores, forKey: .tiedScores)
      try container.encode(pairsHeldOutLabelers, forKey: .pairsHeldOutLabelers)
      try container.encode(labelerAgreementPairs, forKey: .labelerAgreementPairs)
    }
  }

  /// The difference between int8 rollouts and the float32 trainer, over all of PPO.
  public struct Rollouts: Codable, Equatable, Sendable {
    public var isMean: Double?
    public var isMax: Double?
    public var clippedFraction: Double?
    public var k3: Double?

    enum CodingKeys: String, CodingKey {
      case k3
      case isMean = "is_mean"
      case isMax = "is_max"
      case clippedFraction = "clipped_fraction"
    }

    public init(
      isMean: Double? = nil, isMax: Double? = nil, clippedFraction: Double? = nil,
      k3: Double? = nil
    ) {
      self.isMean = isMean
      self.isMax = isMax
      self.clippedFraction = clippedFraction
      self.k3 = k3
    }

    public func encode(to encoder: any Encoder) throws {
      var container = encoder.container(keyedBy: CodingKeys.self)
      try container.encode(finite(isMean), forKey: .isMean)
      try container.encode(finite(isMax), forKey: .isMax)
      try container.encode(finite(clippedFraction), forKey: .clippedFraction)
      try container.encode(finite(k3), forKey: .k3)
    }
  }
}

/// nil for a value that is not finite, such as the mean of an empty list: JSON cannot represent it.
private func finite(_ value: Double?) -> Double? { value.flatMap { $0.isFinite ? $0 : nil } }
