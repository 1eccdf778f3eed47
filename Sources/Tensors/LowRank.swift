import CKernels

/// A low-rank adapter of a projection (Hu et al. 2021): it adds scale·(x·Aᵀ)·Bᵀ.
public struct LowRank: @unchecked Sendable {
  public let rank: Int
  public let inputs: Int
  public let outputs: Int
  /// A, [rank, inputs].
  public let a: UnsafeMutablePointer<Float>
  /// B, [outputs, rank].
  public let b: UnsafeMutablePointer<Float>
  public let scale: Float

  public init(
    rank: Int, inputs: Int, outputs: Int, a: UnsafeMutablePointer<Float>, b: UnsafeMutablePointer<Float>,
    scale: Float
  ) {
    self.rank = rank
    self.inputs = inputs
    self.outputs = outputs
    self.a = a
    self.b = b
    self.scale = scale
  }
}

/// The gradient of the part of a projection that learns.
public enum LinearGradient: @unchecked Sendable {
  /// The gradients of weight and bias, in the projection's shape.
  case full(Linear)
  /// The gradients of A and B of its adapter.
  case lowRank(LowRank)
  /// Nothing learns: no product is computed, and no memory is used.
  case none

  /// Whether a part of the projection learns.
  public var isLearnt: Bool {
    if case .none = self { false } else { true }
  }
}

/// Scratch memory for the narrow side of adapters, two buffers of [rows, rank].
struct LowRankScratch {
  let rows: Int
  let rank: Int
  private let inner: UnsafeMutablePointer<Float>
  private let gradient: UnsafeMutablePointer<Float>

  init(arena: Arena, rows: Int, rank: Int) throws {
    self.rows = rows
    self.rank = rank
    inner = try arena.floats("workspace/adapters", rows * rank)
    gradient = try arena.floats("workspace/adapter gradients", rows * rank)
  }

  func inner(rows: Int, rank: Int) -> Matrix { matrix(inner, rows: rows, rank: rank) }
  func gradient(rows: Int, rank: Int) -> Matrix { matrix(gradient, rows: rows, rank: rank) }

  private func matrix(_ base: UnsafeMutablePointer<Float>, rows: Int, rank: Int) -> Matrix {
    precondition(
      rows <= self.rows && rank <= self.rank,
      "an adapter of rank \(rank) over \(rows) rows does not fit the scratch of \(self.rank) and \(self.rows)")
    return Matrix(base, rows, rank)
  }
}

extension Compute {
  /// y += scale·(x·Aᵀ)·Bᵀ. x [T, inputs], y [T, outputs].
  func apply(_ adapter: LowRank, _ x: Matrix, addTo y: Matrix) {
    let inner = inner(adapter, x)
    product(inner, adapter.b, rows: adapter.outputs, stride: adapter.rank, to: y, adds: true)
  }

  /// dx += scale·(dy·B)·A.
  func backwardInput(_ adapter: LowRank, dy: Matrix, addTo dx: Matrix) {
    product(
      innerGradient(adapter, dy), transposing: adapter.a, columns: adapter.inputs, to: dx, adds: true)
  }

  /// dB += dyᵀ·scale·(x·Aᵀ), dA += (scale·dy·B)ᵀ·x, tokens ascending. Without `accumulate`, both are overwritten.
  func backwardWeight(
    _ adapter: LowRank, gradient: LowRank, dy: Matrix, x: Matrix, accumulate: Bool
  ) {
    let full = { (rows: Int, columns: Int, base: UnsafeMutablePointer<Float>) in
      Linear(inputs: columns, outputs: rows, weight: .float32(base), bias: nil)
    }
    backwardWeight(
      full(adapter.outputs, adapter.rank, gradient.b), dy: dy, x: inner(adapter, x), accumulate: accumulate)
    backwardWeight(
      full(adapter.rank, adapter.inputs, gradient.a), dy: innerGradient(adapter, dy), x: x,
      accumulate: accumulate)
  }

  private var scratch: LowRankScratch {
    guard let lowRank else { preconditionFailure("this Compute has no scratch memory for adapters") }
    return lowRank
  }

  /// scale·x·Aᵀ, [T, rank], in scratch memory.
  private func inner(_ adapter: LowRank, _ x: Matrix) -> Matrix {
    let inner = scratch.inner(rows: x.rows, rank: adapter.rank)
    product(x, adapter.a, rows: adapter.rank, stride: adapter.inputs, to: inner, adds: false)
    scale(inner, by: adapter.scale)
    return inner
  }

  /// scale·dy·B, [T, rank], in scratch memory.
  private func innerGradient(_ adapter: LowRank, _ dy: Matrix) -> Matrix {
    let inner = scratch.gradient(rows: dy.rows, rank: adapter.rank)
    product(dy, transposing: adapter.b, columns: adapter.rank, to: inner, adds: false)
    scale(inner, by: adapter.scale)
    return inner
  }

  /// y (+)= x·Mᵀ, M [rows, x.columns].
  private func product(
    _ x: Matrix, _ m: UnsafeMutablePointer<Float>, rows: Int, stride: Int, to y: Matrix, adds: Bool
  ) {
    pool.run(
      tk_gemm,
      tk_gemm_args(
        M: Int64(x.rows), N: Int64(rows), K: Int64(x.columns), A: x.base, a_row: Int64(x.stride),
        a_column: 1, B: m, b_type: TK_FLOAT32, b_row: 1, b_column: Int64(stride), C: y.base, c_row: Int64(y.stride),
        from: adds ? y.base : nil, from_row: Int64(y.stride), bias: nil, workspace: gemmWorkspace))
  }

  /// y (+)= x·M, M [x.columns, columns].
  private func product(
    _ x: Matrix, transposing m: UnsafeMutablePointer<Float>, columns: Int, to y: Matrix, adds: Bool
  ) {
    pool.run(
      tk_gemm,
      tk_gemm_args(
        M: Int64(x.rows), N: Int64(columns), K: Int64(x.columns), A: x.base, a_row: Int64(x.stride),
        a_column: 1, B: m, b_type: TK_FLOAT32, b_row: Int64(columns), b_column: 1, C: y.base, c_row: Int64(y.stride),
        from: adds ? y.base : nil, from_row: Int64(y.stride), bias: nil, workspace: gemmWorkspace))
  }

  /// x ← factor·x, on one thread because x is small.
  private func scale(_ x: Matrix, by factor: Float) {
    for i in 0..<x.rows * x.columns { x.base[i] *= factor }
  }
}
