import Checkpoints
import Support

/// How a GGUF file stores the elements of a tensor; the raw values are the format's.
enum GGUFTensorType: UInt32, CaseIterable {
  case float32 = 0
  case float16 = 1
  case q4_0 = 2
  case q4_1 = 3
  case q5_0 = 6
  case q5_1 = 7
  case q8_0 = 8
  case q2_K = 10
  case q3_K = 11
  case q4_K = 12
  case q5_K = 13
  case q6_K = 14
  case bfloat16 = 30

  /// Names of all types by their numbers in `ggml.h`, including unsupported ones.
  private static let names: [UInt32: String] = [
    0: "F32", 1: "F16", 2: "Q4_0", 3: "Q4_1", 4: "Q4_2", 5: "Q4_3", 6: "Q5_0", 7: "Q5_1", 8: "Q8_0", 9: "Q8_1",
    10: "Q2_K", 11: "Q3_K", 12: "Q4_K", 13: "Q5_K", 14: "Q6_K", 15: "Q8_K", 16: "IQ2_XXS", 17: "IQ2_XS",
    18: "IQ3_XXS", 19: "IQ1_S", 20: "IQ4_NL", 21: "IQ3_S", 22: "IQ2_S", 23: "IQ4_XS", 24: "I8", 25: "I16",
    26: "I32", 27: "I64", 28: "F64", 29: "IQ1_M", 30: "BF16", 31: "Q4_0_4_4", 32: "Q4_0_4_8", 33: "Q4_0_8_8",
    34: "TQ1_0", 35: "TQ2_0", 36: "IQ4_NL_4_4", 37: "IQ4_NL_4_8", 38: "IQ4_NL_8_8", 39: "MXFP4",
  ]

  static func name(of number: UInt32) -> String { names[number] ?? "number \(number)" }

  /// For people: all supported types.
  static let readable = allCases.map(\.name).joined(separator: ", ")

  /// The size of a block, in bytes.
  var blockBytes: Int {
    switch self {
    case .float32: 4
    case .float16, .bfloat16: 2
    case .q4_0: 18
    case .q4_1: 20
    case .q5_0: 22
    case .q5_1: 24
    case .q8_0: 34
    case .q2_K: 84
    case .q3_K: 110
    case .q4_K: 144
    case .q5_K: 176
    case .q6_K: 210
    }
  }

  /// The size of `count` elements in bytes; `count` is a multiple of the block length.
  func bytes(_ count: Int) -> Int { count / blockElements * blockBytes }

  /// The largest magnitude that does not become infinite when written (for blocks, whose scale does not).
  var largest: Float {
    switch self {
    case .float16: ElementType.float16.largest
    case .q8_0: 127 * 65_504
    default: ElementType.float32.largest
    }
  }
}

extension GGUFTensorType: StoredElements {
  var name: String { Self.name(of: rawValue) }

  var blockElements: Int {
    switch self {
    case .float32, .float16, .bfloat16: 1
    case .q4_0, .q4_1, .q5_0, .q5_1, .q8_0: 32
    case .q2_K, .q3_K, .q4_K, .q5_K, .q6_K: 256
    }
  }

  var element: ElementType? {
    switch self {
    case .float32: .float32
    case .float16: .float16
    case .bfloat16: .bfloat16
    default: nil
    }
  }

  func read(
    _ source: UnsafeRawPointer, from first: Int, count: Int, into floats: UnsafeMutablePointer<Float>
  ) {
    if let element { return element.read(source, from: first, count: count, into: floats) }
    let source = source + bytes(first)
    for block in 0..<count / blockElements {
      expand(source + block * blockBytes, into: floats + block * blockElements)
    }
  }

  private func expand(_ block: UnsafeRawPointer, into floats: UnsafeMutablePointer<Float>) {
    switch self {
    case .q4_0: GGUFBlocks.q4_0(block, floats)
    case .q4_1: GGUFBlocks.q4_1(block, floats)
    case .q5_0: GGUFBlocks.q5_0(block, floats)
    case .q5_1: GGUFBlocks.q5_1(block, floats)
    case .q8_0: GGUFBlocks.q8_0(block, floats)
    case .q2_K: GGUFBlocks.q2_K(block, floats)
    case .q3_K: GGUFBlocks.q3_K(block, floats)
    case .q4_K: GGUFBlocks.q4_K(block, floats)
    case .q5_K: GGUFBlocks.q5_K(block, floats)
    case .q6_K: GGUFBlocks.q6_K(block, floats)
    case .float32, .float16, .bfloat16: break
    }
  }
}
