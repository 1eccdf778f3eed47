import CKernels

/// LayerNorm or RMSNorm: gamma and, for LayerNorm with a bias, beta.
public struct Norm: @unchecked Sendable {
  public let width: Int
  public let gamma: UnsafeMutablePointer<Float>
  public let beta: UnsafeMutablePointer<Float>?
  public let epsilon: Float
  public let isRMS: Bool

  public init(
    width: Int, gamma: UnsafeMutablePointer<Float>, beta: UnsafeMutablePointer<Float>?,
    epsilon: Float, isRMS: Bool
  ) {
    self.width = width
    self.gamma = gamma
    self.beta = beta
    self.epsilon = epsilon
    self.isRMS = isRMS
  }
}

/// Per-row statistics that a norm's backward pass needs, [rows] each.
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
    pool.run(tk_norm, arguments(norm, x, y, statistics))
  }

  func arguments(_ norm: Norm, _ x: Matrix, _ y: Matrix, _ statistics: NormStatistics?)
    -> tk_norm_args
  {
    tk_norm_args(
      rows: Int64(x.rows), width: Int64(norm.width), x: x.base, gamma: norm.gamma,
      beta: norm.beta, epsilon: norm.epsilon, rms: norm.isRMS ? 1 : 0, y: y.base,
      mean: statistics?.mean, rstd: statistics?.rstd)
  }

  /// dx += ∂L/∂x; the gradient's gamma and beta are added to, when there is a gradient. `y` becomes
  /// what the forward pass gave, with the same bits.
  public func normalizeBackward(
    _ norm: Norm, gradient: Norm?, dy: Matrix, x: Matrix, _ statistics: NormStatistics,
    addTo dx: Matrix, y: Matrix? = nil
  ) {
    precondition(dy.columns == norm.width && x.rows == dy.rows && dx.rows == dy.rows)
    let arguments = tk_norm_backward_args(
      rows: Int64(x.rows), width: Int64(norm.width), dy: dy.base, x: x.base, gamma: norm.gamma,
      mean: statistics.mean, rstd: statistics.rstd, rms: norm.isRMS ? 1 : 0, dx: dx.base,
      beta: norm.beta, y: y?.base, dgamma: gradient?.gamma, dbeta: gradient?.beta)
    pool.run(tk_norm_backward_input, arguments)
    if gradient != nil { pool.run(tk_norm_backward_parameters, arguments) }
  }
}
