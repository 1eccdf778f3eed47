import Tensors

/// The arithmetic of rollouts.
public enum RolloutPrecision: String, CaseIterable, Sendable {
  /// int8 matrix products and an int8 KV cache.
  case int8
  /// float32, with the same bits as in training.
  case float32

  package var keyValues: KeyValuePrecision { self == .int8 ? .int8 : .float32 }
}
