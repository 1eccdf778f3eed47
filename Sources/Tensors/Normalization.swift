import CKernels

/// LayerNorm or RMSNorm, with a scale and an optional bias beta.
public struct Norm: @unchecked Sendable {
  public let width: Int
  public let gamma: UnsafeMutablePointer<Float>
  public let beta: UnsafeMutablePointer<Float>?
  public let epsilon: Float
  public let isRMS: Bool
  /// Whether the scale is 1 + gamma, as in Gemma, instead of gamma.
  public let hasUnitOffset: Bool

  public init(
    width: Int, gamma: UnsafeMutablePointer<Float>, beta: UnsafeMutablePointer<Float>?,
    epsilon: Float, isRMS: Bool, hasUnitOffset: Bool = false
  ) {
    self.width = width
    self.gamma = gamma
    self.beta = beta
    self.epsilon = epsilon
    self.isRMS = isRMS
    self.hasUnitOffset = hasUnitOffset
  }
}

/// Statistics of each row that a norm's backward pass needs, [rows] each.
public struct NormStatistics: @unchecked Sendable {
  public let mean: UnsafeMutablePointer<Float>
  public let rstd: UnsafeMutablePointer<Float>

  public init(mean: UnsafeMutablePointer<Float>, rstd: UnsafeMutablePointer<Float>) {
    self.mean = mean
    self.rstd = rstd
  }
}

extension Compute {
  /// y = norm(x), [T, d] both, contiguous.
  public func normalize(_ norm: Norm, _ x: Matrix, to y: Matrix, _ statistics: NormStatistics?) {
    precondition(x.columns == norm.width && y.columns == norm.width && x.rows == y.rows)
    pool.run(tk_norm, arguments(norm, x, to: y, statistics))
  }

  func arguments(_ norm: Norm, _ x: Matrix, to y: Matrix, _ statistics: NormStatistics?)
    -> tk_norm_args
  {
    tk_norm_args(
      rows: Int64(x.rows), width: Int64(norm.width), x: x.base, gamma: norm.gamma,
      beta: norm.beta, epsilon: norm.epsilon, rms: norm.isRMS ? 1 : 0,
      unit_offset: norm.hasUnitOffset ? 1 : 0, y: y.base, mean: statistics?.mean, rstd: statistics?.rstd)
  }

  /// dx += ∂L/∂x. Adds to the gamma and beta of `gradient` if it is given. If `y` is given, it receives the output of
  /// the forward pass, with the same bits.
  public func normalizeBackward(
    _ norm: Norm, gradient: Norm?, dy: Matrix, x: Matrix, _ statistics: NormStatistics,
    addTo dx: Matrix, y: Matrix? = nil
  ) {
    precondition(dy.columns == norm.width && x.rows == dy.rows && dx.rows == dy.rows)
    let arguments = tk_norm_backward_args(
      rows: Int64(x.rows), width: Int64(norm.width), dy: dy.base, x: x.base, gamma: norm.gamma,
      mean: statistics.mean, rstd: statistics.rstd, rms: norm.isRMS ? 1 : 0,
      unit_offset: norm.hasUnitOffset ? 1 : 0, dx: dx.base, beta: norm.beta, y: y?.base,
      dgamma: gradient?.gamma, dbeta: gradient?.beta)
    pool.run(tk_norm_backward_input, arguments)
    if gradient != nil { pool.run(tk_norm_backward_parameters, arguments) }
  }
}

/// RMSNorm of each query or key head on its own. All heads share one gamma [headDim].
public struct HeadNorm: @unchecked Sendable {
  public let heads: Int
  public let headDim: Int
  public let gamma: UnsafeMutablePointer<Float>
  public let epsilon: Float
  /// As in `Norm`.
  public let hasUnitOffset: Bool

  public init(
    heads: Int, headDim: Int, gamma: UnsafeMutablePointer<Float>, epsilon: Float,
    hasUnitOffset: Bool = false
  ) {
    self.heads = heads
    self.headDim = headDim
    self.gamma = gamma
    self.epsilon = epsilon
    self.hasUnitOffset = hasUnitOffset
  }
}

extension Compute {
  /// y = norm(x), [T, heads·headDim] both, with any strides; y may be x.
  ///
  /// - Parameter rstd: [T, heads], written for a backward pass; nil if there is none.
  public func normalize(
    _ norm: HeadNorm, _ x: Matrix, to y: Matrix, rstd: UnsafeMutablePointer<Float>?
  ) {
    precondition(x.columns == norm.heads * norm.headDim && y.columns == x.columns && x.rows == y.rows)
    pool.run(
      tk_head_norm,
      tk_head_norm_args(
        rows: Int64(x.rows), heads: Int64(norm.heads), head_dim: Int64(norm.headDim), x: x.base,
        x_row: Int64(x.stride), gamma: norm.gamma, epsilon: norm.epsilon,
        unit_offset: norm.hasUnitOffset ? 1 : 0, y: y.base, y_row: Int64(y.stride), rstd: rstd))
  }

  /// dy ← ∂L/∂x. Adds to the gamma of `gradient` if it is given.
  public func normalizeBackward(
    _ norm: HeadNorm, gradient: HeadNorm?, dy: Matrix, x: Matrix, rstd: UnsafePointer<Float>
  ) {
    precondition(x.columns == norm.heads * norm.headDim && dy.columns == x.columns && x.rows == dy.rows)
    let arguments = tk_head_norm_backward_args(
      rows: Int64(x.rows), heads: Int64(norm.heads), head_dim: Int64(norm.headDim), x: x.base,
      x_row: Int64(x.stride), gamma: norm.gamma, rstd: rstd,
      unit_offset: norm.hasUnitOffset ? 1 : 0, dy: dy.base, dy_row: Int64(dy.stride), dgamma: gradient?.gamma)
    if gradient != nil { pool.run(tk_head_norm_backward_parameters, arguments) }
    pool.run(tk_head_norm_backward_input, arguments)
  }
}
