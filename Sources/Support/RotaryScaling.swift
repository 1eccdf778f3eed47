/// Llama 3.1's scaling of rotary frequencies, for a longer context than the model was first trained on: low frequencies
/// are divided by `factor`, high frequencies do not change, and those between are interpolated.
public struct RotaryScaling: Equatable, Sendable {
  public var factor: Float
  /// A frequency is low if it makes fewer turns than `lowFrequencyFactor` within `originalContext` tokens, and high if
  /// it makes more than `highFrequencyFactor`.
  public var lowFrequencyFactor: Float
  public var highFrequencyFactor: Float
  public var originalContext: Int

  public init(
    factor: Float, lowFrequencyFactor: Float, highFrequencyFactor: Float, originalContext: Int
  ) {
    self.factor = factor
    self.lowFrequencyFactor = lowFrequencyFactor
    self.highFrequencyFactor = highFrequencyFactor
    self.originalContext = originalContext
  }

  /// The scaled frequency that replaces `frequency`, both in radians per token.
  public func scaled(_ frequency: Double) -> Double {
    let turns = Double(originalContext) * frequency / (2 * Double.pi)
    let (low, high) = (Double(lowFrequencyFactor), Double(highFrequencyFactor))
    if turns > high { return frequency }
    let slow = frequency / Double(factor)
    if turns < low { return slow }
    let share = (turns - low) / (high - low)
    return (1 - share) * slow + share * frequency
  }
}
