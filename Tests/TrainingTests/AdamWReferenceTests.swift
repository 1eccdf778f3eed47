import Support
import Tensors
import Testing

@testable import Training

@Test("AdamW's reference follows PyTorch's optimizer and the TensorFlow form over 20 steps")
func adamWReferenceGolden() throws {
  let golden = try Golden.load("training")["adamw"]
  for (isTensorFlowForm, name) in [(false, "torch_form"), (true, "tensorflow_form")] {
    var reference = AdamWReference(
      learningRate: try golden["learning_rate"].number, beta1: try golden["beta1"].number,
      beta2: try golden["beta2"].number, epsilon: try golden["epsilon"].number,
      weightDecay: try golden["weight_decay"].number, isTensorFlowForm: isTensorFlowForm)
    var parameters = try golden["start"].doubles
    for gradients in try golden["gradients"].list {
      reference.update(&parameters, gradients: try gradients.doubles)
    }
    #expect(reference.step == 20)
    expectClose(parameters, try golden[name].doubles, 1e-12)
  }
  // Small gradients tell the two forms apart.
  let (torch, tensorFlow) = (
    try golden["torch_form"].doubles, try golden["tensorflow_form"].doubles
  )
  #expect(abs(torch[0] - tensorFlow[0]) > 1e-3)
}

@Test("the AdamW kernel follows PyTorch's optimizer and the TensorFlow form over 20 steps")
func adamWKernelGolden() throws {
  let golden = try Golden.load("training")["adamw"]
  let arena = Arena()
  let compute = try Compute(threads: 2, arena: arena)
  let (beta1, beta2) = (try golden["beta1"].number, try golden["beta2"].number)
  for (isTensorFlowForm, name) in [(false, "torch_form"), (true, "tensorflow_form")] {
    var parameters = try golden["start"].floats
    var m = [Float](repeating: 0, count: parameters.count)
    var v = m
    for (index, gradients) in try golden["gradients"].list.enumerated() {
      let step = AdamWStep(
        learningRate: Float(try golden["learning_rate"].number), beta1: Float(beta1),
        beta2: Float(beta2), epsilon: Float(try golden["epsilon"].number),
        weightDecay: Float(try golden["weight_decay"].number),
        correction1: Float(1 - DeterministicMath.power(beta1, index + 1)),
        correction2: Float(1 - DeterministicMath.power(beta2, index + 1)), gradientScale: 1,
        isTensorFlowForm: isTensorFlowForm)
      compute.adamW(
        step, count: parameters.count, p: &parameters, g: try gradients.floats, m: &m, v: &v)
    }
    // 20 updates of at most 0.01, each rounded a few times.
    expectClose(parameters, try golden[name].doubles, 2e-6)
  }
}
