import CKernels

/// Dropout of a training step: which elements of a sub-layer's output become 0, and the factor of the others.
///
/// The mask is a function of seed, step, token, column and site. So it does not depend on the split into passes, the
/// backward pass computes it again, and it is the same when training resumes.
public struct Dropout: Sendable {
  private let key: UInt64
  private let threshold: UInt32
  private let scale: Float
  /// Index, within the step, of the first token of the pass.
  public var firstToken = 0

  /// - Parameters:
  ///   - probability: the probability that an element becomes 0, in 0..<1.
  ///   - key: the random key of the step.
  public init(probability: Double, key: UInt64) {
    precondition((0..<1).contains(probability), "dropout of \(probability)")
    self.key = key
    threshold = UInt32(probability * 0x1p32)
    scale = Float(1 / (1 - probability))
  }

  fileprivate func arguments(_ x: Matrix, addingTo from: Matrix?, to y: Matrix, site: Int) -> tk_dropout_args {
    tk_dropout_args(
      rows: Int64(x.rows), width: Int64(x.columns), x: x.base, from: from?.base, y: y.base,
      key: (UInt32(truncatingIfNeeded: key), UInt32(truncatingIfNeeded: key >> 32)),
      site: UInt32(site), threshold: threshold, first_row: Int64(firstToken), scale: scale)
  }
}

extension Compute {
  /// y = addend + dropout(x), or dropout(x). All matrices are contiguous; y may be x or addend. The mask depends on the
  /// site only, so the same call is also the backward pass.
  public func drop(
    _ x: Matrix, _ dropout: Dropout, site: Int, addingTo addend: Matrix? = nil, to y: Matrix
  ) {
    precondition(x.columns == y.columns && x.rows == y.rows)
    pool.run(tk_dropout, dropout.arguments(x, addingTo: addend, to: y, site: site))
  }
}
