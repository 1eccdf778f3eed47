import CKernels

/// Which elements of a sub-layer's output a training step leaves out, and what the others are worth.
///
/// The mask is a function of seed, step, token, column and site, so that it depends on no split into
/// passes, is drawn again by the backward pass, and comes back when training resumes.
public struct Dropout: Sendable {
  private let key: UInt64
  private let threshold: UInt32
  private let scale: Float
  /// The number of the pass's first token within the step.
  public var firstToken = 0

  /// - Parameters:
  ///   - probability: of leaving an element out, in 0..<1.
  ///   - key: of the step.
  public init(probability: Double, key: UInt64) {
    precondition((0..<1).contains(probability), "dropout of \(probability)")
    self.key = key
    threshold = UInt32(probability * 0x1p32)
    scale = Float(1 / (1 - probability))
  }

  fileprivate func arguments(_ x: Matrix, _ from: Matrix?, _ y: Matrix, site: Int) -> tk_dropout_args {
    tk_dropout_args(
      rows: Int64(x.rows), width: Int64(x.columns), x: x.base, from: from?.base, y: y.base,
      key: (UInt32(truncatingIfNeeded: key), UInt32(truncatingIfNeeded: key >> 32)),
      site: UInt32(site), threshold: threshold, first_row: Int64(firstToken), scale: scale)
  }
}

extension Compute {
  /// y = addend + dropout(x), or dropout(x); contiguous, and y may be either of them. The same site has
  /// the same mask: this is its own backward pass.
  public func drop(
    _ x: Matrix, _ dropout: Dropout, site: Int, addingTo addend: Matrix? = nil, to y: Matrix
  ) {
    precondition(x.columns == y.columns && x.rows == y.rows)
    pool.run(tk_dropout, dropout.arguments(x, addend, y, site: site))
  }
}
