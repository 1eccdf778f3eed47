/// How numbers are stored one by one: in a checkpoint, in files of other programs, and in frozen weights in memory.
///
/// float16 and bfloat16 become float32 exactly.
public enum ElementType: String, CaseIterable, Sendable {
  case float32 = "F32"
  case float16 = "F16"
  case bfloat16 = "BF16"

  /// The size of an element [bytes].
  public var bytes: Int { self == .float32 ? 4 : 2 }

  /// The largest magnitude that does not become infinite in this type.
  public var largest: Float {
    switch self {
    case .float32: .greatestFiniteMagnitude
    case .float16: 65_519.996
    case .bfloat16: Float(bitPattern: 0x7F7F_7FFF)
    }
  }

  /// The value of a float16 by its bits.
  @inline(__always)
  public static func float(half bits: UInt16) -> Float {
    let bits = UInt32(bits)
    // The exponent is 112 too small, also for subnormal numbers; 2¹¹² is 0x7780_0000.
    let magnitude = Float(bitPattern: (bits & 0x7FFF) << 13) * Float(bitPattern: 0x7780_0000)
    // An exponent of all ones must stay all ones: infinity or NaN.
    let special: UInt32 = bits & 0x7C00 == 0x7C00 ? 0x7F80_0000 : 0
    return Float(bitPattern: magnitude.bitPattern | special | (bits & 0x8000) << 16)
  }

  /// Reads `count` elements from element `first` on; `source` need not be aligned.
  public func read(
    _ source: UnsafeRawPointer, from first: Int, count: Int, into floats: UnsafeMutablePointer<Float>
  ) {
    let source = source + first * bytes
    func bits(_ i: Int) -> UInt16 { source.loadUnaligned(fromByteOffset: 2 * i, as: UInt16.self) }
    switch self {
    case .float32: UnsafeMutableRawPointer(floats).copyMemory(from: source, byteCount: 4 * count)
    case .bfloat16: for i in 0..<count { floats[i] = Float(bitPattern: UInt32(bits(i)) << 16) }
    case .float16: for i in 0..<count { floats[i] = Self.float(half: bits(i)) }
    }
  }

  /// Writes `count` elements, rounded to the nearest, ties to even.
  public func write(
    _ floats: UnsafePointer<Float>, count: Int, to target: UnsafeMutableRawPointer
  ) {
    switch self {
    case .float32: target.copyMemory(from: floats, byteCount: 4 * count)
    case .bfloat16:
      for i in 0..<count {
        let bits = floats[i].bitPattern
        let rounded = UInt16(truncatingIfNeeded: (bits &+ 0x7FFF &+ (bits >> 16 & 1)) >> 16)
        target.storeBytes(of: rounded, toByteOffset: 2 * i, as: UInt16.self)
      }
    case .float16:
      for i in 0..<count {
        target.storeBytes(of: Float16(floats[i]).bitPattern, toByteOffset: 2 * i, as: UInt16.self)
      }
    }
  }
}
