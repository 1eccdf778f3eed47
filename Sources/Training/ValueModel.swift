/// The kind of model that predicts returns; advantages are measured against its predictions.
public enum ValueModel: String, CaseIterable, Sendable {
  /// A separate model, which starts as the reward model (Ouyang et al. 2022, C.4).
  case separate
  /// A scalar head on the policy's own trunk, without a second model or optimizer. The trunk receives the gradient of
  /// both losses in one step. If the policy update is skipped, so is the value update.
  case shared
}

/// The source of a trainer's values.
public enum ValueSource {
  /// A separate model. It and the policy take turns, so their gradients can share memory.
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
