import CSupport

/// A tensor's elements in row-major order as float32, whatever they are stored as; of an int8 tensor the
/// stored values, scale times code.
struct TensorValues: @unchecked Sendable {
  let tensor: Checkpoint.Tensor
  let count: Int

  init(_ tensor: Checkpoint.Tensor) {
    self.tensor = tensor
    count = tensor.dims.reduce(1, *)
  }

  /// Stretches of up to 2²⁰ elements, which threads share; what is computed of each is put
  /// together in order, so that it does not depend on their number.
  var pieces: [Range<Int>] {
    stride(from: 0, to: count, by: Self.piece).map { $0..<min($0 + Self.piece, count) }
  }

  /// Blocks of a piece, small enough for the nearest cache.
  static func blocks(_ piece: Range<Int>) -> [Range<Int>] {
    stride(from: piece.lowerBound, to: piece.upperBound, by: block).map {
      $0..<min($0 + block, piece.upperBound)
    }
  }

  private static let piece = 1 << 20
  static let block = 8192

  /// Hands over a block's elements: where they lie, or converted in `scratch`.
  /// - Parameter scratch: room for `block` elements.
  func with<Result>(
    _ range: Range<Int>, scratch: UnsafeMutablePointer<Float>,
    _ body: (UnsafePointer<Float>) throws -> Result
  ) rethrows -> Result {
    switch tensor.type {
    case .float32: return try body(tensor.floats + range.lowerBound)
    case .bfloat16:
      let source = tensor.pointer.assumingMemoryBound(to: UInt16.self)
      for i in 0..<range.count {
        scratch[i] = Float(bitPattern: UInt32(source[range.lowerBound + i]) << 16)
      }
    case .int8:
      ts_unpack_codes(
        tensor.pointer.assumingMemoryBound(to: Int8.self), tensor.scales!, tensor.dims[1],
        range.lowerBound, range.count, scratch)
    }
    return try body(scratch)
  }

  /// A few elements, converted.
  func elements(_ range: Range<Int>) -> [Float] {
    [Float](unsafeUninitializedCapacity: range.count) { buffer, filled in
      guard let base = buffer.baseAddress else { return }
      with(range, scratch: base) {
        if $0 != UnsafePointer(base) { base.update(from: $0, count: range.count) }
      }
      filled = range.count
    }
  }

  /// Room for one block, for as long as `body` runs.
  static func withScratch<Result>(
    _ body: (UnsafeMutablePointer<Float>) throws -> Result
  ) rethrows -> Result {
    let scratch = UnsafeMutablePointer<Float>.allocate(capacity: block)
    defer { scratch.deallocate() }
    return try body(scratch)
  }
}

extension [Int] {
  /// `2 × 3`: dims for people.
  var shape: String { map(String.init).joined(separator: " × ") }
}

extension TensorType {
  /// What is to be said where an int8 tensor's values or their statistics are shown.
  static let storedValues = "int8: of the stored values, which are the weights balanced and rotated (FORMAT.md)"
}

extension Checkpoint.Tensor {
  /// `weights/policy/tok_embeddings.weight`: what no other tensor of the file is called.
  public var address: String { "\(section)/\(role)/\(name)" }

  /// All its bytes: the elements, and scales, row sums and factors behind packed codes.
  var extent: UnsafeRawBufferPointer {
    guard let factors else { return UnsafeRawBufferPointer(start: pointer, count: byteCount) }
    let end = UnsafeRawPointer(factors + dims[1])
    return UnsafeRawBufferPointer(start: pointer, count: end - UnsafeRawPointer(pointer))
  }
}
