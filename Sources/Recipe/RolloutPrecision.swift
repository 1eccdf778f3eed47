import Tensors

/// In which arithmetic rollouts are generated.
public enum RolloutPrecision: String, CaseIterable, Sendable {
  /// int8 products over a bfloat16 cache.
  case int8
  /// The bits of the training path.
  case float32

  var keyValues: KeyValuePrecision { self == .int8 ? .bfloat16 : .float32 }
}
