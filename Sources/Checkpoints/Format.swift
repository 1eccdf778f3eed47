import Glibc
import Support

#if _endian(big)
  #error(".trlhf files are mapped without conversion, which needs a little-endian machine")
#endif

/// The constants of the file format; FORMAT.md explains them.
package enum Format {
  /// A transfer in text mode changes it: a byte above 127, CR LF, control-Z, LF.
  static let magic: [UInt8] = [0x89, 0x54, 0x52, 0x4C, 0x0D, 0x0A, 0x1A, 0x0A]
  /// Bytes 0, 4, 8 and 12 of the magic: the start of a file that zstd alone expanded, with its byte planes not joined.
  static let splitMagic: [UInt8] = [0x89, 0x0D, 0x01, 0x00]
  static let major: UInt32 = 1
  static let minor: UInt32 = 0

  static let headerBytes = 4096
  static let sectionRecordBytes = 64
  static let tensorRecordBytes = 128
  static let nameBytes = 64
  static let recordBytes = 128
  static let architectureOffset = 128
  static let trainingOffset = 256

  static let sectionAlignment = 65_536
  package static let tensorAlignment = 256
  static let hashBlock = 65_536

  static let maximumSections = 256
  static let maximumTensors = 1 << 20
  static let maximumRank = 4
  /// The limit for CONFIG's text and for PROVENANCE.
  static let maximumJSONBytes = 1 << 20

  package static func roundUp(_ count: Int, to alignment: Int) -> Int {
    (count + alignment - 1) / alignment * alignment
  }
}

/// The kinds of sections.
public enum SectionKind: UInt32, Sendable, CaseIterable {
  case config = 1
  case tokenizer = 2
  case weights = 3
  case head = 4
  case moments = 5
  case state = 6
  case provenance = 7

  /// Whether the section consists of tensors that the directory lists.
  public var holdsTensors: Bool { self == .weights || self == .head || self == .moments }
}

/// The model that a section belongs to, for files with more than one model.
public enum Role: UInt32, Sendable, CaseIterable {
  case none = 0
  case policy = 1
  case value = 2
  case reward = 3
  case reference = 4
  case average = 5
}

/// The storage type of a tensor's elements.
public enum TensorType: UInt8, Sendable, CaseIterable {
  case float32 = 0
  case bfloat16 = 1
  /// A matrix `[N, K]` balanced and rotated (FORMAT.md): codes packed `[⌈N/16⌉][⌈K/4⌉][16][4]`, float32
  /// scales `[N]`, int32 row sums `[N]`, float32 factors `[K]`.
  case int8 = 2
  case float16 = 4

  public init(_ element: ElementType) {
    switch element {
    case .float32: self = .float32
    case .bfloat16: self = .bfloat16
    case .float16: self = .float16
    }
  }

  /// The type of single elements; nil for int8, whose elements have no value of their own.
  public var element: ElementType? {
    switch self {
    case .float32: .float32
    case .bfloat16: .bfloat16
    case .float16: .float16
    case .int8: nil
    }
  }

  /// Bytes of the elements (for int8, of the packed codes); nil if the product overflows.
  func byteCount(_ dims: [Int]) -> Int? {
    if let element { return Int.product(dims + [element.bytes]) }
    guard dims.count == 2 else { return nil }
    return Int.product([(dims[0] + 15) / 16, (dims[1] + 3) / 4, 64])
  }
}

extension UnsafeRawBufferPointer {
  func u8(_ offset: Int) -> UInt8 { self[offset] }

  func u32(_ offset: Int) -> UInt32 {
    precondition(offset >= 0 && offset + 4 <= count, "u32 at \(offset) of \(count)")
    return loadUnaligned(fromByteOffset: offset, as: UInt32.self)
  }

  func u64(_ offset: Int) -> UInt64 {
    precondition(offset >= 0 && offset + 8 <= count, "u64 at \(offset) of \(count)")
    return loadUnaligned(fromByteOffset: offset, as: UInt64.self)
  }

  func slice(at offset: Int, count length: Int) -> UnsafeRawBufferPointer {
    UnsafeRawBufferPointer(rebasing: self[offset..<offset + length])
  }

  /// The offset of the first non-zero byte.
  func firstNonZero() -> Int? {
    // If every byte equals the next byte, all bytes equal the first.
    guard count > 0, self[0] != 0 || memcmp(baseAddress!, baseAddress! + 1, count - 1) != 0 else {
      return nil
    }
    return firstIndex { $0 != 0 }
  }
}

/// The bytes of a record under construction; bytes that are not set stay zero.
struct RecordBytes {
  var bytes: [UInt8]

  init(_ count: Int) { bytes = [UInt8](repeating: 0, count: count) }

  mutating func put<T: FixedWidthInteger>(_ value: T, at offset: Int) {
    withUnsafeBytes(of: value.littleEndian) { put($0, at: offset) }
  }

  mutating func put(_ source: some Collection<UInt8>, at offset: Int) {
    bytes.replaceSubrange(offset..<offset + source.count, with: source)
  }
}
