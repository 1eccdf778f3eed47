import Models
import Support
import Tensors
import Testing

@testable import Training

/// Sequences of 1 to 60 tokens, learnt from the start, from within, and not at all.
private let sequences: [TrainingSequence] =
  zip([12, 60, 1, 33, 2, 47, 18], [1, 20, 1, 30, 1, 47, 5]).enumerated().map { index, shape in
    TrainingSequence(tokens: tokens(shape.0, stream: UInt64(index)), learnFrom: shape.1)
  }

@Suite("Next-token training")
struct LanguageModelTrainerTests {
  @Test("three steps give the same bytes for any threads, passes and instruction set")
  func trajectory() throws {
    let (reference, others) = try trajectories(longest: 60) { threads, rows in
      let lab = try TinyLab(threads: threads, rows: rows)
      let model = try lab.model(try lab.parameters(scale: 8))
      let trainer = try LanguageModelTrainer(lab.training, arena: lab.arena)
      let before = model.bits
      var figures: [Double] = []
      for _ in 0..<3 {
        let (loss, norm) = try trainer.step(model, sequences, learningRate: 1e-2)
        figures += [loss, norm]
      }
      #expect(model.bits != before)
      return (figures, model.bits)
    }
    for (name, result) in others { #expect(result == reference, "\(name)") }
  }

  @Test("with dropout, too; it has its own mask each step, and measuring has none")
  func dropout() throws {
    let (reference, others) = try trajectories(longest: 60) { threads, rows in
      let lab = try TinyLab(threads: threads, rows: rows)
      let model = try lab.model(try lab.parameters(scale: 8))
      let trainer = try LanguageModelTrainer(lab.training, arena: lab.arena)
      let measured = trainer.pass.negativeLogLikelihood(model.weights, sequences).sum
      var figures: [Double] = [measured]
      for step in UInt64(0)..<3 {
        // The rate 0 leaves the model as it is, so that only the masks differ.
        let rate = step < 2 ? 0 : 1e-2
        let (loss, norm) = try trainer.step(
          model, sequences, learningRate: rate, dropout: Dropout(probability: 0.2, key: step))
        figures += [loss, norm]
        if step < 2 {
          #expect(trainer.pass.negativeLogLikelihood(model.weights, sequences).sum == measured)
        }
      }
      return (figures, model.bits)
    }
    for (name, result) in others { #expect(result == reference, "\(name)") }
    #expect(Set(reference.0).count == reference.0.count, "\(reference.0)")
    #expect(reference.0[0] / 68 != reference.0[1])
  }

  @Test("the loss is the mean over learnt tokens alone")
  func loss() throws {
    let lab = try TinyLab()
    let model = try lab.model(try lab.parameters(scale: 8))
    let trainer = try LanguageModelTrainer(lab.training, arena: lab.arena)
    let logprobs = trainer.pass.logprobs(model.weights, sequences)
    #expect(logprobs.map(\.count) == [11, 40, 0, 3, 1, 0, 13])
    let sum = logprobs.joined().reduce(0.0) { $0 - Double($1) }
    let evaluated = trainer.pass.negativeLogLikelihood(model.weights, sequences)
    #expect(evaluated.sum == sum && evaluated.tokens == 68)
    model.gradients.reset()
    #expect(trainer.accumulate(model.weights, into: model.gradients, sequences) == sum / 68)
    #expect(sum / 68 > 1)

    let unlearnt = TrainingSequence(prompt: tokens(9, stream: 50), completion: [])
    model.gradients.reset()
    #expect(trainer.accumulate(model.weights, into: model.gradients, [unlearnt]) == 0)
    model.gradients.finish(lab.compute)
    #expect(model.optimizer.norm(of: model.gradients.parameters, compute: lab.compute) == 0)
  }

  /// 40 tokens of which two answers before the last are learnt too.
  private let dialogue = TrainingSequence(
    tokens: tokens(40, stream: 60), learnFrom: 33, earlier: [6..<11, 18..<21])

  @Test("a dialogue's loss is the sum over its answers' tokens, and so is its gradient")
  func spans() throws {
    let lab = try TinyLab()
    let model = try lab.model(try lab.parameters(scale: 8))
    let trainer = try LanguageModelTrainer(lab.training, arena: lab.arena)
    #expect(dialogue.targetCount == 5 + 3 + 7)
    #expect(dialogue.learnt == [6..<11, 18..<21, 33..<40])
    // Predictions of all tokens, the first of them that of token 1.
    let all = trainer.pass.logprobs(model.weights, [TrainingSequence(tokens: dialogue.tokens)])[0]
    let expected = dialogue.learnt.flatMap { $0.map { all[$0 - 1] } }
    #expect(bits(trainer.pass.logprobs(model.weights, [dialogue])[0]) == bits(expected))
    let sum = expected.reduce(0.0) { $0 - Double($1) }
    let evaluated = trainer.pass.negativeLogLikelihood(model.weights, [dialogue])
    #expect(evaluated.sum == sum && evaluated.tokens == 15)

    func gradient(_ sequences: [TrainingSequence]) -> [Double] {
      model.gradients.reset()
      _ = trainer.accumulate(model.weights, into: model.gradients, sequences)
      model.gradients.finish(lab.compute)
      return model.gradients.parameters.buffers.flatMap { buffer in
        (0..<buffer.count).map { Double(buffer.base[$0]) }
      }
    }
    let whole = gradient([dialogue])
    // Each answer alone, with nothing behind it: means over 5, 3 and 7 tokens.
    let parts = dialogue.learnt.map { span in
      gradient([
        TrainingSequence(
          tokens: Array(dialogue.tokens[..<span.upperBound]), learnFrom: span.lowerBound)
      ])
    }
    let largest = whole.map(abs).max()!
    for index in whole.indices {
      let sum = (5 * parts[0][index] + 3 * parts[1][index] + 7 * parts[2][index]) / 15
      #expect(abs(whole[index] - sum) < 1e-5 * largest, "\(index)")
    }
    #expect(largest > 1e-3)
  }

  @Test("what others say is context and no target: other tokens behind the last answer change nothing")
  func unlearntTargets() throws {
    let lab = try TinyLab()
    let model = try lab.model(try lab.parameters(scale: 8))
    let trainer = try LanguageModelTrainer(lab.training, arena: lab.arena)
    func learn(_ changed: Int?) -> (Double, [UInt32]) {
      // Its last answer ends at 21; nothing behind it is learnt.
      var tokens = dialogue.tokens
      if let changed { tokens[changed] = tokens[changed] % 19 + 1 }
      let sequence = TrainingSequence(tokens: tokens, learnFrom: 40, earlier: dialogue.earlier)
      model.gradients.reset()
      let loss = trainer.accumulate(model.weights, into: model.gradients, [sequence])
      model.gradients.finish(lab.compute)
      return (loss, model.gradients.parameters.bits)
    }
    let (loss, gradient) = learn(nil)
    for index in 21..<40 {
      let (other, otherGradient) = learn(index)
      #expect(other == loss && otherGradient == gradient, "\(index)")
    }
    // An answer's token is a target, and what was said before it is context.
    for index in [3, 14, 20] { #expect(learn(index).0 != loss, "\(index)") }
  }

  @Test("a coefficient of 2 doubles the gradient exactly and leaves the loss alone")
  func coefficient() throws {
    let lab = try TinyLab()
    let model = try lab.model(try lab.parameters(scale: 8))
    let trainer = try LanguageModelTrainer(lab.training, arena: lab.arena)
    func gradient(_ coefficient: Float) -> (Double, [Float]) {
      model.gradients.reset()
      let loss = trainer.accumulate(
        model.weights, into: model.gradients, sequences, coefficient: coefficient)
      model.gradients.finish(lab.compute)
      return (loss, model.gradients.parameters.bits.map { Float(bitPattern: $0) })
    }
    let (loss, once) = gradient(1)
    let (sameLoss, twice) = gradient(2)
    #expect(loss == sameLoss && once.contains { $0 != 0 })
    #expect(bits(twice) == bits(once.map { 2 * $0 }))
  }

  @Test("a sequence's log-probabilities do not depend on what shares its batch")
  func company() throws {
    let lab = try TinyLab()
    let weights = TransformerWeights(try lab.parameters(scale: 8))
    let trainer = try LanguageModelTrainer(lab.inference, arena: lab.arena)
    let together = trainer.pass.logprobs(weights, sequences, inverseTemperature: 1.25)
    for (sequence, expected) in zip(sequences, together) {
      let alone = trainer.pass.logprobs(weights, [sequence], inverseTemperature: 1.25)
      #expect(bits(alone[0]) == bits(expected))
    }
  }

  @Test("a tiny model learns eight sequences by heart")
  func overfits() throws {
    let lab = try TinyLab()
    var options = AdamW.Options()
    options.tensorFlowForm = false
    options.epsilon = 1e-8
    let model = try lab.model(try lab.parameters(), options: options)
    let trainer = try LanguageModelTrainer(lab.training, arena: lab.arena)
    // The first token tells which one it is, so that nothing is left to chance.
    let eight = (1...8).map {
      TrainingSequence(tokens: [Int32($0)] + tokens(20, stream: UInt64(80 + $0)) + [0])
    }
    let first = try trainer.step(model, eight, learningRate: 1e-2).loss
    #expect(first > 2.5)
    for _ in 0..<150 { _ = try trainer.step(model, eight, learningRate: 1e-2) }
    let (sum, count) = trainer.pass.negativeLogLikelihood(model.weights, eight)
    #expect(sum / Double(count) < 0.1)
  }

  @Test("a parameter that is not a number stops the step and nothing is touched")
  func notANumber() throws {
    let lab = try TinyLab()
    let model = try lab.model(try lab.parameters())
    let trainer = try LanguageModelTrainer(lab.training, arena: lab.arena)
    _ = try trainer.step(model, sequences, learningRate: 1e-2)
    for name in ["layers.1.mlp.down.weight", "token_embedding.weight", "final_norm.weight"] {
      let value = try #require(model.parameters.values(name))
      let saved = value[3]
      for poison in [Float.nan, .infinity] {
        value[3] = poison
        let before = model.bits
        let error = #expect(throws: Failure.self) {
          try trainer.step(model, sequences, learningRate: 1e-2)
        }
        #expect(error?.kind == .failed && error?.place == "model, optimizer step 2")
        #expect(error?.what.contains("\(name)[3] = \(poison)") == true, "\(error!)")
        #expect(model.bits == before && model.optimizer.step == 1, "\(name) \(poison)")
      }
      value[3] = saved
    }
    #expect(try trainer.step(model, sequences, learningRate: 1e-2).loss.isFinite)
  }
}
