import Support

/// The average of a policy after each of its updates, older ones weighing less by the decay (Ouyang et al.
/// 2022, C.4). The policy before the first update has no part in it, so that a short run's average is not what
/// it began with: after n updates the policy after the i-th weighs d^(n − i)·(1 − d)/(1 − dⁿ), as in Adam's
/// bias correction.
enum MovingAverage {
  /// What the average keeps of itself when the policy after update `number`, from 1 on, is taken in:
  /// d·(1 − dⁿ⁻¹)/(1 − dⁿ). 0 at the first; of d = 1, all alike, (n − 1)/n.
  static func kept(_ decay: Double, at number: Int) -> Double {
    precondition((0...1).contains(decay) && number >= 1, "decay \(decay) at update \(number)")
    guard decay < 1 else { return Double(number - 1) / Double(number) }
    return decay * (1 - DeterministicMath.power(decay, number - 1))
      / (1 - DeterministicMath.power(decay, number))
  }
}
