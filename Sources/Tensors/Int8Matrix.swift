import CKernels
import Support

/// A weight matrix [outputs, inputs] in int8 with one scale per output row. All instruction sets use the same packed
/// layout: [⌈outputs/16⌉][⌈inputs/4⌉][16][4].
///
/// The codes are those of R·(w ∘ 1/factors): each row of w is balanced and rotated. The activations are transformed to
/// match, so that no channel is far above the others and one scale per row is enough. `CKernels/rotation.h` defines R.
public struct Int8Matrix: @unchecked Sendable {
  public let outputs: Int
  public let inputs: Int
  public let codes: UnsafeMutablePointer<Int8>
  /// One scale per row, [outputs].
  public let scales: UnsafeMutablePointer<Float>
  /// Sum of each row's codes, [outputs].
  public let rowSums: UnsafeMutablePointer<Int32>
  /// Activations are multiplied by these factors, powers of two, [inputs].
  public let factors: UnsafeMutablePointer<Float>

  public init(
    outputs: Int, inputs: Int, codes: UnsafeMutablePointer<Int8>,
    scales: UnsafeMutablePointer<Float>, rowSums: UnsafeMutablePointer<Int32>,
    factors: UnsafeMutablePointer<Float>
  ) {
    self.outputs = outputs
    self.inputs = inputs
    self.codes = codes
    self.scales = scales
    self.rowSums = rowSums
    self.factors = factors
  }

  /// Allocates the codes and sets the factors to 1 (not in a planning arena, which has no memory).
  public init(_ name: String, outputs: Int, inputs: Int, arena: Arena) throws {
    self.init(
      outputs: outputs, inputs: inputs,
      codes: try arena.allocate(
        name, Self.packedBytes(outputs: outputs, inputs: inputs), of: Int8.self),
      scales: try arena.floats("\(name) scales", outputs),
      rowSums: try arena.allocate("\(name) row sums", outputs, of: Int32.self),
      factors: try arena.floats("\(name) factors", inputs))
    if !arena.isPlan { factors.update(repeating: 1, count: inputs) }
  }

  public static func packedBytes(outputs: Int, inputs: Int) -> Int {
    tk_int8_packed_bytes(Int64(outputs), Int64(inputs))
  }
}

extension Compute {
  /// Quantises weights [outputs, inputs] into `target` with the factors that `target` has.
  public func quantize(_ weights: StoredFloats, into target: Int8Matrix) {
    precondition(
      target.inputs <= quantized.columns,
      "\(target.inputs) inputs do not fit the int8 scratch of \(quantized.columns)")
    pool.run(
      tk_int8_pack,
      tk_int8_pack_args(
        N: Int64(target.outputs), K: Int64(target.inputs), w: weights.base, type: weights.type.kernel,
        codes: target.codes,
        scales: target.scales, row_sums: target.rowSums, factors: target.factors,
        workspace: quantized.prepared))
  }

  /// Writes the float32 values of an int8 matrix to `weights` [outputs, inputs].
  public func dequantize(_ source: Int8Matrix, into weights: UnsafeMutablePointer<Float>) {
    unpack(source, nil, to: Matrix(weights, source.outputs, source.inputs))
  }

  /// y(i) = row ids[i] of the matrix as float32, or row i if `ids` is nil.
  func unpack(_ source: Int8Matrix, _ ids: UnsafePointer<Int32>?, to y: Matrix) {
    precondition(y.columns == source.inputs)
    pool.run(
      tk_int8_unpack,
      tk_int8_unpack_args(
        rows: Int64(y.rows), K: Int64(source.inputs), ids: ids, codes: source.codes,
        scales: source.scales, factors: source.factors, w: y.base, w_row: Int64(y.stride)))
  }
}
