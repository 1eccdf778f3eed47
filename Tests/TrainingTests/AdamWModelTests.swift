import Models
import Support
import Tensors
import Testing

@testable import Training

@Suite("AdamW over a model")
struct AdamWModelTests {
  /// Random gradients of norm `norm`.
  private func fill(_ gradients: ParameterSet, seed: UInt64, norm: Float) {
    var sum: Float = 0
    for (number, (tensor, base)) in gradients.tensors.enumerated() {
      var random = RandomStream(seed: seed, purpose: "gradients", index: UInt64(number))
      for i in 0..<tensor.count {
        base[i] = random.normal()
        sum += base[i] * base[i]
      }
    }
    for (tensor, base) in gradients.tensors {
      for i in 0..<tensor.count { base[i] *= norm / sum.squareRoot() }
    }
  }

  @Test(
    "every tensor moves as the papers say, clipped by the norm of all, matrices alone decaying",
    arguments: [false, true])
  func reference(tensorFlowForm: Bool) throws {
    let lab = try TinyLab()
    var options = AdamW.Options()
    options.weightDecay = 0.1
    options.tensorFlowForm = tensorFlowForm
    options.maxGradientNorm = 2
    let parameters = try lab.parameters(scalarHead: true)
    let model = try lab.model(parameters, options: options)
    let gradients = model.gradients.parameters
    func values(_ set: ParameterSet) -> [[Double]] {
      set.tensors.map { tensor, base in (0..<tensor.count).map { Double(base[$0]) } }
    }
    var expected = values(parameters)
    var references = parameters.tensors.map { tensor, _ in
      AdamWReference(
        learningRate: 0.01, beta1: Double(options.beta1), beta2: Double(options.beta2),
        epsilon: Double(options.epsilon), weightDecay: tensor.dims.count > 1 ? 0.1 : 0,
        isTensorFlowForm: tensorFlowForm)
    }
    for (step, norm) in [Float(1), 8, 0.5, 3].enumerated() {
      fill(gradients, seed: UInt64(step), norm: norm)
      let scale = min(1, 2 / Double(norm))
      for (i, gradient) in values(gradients).enumerated() {
        references[i].update(&expected[i], gradients: gradient.map { $0 * scale })
      }
      let reported = model.optimizer.norm(of: gradients, compute: lab.compute)
      try model.optimizer.update(
        parameters, gradients: gradients, norm: reported, learningRate: 0.01, compute: lab.compute)
      #expect(abs(reported - Double(norm)) < 1e-4 * Double(norm))
    }
    #expect(model.optimizer.step == 4)
    // Four updates of at most 0.01 each, at float32: a few roundings of numbers below 4.
    for (ours, expected) in zip(values(parameters), expected) {
      expectClose(ours, expected, 2e-6)
    }
  }

  @Test("a gradient that is not finite is named, and nothing is touched")
  func notFinite() throws {
    let lab = try TinyLab()
    let model = try lab.model(try lab.parameters(scalarHead: true))
    let gradients = model.gradients.parameters
    for (name, place, poison) in [
      ("layers.0.attention.qkv.weight", 17, Float.nan), ("head.bias", 0, -.infinity),
      ("token_embedding.weight", 639, .infinity),
    ] {
      fill(gradients, seed: 1, norm: 1)
      gradients.values(name)![place] = poison
      let before = model.bits
      let error = #expect(throws: Failure.self) {
        try model.optimizer.update(
          model.parameters, gradients: gradients,
          norm: model.optimizer.norm(of: gradients, compute: lab.compute), learningRate: 0.1,
          compute: lab.compute)
      }
      #expect(error?.what.contains("\(name)[\(place)]") == true)
      #expect(model.bits == before && model.optimizer.step == 0)
    }
  }

  @Test("power is repeated multiplication")
  func power() {
    #expect(DeterministicMath.power(0.5, 10) == 0x1p-10)
    #expect(DeterministicMath.power(3, 5) == 243)
    #expect(DeterministicMath.power(0.9, 0) == 1)
    #expect(abs(DeterministicMath.power(0.95, 1000) / 5.29e-23 - 1) < 1e-2)
  }
}
