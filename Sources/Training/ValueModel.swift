/// What predicts the returns that advantages are measured against.
public enum ValueModel: String, CaseIterable, Sendable {
  /// A model of its own, which starts as the reward model (Ouyang et al. 2022, C.4).
  case separate
  /// A scalar head on the policy's own trunk: no second model and no second optimizer. Both losses meet
  /// in the trunk, and one step takes both; where the policy's part of it is skipped, so is the value's.
  case shared
}
