import CKernels

extension Compute {
  /// Computes log Σ exp, the log-probability of `targets` and the entropy of each row of `logits` [R, V], after
  /// multiplication by `inverseTemperature`.
  public func logSoftmax(
    _ logits: Matrix, inverseTemperature: Float, targets: UnsafePointer<Int32>,
    lse: UnsafeMutablePointer<Float>, logprob: UnsafeMutablePointer<Float>,
    entropy: UnsafeMutablePointer<Float>?
  ) {
    pool.run(
      tk_log_softmax,
      tk_log_softmax_args(
        rows: Int64(logits.rows), vocabulary: Int64(logits.columns), logits: logits.base,
        inverse_temperature: inverseTemperature, targets: targets, lse: lse, logprob: logprob,
        entropy: entropy))
  }

  /// logits ← ∂L/∂logits, computed from ∂L/∂logprob of each row.
  public func logSoftmaxBackward(
    _ logits: Matrix, inverseTemperature: Float, targets: UnsafePointer<Int32>,
    lse: UnsafePointer<Float>, dLogprob: UnsafePointer<Float>
  ) {
    pool.run(
      tk_log_softmax_backward,
      tk_log_softmax_backward_args(
        rows: Int64(logits.rows), vocabulary: Int64(logits.columns), logits: logits.base,
        inverse_temperature: inverseTemperature, targets: targets, lse: lse, d_logprob: dLogprob))
  }

  /// Samples one token per row; inverse temperature 0 chooses the most probable token.
  public func sample(
    _ logits: Matrix, inverseTemperature: Float, uniform: UnsafePointer<Float>,
    tokens: UnsafeMutablePointer<Int32>, logprob: UnsafeMutablePointer<Float>
  ) {
    pool.run(
      tk_sample,
      tk_sample_args(
        rows: Int64(logits.rows), vocabulary: Int64(logits.columns), logits: logits.base,
        inverse_temperature: inverseTemperature, uniform: uniform, tokens: tokens,
        logprob: logprob))
  }
}
