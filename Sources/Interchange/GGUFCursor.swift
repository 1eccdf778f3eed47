import Support

/// A position in a GGUF file that moves forward. Memory is allocated only after the file is known to have the data.
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

  /// The number of bytes left.
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

  /// A count of items of at least `size` bytes each; the rest of the file must be large enough for them.
  mutating func count(
    _ what: @autoclosure () -> String, of size: Int, limit: Int
  ) throws -> Int {
    let start = offset
    let number = try number(UInt64.self, what())
    guard number <= UInt64(rest / size) else {
      throw failure("\(what()) is \(number), but the file has only \(rest) bytes left", at: start)
    }
    guard number <= UInt64(limit) else { throw failure("\(what()) is \(number); the limit is \(limit)", at: start) }
    return Int(number)
  }

  /// The byte range of a text.
  mutating func text(_ what: @autoclosure () -> String, limit: Int = .max) throws -> Range<Int> {
    let count = try count("the length of \(what())", of: 1, limit: limit)
    defer { offset += count }
    return offset..<offset + count
  }

  mutating func skip(_ count: Int) { offset += count }
}
