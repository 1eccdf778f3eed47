import Support

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

/// Cosines and sines of the rotary embedding, [positions, rotary/2] each.
///
/// The angle of pair i at a position is position·theta^(−2i/rotary), with a scaled frequency if `scaling` is given.
/// Angles are computed in float64; cosines and sines are rounded to float32 once.
public struct RotaryTable: @unchecked Sendable {
  public let rotary: Int
  let cosine: UnsafeMutablePointer<Float>
  let sine: UnsafeMutablePointer<Float>

  public init(
    positions: Int, rotary: Int, theta: Double, scaling: RotaryScaling? = nil, arena: Arena
  ) throws {
    self.rotary = rotary
    let half = rotary / 2
    cosine = try arena.floats("rotary cosine", positions * half)
    sine = try arena.floats("rotary sine", positions * half)
    guard !arena.isPlan else { return }
    let logTheta = DeterministicMath.log(theta)
    for i in 0..<half {
      let plain = DeterministicMath.exp(-2 * Double(i) / Double(rotary) * logTheta)
      let frequency = scaling?.scaled(plain) ?? plain
      for position in 0..<positions {
        let turned = DeterministicMath.sineAndCosine(Double(position) * frequency)
        cosine[position * half + i] = Float(turned.cosine)
        sine[position * half + i] = Float(turned.sine)
      }
    }
  }
}
