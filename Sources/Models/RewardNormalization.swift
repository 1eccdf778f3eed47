/// Turns a raw score into a reward: gain·score + bias. Demonstrations then score 0 on average, and samples have
/// standard deviation 1.
public struct RewardNormalization: Codable, Equatable, Sendable {
  public var gain: Float
  public var bias: Float

  public init(gain: Float, bias: Float) {
    self.gain = gain
    self.bias = bias
  }

  public func apply(_ score: Float) -> Float { gain * score + bias }
}
