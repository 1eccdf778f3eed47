extension Summary {
  /// How often a model's answer is preferred to another model's answer to the same prompt.
  public struct WinRate: Codable, Equatable, Sendable {
    /// Wins plus half the ties, divided by comparisons.
    public var mean: Double
    /// The ends of the 95 % interval over prompts.
    public var low: Double
    public var high: Double
    /// Share of ties.
    public var ties: Double
    /// Number of comparisons.
    public var n: Int
    /// Number of prompts that the comparisons belong to; nil in files of earlier versions.
    public var prompts: Int?

    public init(mean: Double, low: Double, high: Double, ties: Double, n: Int, prompts: Int? = nil) {
      self.mean = mean
      self.low = low
      self.high = high
      self.ties = ties
      self.n = n
      self.prompts = prompts
    }

    /// Share of comparisons in which the model is strictly better.
    public var wins: Double { max(0, mean - ties / 2) }
    /// Share of comparisons in which it is strictly worse.
    public var losses: Double { max(0, 1 - mean - ties / 2) }

    enum CodingKeys: String, CodingKey { case mean, low, high, ties, n, prompts, wins, losses }

    public init(from decoder: any Decoder) throws {
      let container = try decoder.container(keyedBy: CodingKeys.self)
      mean = try container.decode(Double.self, forKey: .mean)
      low = try container.decode(Double.self, forKey: .low)
      high = try container.decode(Double.self, forKey: .high)
      ties = try container.decode(Double.self, forKey: .ties)
      n = try container.decode(Int.self, forKey: .n)
      prompts = try container.decodeIfPresent(Int.self, forKey: .prompts)
    }

    public func encode(to encoder: any Encoder) throws {
      var container = encoder.container(keyedBy: CodingKeys.self)
      try container.encode(mean, forKey: .mean)
      try container.encode(low, forKey: .low)
      try container.encode(high, forKey: .high)
      try container.encode(wins, forKey: .wins)
      try container.encode(ties, forKey: .ties)
      try container.encode(losses, forKey: .losses)
      try container.encode(n, forKey: .n)
      try container.encode(prompts, forKey: .prompts)
    }
  }
}
