/// A tensor's elements as float32 in row-major order, for any storage type. For int8 they are the stored values,
/// scale times code.
extension StoredTensor {
  /// Pieces of up to 2²⁰ elements for threads to share. Results of pieces are combined in order, so they do not
  /// depend on the number of threads.
  var pieces: [Range<Int>] {
    stride(from: 0, to: count, by: Self.piece).map { $0..<min($0 + Self.piece, count) }
  }

  /// The blocks of a piece; a block fits into the fastest CPU cache.
  static func blocks(_ piece: Range<Int>) -> [Range<Int>] {
    stride(from: piece.lowerBound, to: piece.upperBound, by: block).map {
      $0..<min($0 + block, piece.upperBound)
    }
  }

  private static var piece: Int { 1 << 20 }
  private static var block: Int { 8192 }

  /// Passes a block's elements to `body`: directly from memory, or converted in `scratch`.
  /// - Parameter scratch: room for the block.
  func with<Result>(
    _ range: Range<Int>, scratch: UnsafeMutablePointer<Float>,
    _ body: (UnsafePointer<Float>) throws -> Result
  ) rethrows -> Result {
    if type == .float32 { return try body(floats + range.lowerBound) }
    elements!.read(bytes.baseAddress!, from: range.lowerBound, count: range.count, into: scratch)
    return try body(scratch)
  }

  /// The elements of a range, converted to float32.
  public func values(_ range: Range<Int>) -> [Float] {
    [Float](unsafeUninitializedCapacity: range.count) { buffer, filled in
      if let base = buffer.baseAddress {
        elements!.read(bytes.baseAddress!, from: range.lowerBound, count: range.count, into: base)
      }
      filled = range.count
    }
  }

  /// Lends memory for one block while `body` runs.
  static func withScratch<Result>(
    _ body: (UnsafeMutablePointer<Float>) throws -> Result
  ) rethrows -> Result {
    let scratch = UnsafeMutablePointer<Float>.allocate(capacity: block)
    defer { scratch.deallocate() }
    return try body(scratch)
  }

  /// `weights/policy/tok_embeddings.weight`: unique in a checkpoint.
  public var address: String { "\(section)/\(role)/\(name)" }
}

extension [Int] {
  /// Dims for people: `2 × 3`.
  var shape: String { map(String.init).joined(separator: " × ") }
}

extension TensorType {
  /// The note to show with an int8 tensor's values or statistics.
  static let storedValues = "int8: of the stored values, which are the weights balanced and rotated (FORMAT.md)"
}
