import Support
import Testing

@testable import Models
@testable import Training

@Suite("Dynamic fine-tuning") struct DynamicFineTuningTests {
  /// What an objective makes of given log-probabilities, shown in chunks of `size`.
  private func run<Goal: TokenObjective>(
    _ type: Goal.Type, _ logprobs: [Float], size: Int, coefficient: Float = 1
  ) -> (mean: Double, gradient: [Float]) {
    var objective = Goal(tokens: logprobs.count, coefficient: coefficient)
    var gradient = [Float](repeating: 0, count: logprobs.count)
    var values = logprobs
    for first in stride(from: 0, to: logprobs.count, by: size) {
      let count = min(size, logprobs.count - first)
      values.withUnsafeMutableBufferPointer { values in
        gradient.withUnsafeMutableBufferPointer { gradient in
          objective.add(
            logprobs: OutputChunk(
              first: first, values: UnsafeBufferPointer(rebasing: values[first..<first + count]),
              entropies: UnsafeBufferPointer(start: nil, count: 0),
              gradient: UnsafeMutableBufferPointer(rebasing: gradient[first..<first + count])))
        }
      }
    }
    return (objective.mean, gradient)
  }

  @Test("each token's loss and gradient are the plain ones times its probability, however tokens are cut into chunks")
  func weighted() {
    let probabilities: [Float] = [1, 0.5, 0.25, 0.125, 0.0078125, 0.75, 0.0009765625]
    let logprobs = probabilities.map { Float(DeterministicMath.log(Double($0))) }
    let whole = run(DynamicFineTuningObjective.self, logprobs, size: 7, coefficient: 2)
    let plain = run(LanguageModelObjective.self, logprobs, size: 7, coefficient: 2)
    for (index, probability) in probabilities.enumerated() {
      #expect(abs(whole.gradient[index] - plain.gradient[index] * probability) <= 1e-6 * probability, "\(index)")
    }
    let expected = zip(probabilities, logprobs).reduce(0) { $0 - Double($1.0) * Double($1.1) } / 7
    #expect(abs(whole.mean - expected) < 1e-7)
    for size in 1...3 {
      let parts = run(DynamicFineTuningObjective.self, logprobs, size: size, coefficient: 2)
      #expect(parts.gradient == whole.gradient && parts.mean == whole.mean, "\(size)")
    }
  }

  @Test("a sequence with one learnt token has the plain gradient times that token's probability, in every parameter")
  func wholeModel() throws {
    let lab = try TinyLab()
    let model = try lab.model(try lab.parameters(scale: 8))
    let trainer = try LanguageModelTrainer(lab.training, arena: lab.arena)
    let sequence = TrainingSequence(tokens: [5, 9, 3, 7], learnFrom: 3)
    let logprob = trainer.pass.logprobs(model.weights, [sequence])[0][0]
    func gradient(_ accumulate: () -> Double) -> [UInt32] {
      model.gradients.reset()
      _ = accumulate()
      model.gradients.finish(lab.training.compute)
      return model.gradients.parameters.bits
    }
    let weighted = gradient {
      trainer.accumulate(
        model.weights, into: model.gradients, [sequence], objective: DynamicFineTuningObjective.self)
    }
    let plain = gradient {
      trainer.accumulate(
        model.weights, into: model.gradients, [sequence], coefficient: Float(DeterministicMath.exp(Double(logprob))))
    }
    #expect(weighted == plain && Set(weighted).count > 10)
  }
}
