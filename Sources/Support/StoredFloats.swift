/// Numbers in memory, in the type in which they are stored: those of a mapped file, or float32 of any origin.
public struct StoredFloats: @unchecked Sendable {
  public let type: ElementType
  /// Writable only if the memory is.
  public let base: UnsafeMutableRawPointer

  public init(_ type: ElementType, _ base: UnsafeMutableRawPointer) {
    self.type = type
    self.base = base
  }

  public init(_ floats: UnsafeMutablePointer<Float>) { self.init(.float32, floats) }

  /// The numbers, which must be float32.
  public var floats: UnsafeMutablePointer<Float> {
    precondition(type == .float32, "the numbers are \(type), not float32")
    return base.assumingMemoryBound(to: Float.self)
  }

  /// The numbers from number `count` on.
  public func advanced(by count: Int) -> StoredFloats { StoredFloats(type, base + count * type.bytes) }

  /// A number, whose memory must be aligned.
  public subscript(index: Int) -> Float {
    switch type {
    case .float32: base.load(fromByteOffset: 4 * index, as: Float.self)
    case .bfloat16: Float(bitPattern: UInt32(base.load(fromByteOffset: 2 * index, as: UInt16.self)) << 16)
    case .float16: ElementType.float(half: base.load(fromByteOffset: 2 * index, as: UInt16.self))
    }
  }

  /// The first of `count` numbers that is NaN or infinite; nil if there is none. Their memory must be aligned.
  public func firstNonFinite(count: Int) -> Int? {
    switch type {
    case .float32: Self.first(base.assumingMemoryBound(to: UInt32.self), count, exponent: 0x7F80_0000)
    case .bfloat16: Self.first(base.assumingMemoryBound(to: UInt16.self), count, exponent: 0x7F80)
    case .float16: Self.first(base.assumingMemoryBound(to: UInt16.self), count, exponent: 0x7C00)
    }
  }

  /// The bits of an exponent are all 1 in numbers that are not finite.
  @inline(__always)
  private static func first<Bits: FixedWidthInteger>(_ bits: UnsafePointer<Bits>, _ count: Int, exponent: Bits) -> Int? {
    var largest: Bits = 0
    for i in 0..<count { largest = max(largest, bits[i] & exponent) }
    guard largest == exponent else { return nil }
    return (0..<count).first { bits[$0] & exponent == exponent }
  }

  /// Reads `count` numbers from number `first` on.
  public func read(from first: Int, count: Int, into floats: UnsafeMutablePointer<Float>) {
    type.read(base, from: first, count: count, into: floats)
  }
}
