import Tensors

/// In which arithmetic rollouts are generated.
public enum RolloutPrecision: String, CaseIterable, Sendable {
  /// int8 products over an int8 cache.
  case int8
  /// The bits of the training path.
  case float32

  package var keyValues: KeyValuePrecision { self == .int8 ? .int8 : .float32 }
}
