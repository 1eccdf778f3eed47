import CKernels
import Support

/// y = x·Wᵀ + b: every projection of every architecture.
public struct Linear: @unchecked Sendable {
  public let inputs: Int
  public let outputs: Int
  public let weight: WeightMatrix
  public let bias: UnsafeMutablePointer<Float>?
  /// The low-rank adapter whose output is added to the product; nil for none.
  public var adapter: LowRank?

  public init(
    inputs: Int, outputs: Int, weight: WeightMatrix, bias: UnsafeMutablePointer<Float>?, adapter: LowRank? = nil
  ) {
    self.inputs = inputs
    self.outputs = outputs
    self.weight = weight
    self.bias = bias
    self.adapter = adapter
  }

  public var isInt8: Bool { int8 != nil }

  /// The int8 weights; nil if the weights are not int8.
  var int8: Int8Matrix? {
    guard case .int8(let matrix) = weight else { return nil }
    return matrix
  }

  /// The weights as they are stored, if they are not int8.
  package var stored: StoredFloats { weight.stored }
}

/// The input of a projection: a matrix whose int8 codes may already be in the scratch memory.
public struct Operand {
  package let matrix: Matrix
  let isQuantized: Bool

  public init(_ matrix: Matrix) { self.init(matrix: matrix, isQuantized: false) }

  init(matrix: Matrix, isQuantized: Bool) {
    self.matrix = matrix
    self.isQuantized = isQuantized
  }
}

extension Compute {
  /// y = x·Wᵀ + b, or addend + x·Wᵀ + b. x [T, inputs], y and addend [T, outputs]; addend may be y.
  public func apply(_ linear: Linear, _ x: Matrix, to y: Matrix, addingTo addend: Matrix? = nil) {
    apply(linear, Operand(matrix: x, isQuantized: false), to: y, addingTo: addend)
  }

  /// The same for an operand that `normalize` or an activation has prepared for this projection.
  public func apply(
    _ linear: Linear, _ operand: Operand, to y: Matrix, addingTo addend: Matrix? = nil
  ) {
    let x = operand.matrix
    defer { if let adapter = linear.adapter { apply(adapter, x, addTo: y) } }
    precondition(
      x.columns == linear.inputs && y.columns == linear.outputs && x.rows == y.rows,
      "x \(x.rows)×\(x.columns), W \(linear.outputs)×\(linear.inputs), y \(y.rows)×\(y.columns)")
    switch linear.weight {
    case .floats(let weight):
      pool.run(
        tk_gemm,
        tk_gemm_args(
          M: Int64(x.rows), N: Int64(linear.outputs), K: Int64(linear.inputs),
          A: x.base, a_row: Int64(x.stride), a_column: 1,
          B: weight.base, b_type: weight.type.kernel, b_row: 1, b_column: Int64(linear.inputs),
          C: y.base, c_row: Int64(y.stride), from: addend?.base,
          from_row: Int64(addend?.stride ?? 0), bias: linear.bias, workspace: gemmWorkspace))
    case .int8(let weight):
      precondition(addend == nil || addend!.base == y.base, "an int8 product adds in place")
      if !operand.isQuantized { quantizeRows(x, for: weight) }
      pool.run(
        tk_int8_gemm,
        tk_int8_gemm_args(
          M: Int64(x.rows), N: Int64(weight.outputs), K: Int64(weight.inputs),
          x: quantized.codes, x_scales: quantized.scales,
          w: weight.codes, w_scales: weight.scales, row_sums: weight.rowSums, bias: linear.bias,
          y: y.base, y_row: Int64(y.stride), accumulate: addend == nil ? 0 : 1))
    }
  }

  /// Quantises the rows of x for a product with `weight`. If a norm or an activation is given, each row of x is first
  /// computed by it.
  private func quantizeRows(
    _ x: Matrix, for weight: Int8Matrix, norm: UnsafePointer<tk_norm_args>? = nil,
    activation: UnsafePointer<tk_activate_args>? = nil
  ) {
    precondition(
      x.rows <= quantized.rows && x.columns <= quantized.columns,
      "\(x.rows)×\(x.columns) activations do not fit the int8 scratch of \(quantized.rows)×\(quantized.columns)")
    pool.run(
      tk_int8_quantize,
      tk_int8_quantize_args(
        rows: Int64(x.rows), K: Int64(x.columns), x: x.base, x_row: Int64(x.stride),
        codes: quantized.codes, scales: quantized.scales, norm: norm,
        activation: activation, factors: weight.factors, workspace: quantized.prepared))
  }

