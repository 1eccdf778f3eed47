import CKernels
import Support

extension Compute {
  /// y(i) = table(ids[i]). y [T, d].
  public func gather(_ table: WeightMatrix, _ ids: UnsafePointer<Int32>, to y: Matrix) {
    switch table {
    case .floats(let rows): gather(rows.base, rows.type, ids, to: y, accumulate: false)
    case .int8(let matrix): unpack(matrix, ids, to: y)
    }
  }

  /// y(i) = table(ids[i]), or y(i) += table(ids[i]) if `accumulate`. y [T, d], table [V, d].
  public func gather(
    _ table: UnsafePointer<Float>, _ ids: UnsafePointer<Int32>, to y: Matrix,
    accumulate: Bool = false
  ) {
    gather(table, .float32, ids, to: y, accumulate: accumulate)
  }

  private func gather(
    _ table: UnsafeRawPointer, _ type: ElementType, _ ids: UnsafePointer<Int32>, to y: Matrix, accumulate: Bool
  ) {
    pool.run(
      tk_gather,
      tk_gather_args(
        rows: Int64(y.rows), width: Int64(y.columns), ids: ids, table: table, type: type.kernel, y: y.base,
        accumulate: accumulate ? 1 : 0))
  }

  /// table(ids[i]) += dy(i), rows ascending.
  public func scatter(
    _ dy: Matrix, _ ids: UnsafePointer<Int32>, addTo table: UnsafeMutablePointer<Float>
  ) {
    pool.run(
      tk_scatter,
      tk_scatter_args(
        rows: Int64(dy.rows), width: Int64(dy.columns), ids: ids, dy: dy.base, table: table))
  }

  /// Rotates the first `table.rotary` elements of each head in place. `inverse` rotates back; it is the backward pass.
  public func rotate(
    _ x: Matrix, heads: Int, headDim: Int, positions: UnsafePointer<Int32>, _ table: RotaryTable,
    inverse: Bool = false
  ) {
    precondition(x.columns >= heads * headDim)
    pool.run(
      tk_rotary,
      tk_rotary_args(
        rows: Int64(x.rows), heads: Int64(heads), head_dim: Int64(headDim),
        rotary: Int64(table.rotary), positions: positions, cosine: table.cosine, sine: table.sine,
        x: x.base, x_row: Int64(x.stride), inverse: inverse ? 1 : 0))
  }
}
