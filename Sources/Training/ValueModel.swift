/// What predicts the returns that advantages are measured against.
public enum ValueModel: String, CaseIterable, Sendable {
  /// A model of its own, which starts as the reward model (Ouyang et al. 2022, C.4).
  case separate
  /// A scalar head on the policy's own trunk: no second model and no second optimizer. Both losses meet
  /// in the trunk, and one step takes both; where the policy's part of it is skipped, so is the value's.
  case shared
}

/// Where the values of a trainer come from.
public enum ValueSource {
  /// A model of its own. It and the policy take turns, so that their gradients may share memory.
  case separate(TrainableModel)
  /// The scalar head beside the policy's unembedding.
  case sharedTrunk

  var kind: ValueModel {
    switch self {
    case .separate: .separate
    case .sharedTrunk: .shared
    }
  }

  /// The separate model; nil for a shared trunk.
  public var model: TrainableModel? {
    guard case .separate(let model) = self else { return nil }
    return model
  }
}
