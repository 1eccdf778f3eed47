import CKernels

/// The scalars of one AdamW step.
public struct AdamWStep: Sendable {
  public var learningRate: Float
  public var beta1: Float
  public var beta2: Float
  public var epsilon: Float
  public var weightDecay: Float
  /// 1 − β₁ᵗ and 1 − β₂ᵗ.
  public var correction1: Float
  public var correction2: Float
  public var gradientScale: Float
  /// Whether ε is added to √v before the bias correction, as in TensorFlow.
  public var isTensorFlowForm: Bool

  public init(
    learningRate: Float, beta1: Float, beta2: Float, epsilon: Float, weightDecay: Float,
    correction1: Float, correction2: Float, gradientScale: Float, isTensorFlowForm: Bool
  ) {
    self.learningRate = learningRate
    self.beta1 = beta1
    self.beta2 = beta2
    self.epsilon = epsilon
    self.weightDecay = weightDecay
    self.correction1 = correction1
    self.correction2 = correction2
    self.gradientScale = gradientScale
    self.isTensorFlowForm = isTensorFlowForm
  }
}

extension Compute {
  /// Takes one step on `count` parameters `p` with gradients `g` and moments `m`, `v`.
  public func adamW(
    _ step: AdamWStep, count: Int, p: UnsafeMutablePointer<Float>, g: UnsafePointer<Float>,
    m: UnsafeMutablePointer<Float>, v: UnsafeMutablePointer<Float>
  ) {
    pool.run(
      tk_adamw,
      tk_adamw_args(
        count: Int64(count), p: p, m: m, v: v, g: g, learning_rate: step.learningRate,
        beta1: step.beta1, beta2: step.beta2, epsilon: step.epsilon,
        weight_decay: step.weightDecay, correction1: step.correction1,
        correction2: step.correction2, gradient_scale: step.gradientScale,
        tensorflow_form: step.isTensorFlowForm ? 1 : 0))
  }
}
