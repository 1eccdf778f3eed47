import CSupport

/// A tensor's elements as float32 in row-major order, for any storage type. For int8 they are the stored values,
/// scale times code.
struct TensorValues: @unchecked Sendable {
  let tensor: Checkpoint.Tensor
  let count: Int

  init(_ tensor: Checkpoint.Tensor) {
    self.tensor = tensor
    count = tensor.dims.reduce(1, *)
  }

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

  private static let piece = 1 << 20
  static let block = 8192

  /// Passes a block's elements to `body`: directly from memory, or converted in `scratch`.
  /// - Parameter scratch: room for `block` elements.
  func with<Result>(
    _ range: Range<Int>, scratch: UnsafeMutablePointer<Float>,
    _ body: (UnsafePointer<Float>) throws -> Result
  ) rethrows -> Result {
    switch tensor.type {
    case .float32: return try body(tensor.floats + range.lowerBound)
    case .bfloat16, .float16:
      tensor.stored!.read(from: range.lowerBound, count: range.count, into: scratch)
    case .int8:
      ts_unpack_codes(
        tensor.pointer.assumingMemoryBound(to: Int8.self), tensor.scales!, tensor.dims[1],
        range.lowerBound, range.count, scratch)
    }
    return try body(scratch)
  }

  /// The elements of a range, converted to float32.
  func elements(_ range: Range<Int>) -> [Float] {
    [Float](unsafeUninitializedCapacity: range.count) { buffer, filled in
      guard let base = buffer.baseAddress else { return }
      with(range, scratch: base) {
        if $0 != UnsafePointer(base) { base.update(from: $0, count: range.count) }
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
}

extension [Int] {
  /// Dims for people: `2 × 3`.
  var shape: String { map(String.init).joined(separator: " × ") }
}

extension TensorType {
  /// The note to show with an int8 tensor's values or statistics.
  static let storedValues = "int8: of the stored values, which are the weights balanced and rotated (FORMAT.md)"
}

extension Checkpoint.Tensor {
  /// `weights/policy/tok_embeddings.weight`: unique in the file.
  public var address: String { "\(section)/\(role)/\(name)" }

  /// All bytes of the tensor: the elements; or packed codes, scales, row sums and factors.
  var extent: UnsafeRawBufferPointer {
    guard let factors else { return UnsafeRawBufferPointer(start: pointer, count: byteCount) }
    let end = UnsafeRawPointer(factors + dims[1])
    return UnsafeRawBufferPointer(start: pointer, count: end - UnsafeRawPointer(pointer))
  }
}
