/// The activation of an MLP; whether the MLP has a gate is a separate choice.
public enum Activation: CaseIterable, Sendable {
  /// GELU in the tanh approximation.
  case geluTanh
  /// Exact GELU, with the normal distribution function.
  case geluExact
  case silu
}
