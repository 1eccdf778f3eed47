import Support

/// A place in a GGUF file, moving forward. Nothing is allocated before the file is known to hold it.
struct GGUFCursor {
  static let remedy = "Copy the GGUF file again; it is damaged."

  let bytes: UnsafeRawBufferPointer
  let path: String
  private(set) var offset: Int

  init(_ bytes: UnsafeRawBufferPointer, path: String, at offset: Int = 0) {
    self.bytes = bytes
    self.path = path
    self.offset = offset
  }

  /// Bytes that are left.
  var rest: Int { bytes.count - offset }

  func failure(_ what: String, at offset: Int? = nil, remedy: String = remedy) -> Failure {
    Failure(.badData, what, at: "\(path), byte \(offset ?? self.offset)", remedy: remedy)
  }

  mutating func number<T: FixedWidthInteger>(_ type: T.Type, _ what: @autoclosure () -> String) throws -> T {
    let size = MemoryLayout<T>.size
    guard rest >= size else { throw failure("\(what()) ends beyond the file's \(bytes.count) bytes") }
    defer { offset += size }
    return T(littleEndian: bytes.loadUnaligned(fromByteOffset: offset, as: T.self))
  }

  /// A count of things of at least `size` bytes each, of which the file must hold as many.
  mutating func count(
    _ what: @autoclosure () -> String, of size: Int, limit: Int
  ) throws -> Int {
    let start = offset
    let number = try number(UInt64.self, what())
    guard number <= UInt64(rest / size) else {
      throw failure("\(what()) is \(number), and the file has \(rest) bytes more", at: start)
    }
    guard number <= UInt64(limit) else { throw failure("\(what()) is \(number), over \(limit)", at: start) }
    return Int(number)
  }

  /// A text's bytes.
  mutating func text(_ what: @autoclosure () -> String, limit: Int = .max) throws -> Range<Int> {
    let count = try count("the length of \(what())", of: 1, limit: limit)
    defer { offset += count }
    return offset..<offset + count
  }

  mutating func skip(_ count: Int) { offset += count }
}