  /// y = norm(x); already quantised if `linear` is int8. The operand is valid until the next one is made.
  public func normalize(
    _ norm: Norm, _ x: Matrix, to y: Matrix, _ statistics: NormStatistics?, for linear: Linear
  ) -> Operand {
    guard let weight = linear.int8 else {
      normalize(norm, x, to: y, statistics)
      return Operand(matrix: y, isQuantized: false)
    }
    withUnsafePointer(to: arguments(norm, x, to: y, statistics)) { quantizeRows(y, for: weight, norm: $0) }
    return Operand(matrix: y, isQuantized: true)
  }

  /// y = act(x) or, if `gated`, act(gate)·up with x = [gate | up]; already quantised if `linear` is int8.
  public func activate(
    _ x: Matrix, to y: Matrix, _ activation: Activation, gated: Bool, for linear: Linear
  ) -> Operand {
    guard let weight = linear.int8 else {
      activate(x, to: y, activation, gated: gated)
      return Operand(matrix: y, isQuantized: false)
    }
    withUnsafePointer(to: arguments(x, to: y, activation, gated: gated)) {
      quantizeRows(y, for: weight, activation: $0)
    }
    return Operand(matrix: y, isQuantized: true)
  }

  /// dx = dy·W, plus the adapter's gradient if there is an adapter. dy [T, outputs], dx [T, inputs].
  public func backwardInput(_ linear: Linear, dy: Matrix, to dx: Matrix) {
    precondition(
      dy.columns == linear.outputs && dx.columns == linear.inputs && dx.rows == dy.rows,
      "dy \(dy.rows)×\(dy.columns), W \(linear.outputs)×\(linear.inputs), dx \(dx.rows)×\(dx.columns)")
    let weight = linear.stored
    pool.run(
      tk_gemm,
      tk_gemm_args(
        M: Int64(dy.rows), N: Int64(linear.inputs), K: Int64(linear.outputs),
        A: dy.base, a_row: Int64(dy.stride), a_column: 1,
        B: weight.base, b_type: weight.type.kernel, b_row: Int64(linear.inputs), b_column: 1,
        C: dx.base, c_row: Int64(dx.stride), from: nil, from_row: 0, bias: nil,
        workspace: gemmWorkspace))
    if let adapter = linear.adapter { backwardInput(adapter, dy: dy, addTo: dx) }
  }

  /// Computes the weight gradient of a projection: of its weight and bias, of its adapter, or none.
  /// - Parameter accumulate: as in `backwardWeight`.
  public func backwardWeight(
    _ linear: Linear, _ gradient: LinearGradient, dy: Matrix, x: Matrix, accumulate: Bool = true
  ) {
    switch gradient {
    case .full(let gradient): backwardWeight(gradient, dy: dy, x: x, accumulate: accumulate)
    case .lowRank(let gradient):
      guard let adapter = linear.adapter else { preconditionFailure("the projection has no adapter") }
      backwardWeight(adapter, gradient: gradient, dy: dy, x: x, accumulate: accumulate)
    case .none: break
    }
  }

  /// dW += dyᵀ·x, db += Σ dy, tokens ascending: sums that continue over micro-batches have the same bits as sums over
  /// the whole batch. `gradient` has the shape of the layer. Without `accumulate`, dW is overwritten; db is always
  /// added to.
  public func backwardWeight(_ gradient: Linear, dy: Matrix, x: Matrix, accumulate: Bool = true) {
    precondition(
      dy.columns == gradient.outputs && x.columns == gradient.inputs && x.rows == dy.rows,
      "dy \(dy.rows)×\(dy.columns), x \(x.rows)×\(x.columns)")
    pool.run(
      tk_gemm,
      tk_gemm_args(
        M: Int64(gradient.outputs), N: Int64(gradient.inputs), K: Int64(dy.rows),
        A: dy.base, a_row: 1, a_column: Int64(dy.stride),
        B: x.base, b_type: TK_FLOAT32, b_row: Int64(x.stride), b_column: 1,
        C: gradient.weight.floats, c_row: Int64(gradient.inputs), from: accumulate ? gradient.weight.floats : nil,
        from_row: Int64(gradient.inputs), bias: nil, workspace: gemmWorkspace))
    if let bias = gradient.bias {
      pool.run(
        tk_column_sum,
        tk_column_sum_args(
          rows: Int64(dy.rows), width: Int64(dy.columns), x: dy.base, x_row: Int64(dy.stride),
          out: bias))
    }
  }
}
