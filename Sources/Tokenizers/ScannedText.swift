import CUnicode

/// Bytes as Unicode scalars with their classes, for scanners that implement regular expressions.
///
/// A byte that is not part of a valid UTF-8 scalar counts as a scalar without a class.
struct ScannedText {
  /// The class that `subscript` returns at the end of the text; no pattern matches it.
  static let end: UInt8 = 1 << 7
  static let letter = UInt8(cu_letter)
  static let number = UInt8(cu_number)
  static let space = UInt8(cu_space)
  static let digit = UInt8(cu_digit)
  static let word = UInt8(cu_word)
  static let composing = UInt8(cu_composing)
  /// `[^\s\p{L}\p{N}]` matches scalars with none of these classes.
  static let notOther = letter | number | space | end

  let bytes: UnsafeBufferPointer<UInt8>
  /// Scalars of these classes count as the end of the text.
  let barrier: UInt8
  private let ascii = cu_ascii_classes()!

  init(_ bytes: UnsafeBufferPointer<UInt8>, barrier: UInt8 = 0) {
    self.bytes = bytes
    self.barrier = barrier
  }

  var count: Int { bytes.count }

  /// The classes of the scalar at `index` and its length in bytes.
  @inline(__always)
  subscript(index: Int) -> (classes: UInt8, length: Int) {
    guard index < bytes.count else { return (Self.end, 0) }
    let byte = bytes[index]
    let found = byte < 0x80 ? (ascii[Int(byte)], 1) : Self.wide(bytes, index)
    return found.0 & barrier == 0 ? found : (Self.end, 0)
  }

  /// The same as the subscript, but ignores the barrier.
  @inline(__always)
  func first(at index: Int) -> (classes: UInt8, length: Int) {
    let byte = bytes[index]
    return byte < 0x80 ? (ascii[Int(byte)], 1) : Self.wide(bytes, index)
  }

  /// The end of the run of scalars that have one of `classes`.
  @inline(__always)
  func end(ofRun classes: UInt8, from start: Int) -> Int {
    var index = start
    while true {
      let next = self[index]
      guard next.classes & classes != 0, next.length > 0 else { return index }
      index += next.length
    }
  }

  /// The end of the run of scalars that have none of `classes`.
  @inline(__always)
  func end(ofRunWithout classes: UInt8, from start: Int) -> Int {
    var index = start
    while true {
      let next = self[index]
      guard next.classes & (classes | Self.end) == 0 else { return index }
      index += next.length
    }
  }

  @inline(never)
  private static func wide(
    _ bytes: UnsafeBufferPointer<UInt8>, _ index: Int
  ) -> (classes: UInt8, length: Int) {
    guard let (scalar, length) = UTF8Scalars.scalar(at: index, in: bytes) else { return (0, 1) }
    return (cu_classes(scalar), length)
  }
}

/// Strict UTF-8: no surrogates and no overlong forms.
enum UTF8Scalars {
  /// The scalar at `index` and its length in bytes; nil if the bytes are not valid.
  static func scalar(
    at index: Int, in bytes: UnsafeBufferPointer<UInt8>
  ) -> (value: UInt32, length: Int)? {
    let first = bytes[index]
    let length: Int
    switch first {
    case 0..<0x80: return (UInt32(first), 1)
    case 0xC2..<0xE0: length = 2
    case 0xE0..<0xF0: length = 3
    case 0xF0..<0xF5: length = 4
    default: return nil
    }
    guard index + length <= bytes.count else { return nil }
    var value = UInt32(first) & (0x7F >> UInt32(length))
    for offset in 1..<length {
      let byte = bytes[index + offset]
      guard byte & 0xC0 == 0x80 else { return nil }
      value = value << 6 | UInt32(byte & 0x3F)
    }
    let least: UInt32 = length == 2 ? 0x80 : length == 3 ? 0x800 : 0x10000
    guard value >= least, value <= 0x10FFFF, !(0xD800..<0xE000).contains(value) else { return nil }
    return (value, length)
  }

  static func append(_ scalar: UInt32, to bytes: inout [UInt8]) {
    switch scalar {
    case 0..<0x80: bytes.append(UInt8(scalar))
    case 0x80..<0x800:
      bytes.append(UInt8(0xC0 | scalar >> 6))
      bytes.append(UInt8(0x80 | scalar & 0x3F))
    case 0x800..<0x10000:
      bytes.append(UInt8(0xE0 | scalar >> 12))
      bytes.append(UInt8(0x80 | scalar >> 6 & 0x3F))
      bytes.append(UInt8(0x80 | scalar & 0x3F))
    default:
      bytes.append(UInt8(0xF0 | scalar >> 18))
      bytes.append(UInt8(0x80 | scalar >> 12 & 0x3F))
      bytes.append(UInt8(0x80 | scalar >> 6 & 0x3F))
      bytes.append(UInt8(0x80 | scalar & 0x3F))
    }
  }
}
