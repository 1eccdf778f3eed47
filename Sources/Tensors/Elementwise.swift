import CKernels
import Support

extension Activation {
  package var code: tk_activation {
    switch self {
    case .geluTanh: TK_GELU_TANH
    case .geluExact: TK_GELU_EXACT
    case .silu: TK_SILU
    }
  }
}

extension Compute {
  /// y = act(x), [T, f] both or, if `gated`, y = act(gate)·up with x = [gate | up], [T, 2f] to [T, f]. Both matrices
  /// are contiguous.
  public func activate(_ x: Matrix, to y: Matrix, _ activation: Activation, gated: Bool) {
    pool.run(tk_activate, arguments(x, to: y, activation, gated: gated))
  }

  func arguments(_ x: Matrix, to y: Matrix, _ activation: Activation, gated: Bool) -> tk_activate_args {
    precondition(x.columns == (gated ? 2 : 1) * y.columns && x.rows == y.rows)
    return tk_activate_args(
      rows: Int64(y.rows), width: Int64(y.columns), x: x.base, y: y.base, activation: activation.code,
      gated: gated ? 1 : 0)
  }

  /// x ← its gradient, from dy; dy ← the output of the forward pass, with the same bits. The shapes are those of
  /// `activate`.
  public func activateBackward(_ x: Matrix, dy: Matrix, _ activation: Activation, gated: Bool) {
    precondition(x.columns == (gated ? 2 : 1) * dy.columns && x.rows == dy.rows)
    pool.run(
      tk_activate_backward,
      tk_activate_backward_args(
        rows: Int64(dy.rows), width: Int64(dy.columns), x: x.base, dy: dy.base, dx: x.base, y: dy.base,
        activation: activation.code, gated: gated ? 1 : 0))
  }

  /// y = cap·tanh(scale·x / cap), or scale·x if cap is 0; y may be x.
  public func cap(_ x: Matrix, to y: Matrix, scale: Float, cap: Float) {
    pool.run(
      tk_cap,
      tk_cap_args(count: Int64(x.rows * x.columns), x: x.base, y: y.base, scale: scale, cap: cap))
  }

  /// dy ← the gradient of `cap`'s x, from its output y. y is not read if cap is 0.
  public func capBackward(_ y: Matrix, dy: Matrix, scale: Float, cap: Float) {
    pool.run(
      tk_cap_backward,
      tk_cap_backward_args(
        count: Int64(dy.rows * dy.columns), y: y.base, dy: dy.base, dx: dy.base, scale: scale, cap: cap))
  }

  /// y += x over `count` elements.
  public func add(_ x: UnsafePointer<Float>, to y: UnsafeMutablePointer<Float>, count: Int) {
    pool.run(tk_add, tk_add_args(count: Int64(count), x: x, y: y))
  }

  /// y = addend + scale·x, or scale·x. All matrices are contiguous; y may be x or addend. With dy as x, the same call
  /// is also the backward pass.
  public func scaleAdd(_ x: Matrix, scale: Float, addingTo addend: Matrix? = nil, to y: Matrix) {
    precondition(x.columns == y.columns && x.rows == y.rows)
    pool.run(
      tk_scale_add,
      tk_scale_add_args(
        count: Int64(x.rows * x.columns), scale: scale, x: x.base, addend: addend?.base, y: y.base))
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
