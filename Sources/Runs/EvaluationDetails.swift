/// `evaluation.json`: the details behind the summary's metrics, which the report draws.
public struct EvaluationDetails: Codable, Equatable, Sendable {
  /// The reward model's calibration on held-out pairs.
  public var calibration: [CalibrationBin]
  /// The policy at each of PPO's probes, with its distance from SFT.
  public var proxyGold: [ProxyGoldPoint]
  /// Gold score by model and use category.
  public var categories: [CategoryScore]
  /// Win rates other than PPO against SFT.
  public var comparisons: [Comparison]

  enum CodingKeys: String, CodingKey {
    case calibration, categories, comparisons
    case proxyGold = "proxy_gold"
  }

  public init(
    calibration: [CalibrationBin] = [], proxyGold: [ProxyGoldPoint] = [],
    categories: [CategoryScore] = [], comparisons: [Comparison] = []
  ) {
    self.calibration = calibration
    self.proxyGold = proxyGold
    self.categories = categories
    self.comparisons = comparisons
  }

  /// The pairs whose predicted preference σ(|Δr|) is in one interval.
  public struct CalibrationBin: Codable, Equatable, Sendable {
    /// Mean prediction in the interval.
    public var predicted: Double
    /// Share of pairs in which the answer with the higher score was preferred; equal scores count half.
    public var observed: Double
    public var n: Int

    public init(predicted: Double, observed: Double, n: Int) {
      self.predicted = predicted
      self.observed = observed
      self.n = n
    }
  }

  /// A policy's proxy reward and gold score at its distance from SFT.
  public struct ProxyGoldPoint: Codable, Equatable, Sendable {
    public var stage: String
    public var step: Int
    /// KL from SFT, nats per sequence.
    public var kl: Double
    public var proxy: Double
    public var gold: Double

    public init(stage: String, step: Int, kl: Double, proxy: Double, gold: Double) {
      self.stage = stage
      self.step = step
      self.kl = kl
      self.proxy = proxy
      self.gold = gold
    }
  }

  public struct CategoryScore: Codable, Equatable, Sendable {
    public var model: String
    public var category: String
    public var gold: Double
    public var n: Int

    public init(model: String, category: String, gold: Double, n: Int) {
      self.model = model
      self.category = category
      self.gold = gold
      self.n = n
    }
  }

  /// The win rate of one model against another.
  public struct Comparison: Codable, Equatable, Sendable {
    public var model: String
    public var against: String
    public var winRate: Summary.WinRate

    enum CodingKeys: String, CodingKey {
      case model, against
      case winRate = "win_rate"
    }

    public init(model: String, against: String, winRate: Summary.WinRate) {
      self.model = model
      self.against = against
      self.winRate = winRate
    }
  }
}
