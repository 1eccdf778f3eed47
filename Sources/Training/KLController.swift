/// The coefficient β of the KL penalty: fixed, or adapted to reach a target KL (Ziegler et al. 2019).
public struct KLController: Codable, Equatable, Sendable {
  /// The target KL in nats per sequence, and the horizon in episodes.
  public struct Target: Codable, Equatable, Sendable {
    public var kl: Double
    public var horizon: Double

    public init(kl: Double = 6, horizon: Double = 10_000) {
      precondition(kl > 0 && horizon > 0, "target \(kl), horizon \(horizon)")
      self.kl = kl
      self.horizon = horizon
    }
  }

  public private(set) var coefficient: Double
  public let target: Target?

  /// - Parameter target: nil keeps the coefficient fixed.
  public init(coefficient: Double, target: Target? = nil) {
    self.coefficient = coefficient
    self.target = target
  }

  /// Adapts β after `episodes` more episodes whose mean KL to the reference is `kl` nats per sequence:
  ///
  ///     β ← β·(1 + clip(KL/target − 1, ±0.2)·episodes/horizon)
  public mutating func update(kl: Double, episodes: Int) {
    guard let target else { return }
    let error = min(max(kl / target.kl - 1, -0.2), 0.2)
    coefficient *= 1 + error * Double(episodes) / target.horizon
  }
}
