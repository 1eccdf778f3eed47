import CKernels
import Support

/// A matrix of weights [rows, columns]: of a projection [outputs, inputs], or of an embedding [V, d].
public enum WeightMatrix: @unchecked Sendable {
  /// float32, or frozen weights in bfloat16 or float16; the results of both have the same bits.
  case floats(StoredFloats)
  case int8(Int8Matrix)

  public static func float32(_ floats: UnsafeMutablePointer<Float>) -> WeightMatrix { .floats(StoredFloats(floats)) }

  /// The weights as they are stored. They must not be int8, which has other products and no gradient.
  package var stored: StoredFloats {
    guard case .floats(let stored) = self else { preconditionFailure("the weights are int8") }
    return stored
  }

  /// The float32 weights, which can learn.
  package var floats: UnsafeMutablePointer<Float> { stored.floats }
}

extension ElementType {
  var kernel: tk_float {
    switch self {
    case .float32: TK_FLOAT32
    case .bfloat16: TK_BFLOAT16
    case .float16: TK_FLOAT16
    }
  }
}
