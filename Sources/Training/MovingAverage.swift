import Support

/// The moving average of a policy's weights after each update (Ouyang et al. 2022, C.4).
///
/// The decay d gives older policies less weight. The policy before the first update has no weight; otherwise it would
/// dominate the average of a short run. After n updates, the policy after update i has the weight
/// d^(n − i)·(1 − d)/(1 − dⁿ), as in Adam's bias correction.
enum MovingAverage {
  /// The factor of the old average when the policy after update n = `number` (counted from 1) is added:
  /// d·(1 − dⁿ⁻¹)/(1 − dⁿ). It is 0 at the first update. If d = 1, all policies weigh the same: (n − 1)/n.
  static func kept(_ decay: Double, at number: Int) -> Double {
    precondition((0...1).contains(decay) && number >= 1, "decay \(decay) at update \(number)")
    guard decay < 1 else { return Double(number - 1) / Double(number) }
    return decay * (1 - DeterministicMath.power(decay, number - 1))
      / (1 - DeterministicMath.power(decay, number))
  }
}
