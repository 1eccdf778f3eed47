/// AdamW in float64, as its two sources write it; what the kernel is compared with.
struct AdamWReference {
  var learningRate, beta1, beta2, epsilon, weightDecay: Double
  var isTensorFlowForm: Bool
  private(set) var step = 0
  private var m: [Double] = []
  private var v: [Double] = []

  init(
    learningRate: Double, beta1: Double, beta2: Double, epsilon: Double, weightDecay: Double,
    isTensorFlowForm: Bool
  ) {
    self.learningRate = learningRate
    self.beta1 = beta1
    self.beta2 = beta2
    self.epsilon = epsilon
    self.weightDecay = weightDecay
    self.isTensorFlowForm = isTensorFlowForm
  }

  mutating func update(_ parameters: inout [Double], gradients: [Double]) {
    if m.isEmpty {
      m = Array(repeating: 0, count: parameters.count)
      v = m
    }
    step += 1
    var (power1, power2) = (1.0, 1.0)
    for _ in 0..<step {
      power1 *= beta1
      power2 *= beta2
    }
    let (c1, c2) = (1 - power1, 1 - power2)
    for i in parameters.indices {
      m[i] = beta1 * m[i] + (1 - beta1) * gradients[i]
      v[i] = beta2 * v[i] + (1 - beta2) * gradients[i] * gradients[i]
      let direction =
        isTensorFlowForm
        ? c2.squareRoot() / c1 * m[i] / (v[i].squareRoot() + epsilon)
        : (m[i] / c1) / ((v[i] / c2).squareRoot() + epsilon)
      parameters[i] -= learningRate * (weightDecay * parameters[i] + direction)
    }
  }
}
