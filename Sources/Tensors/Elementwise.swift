import CKernels

/// The form of GELU: exact, with the normal distribution function, or GPT-2's tanh approximation.
public enum GELUForm: Sendable { case exact, tanh }

extension Compute {
  /// y = GELU(x).
  public func gelu(_ x: Matrix, to y: Matrix, _ form: GELUForm) {
    pool.run(tk_gelu, arguments(x, to: y, form))
  }

  func arguments(_ x: Matrix, to y: Matrix, _ form: GELUForm) -> tk_gelu_args {
    tk_gelu_args(
      count: Int64(x.rows * x.columns), x: x.base, y: y.base, exact: form == .exact ? 1 : 0)
  }

  /// x ← dy·GELU'(x), and dy ← GELU(x), with the same bits as in the forward pass.
  public func geluBackward(_ x: Matrix, dy: Matrix, _ form: GELUForm) {
    pool.run(
      tk_gelu_backward,
      tk_gelu_backward_args(
        count: Int64(x.rows * x.columns), x: x.base, dy: dy.base, dx: x.base, y: dy.base,
        exact: form == .exact ? 1 : 0))
  }

  /// y = silu(gate)·up with x = [gate | up], [T, 2f] to [T, f].
  public func swiglu(_ x: Matrix, to y: Matrix) {
    precondition(x.columns == 2 * y.columns)
    pool.run(
      tk_swiglu,
      tk_swiglu_args(rows: Int64(x.rows), width: Int64(y.columns), x: x.base, y: y.base))
  }

  /// x [T, 2f] ← its gradient, from dy [T, f]; dy ← silu(gate)·up, with the same bits as in the forward pass.
  public func swigluBackward(_ x: Matrix, dy: Matrix) {
    precondition(x.columns == 2 * dy.columns)
    pool.run(
      tk_swiglu_backward,
      tk_swiglu_backward_args(
        rows: Int64(x.rows), width: Int64(dy.columns), x: x.base, dy: dy.base, dx: x.base,
        y: dy.base))
  }

  /// y += x over `count` elements.
  public func add(_ x: UnsafePointer<Float>, to y: UnsafeMutablePointer<Float>, count: Int) {
    pool.run(tk_add, tk_add_args(count: Int64(count), x: x, y: y))
  }

  /// average = decay·average + (1 − decay)·x.
  public func average(
    _ x: UnsafePointer<Float>, into average: UnsafeMutablePointer<Float>, count: Int, decay: Float
  ) {
    pool.run(tk_lerp, tk_lerp_args(count: Int64(count), decay: decay, x: x, y: average))
  }

  /// y(i) = x(i)·w + bias, as in the scalar head. y [T].
  public func rowDot(
    _ x: Matrix, _ w: UnsafePointer<Float>, bias: Float, to y: UnsafeMutablePointer<Float>
  ) {
    pool.run(
      tk_row_dot,
      tk_row_dot_args(
        rows: Int64(x.rows), width: Int64(x.columns), x: x.base, x_row: Int64(x.stride), w: w,
        bias: bias, y: y))
  }

  /// dx(i) += dy(i)·w and, if `dw` is given, dw += Σ dy(i)·x(i).
  public func rowDotBackward(
    _ x: Matrix, _ w: UnsafePointer<Float>, dy: UnsafePointer<Float>, addTo dx: Matrix,
    dw: UnsafeMutablePointer<Float>?
  ) {
    let arguments = tk_row_dot_backward_args(
      rows: Int64(x.rows), width: Int64(x.columns), x: x.base, x_row: Int64(x.stride), w: w,
      dy: dy, dx: dx.base, dx_row: Int64(dx.stride), dw: dw)
    pool.run(tk_row_dot_backward_input, arguments)
    if dw != nil { pool.run(tk_row_dot_backward_weight, arguments) }
  }

  /// Σ x² in float64, over fixed blocks of 4,096 elements in ascending order. `scratch` has ⌈count/4096⌉ elements.
  public func sumOfSquares(
    _ x: UnsafePointer<Float>, count: Int, scratch: UnsafeMutablePointer<Double>
  ) -> Double {
    pool.run(tk_sum_squares, tk_sum_squares_args(count: Int64(count), x: x, sums: scratch))
    var sum = 0.0
    for block in 0..<(count + 4095) / 4096 { sum += scratch[block] }
    return sum
  }
}
