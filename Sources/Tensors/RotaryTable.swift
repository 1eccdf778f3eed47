import Support

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
