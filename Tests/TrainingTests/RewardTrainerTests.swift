import Models
import Statistics
import Support
import Tensors
import Testing

@testable import Training

/// Prompts of three tokens with four answers each, ranked by `rank` (1 is best).
private func rankings(_ count: Int, stream: UInt64, rank: ([Int]) -> [Int]) -> [RankedSequences] {
  (0..<count).map { index in
    var random = RandomStream(seed: 4, purpose: "rankings \(stream)", index: UInt64(index))
    let prompt = tokens(3, stream: stream + UInt64(index))
    let lengths = (0..<4).map { _ in 1 + random.below(12) }
    return RankedSequences(
      sequences: lengths.enumerated().map { answer, length in
        prompt + tokens(length, stream: stream + UInt64(1000 * (answer + 1) + index)) + [0]
      },
      ranks: rank(lengths))
  }
}

/// Longest best, equal lengths tied.
private func byLength(_ lengths: [Int]) -> [Int] {
  lengths.map { length in 1 + lengths.filter { $0 > length }.count }
}

@Suite("The reward model")
struct RewardTrainerTests {
  @Test("two steps give the same bytes for any threads, passes and instruction set")
  func trajectory() throws {
    let prompts = rankings(6, stream: 100, rank: byLength)
    let longest = prompts.map(\.tokenCount).max()!
    let (reference, others) = try trajectories(longest: longest) { threads, rows in
      let lab = try TinyLab(threads: threads, rows: rows)
      let model = try lab.model(try lab.parameters(scalarHead: true, scale: 8))
      let trainer = try RewardTrainer(lab.training, arena: lab.arena)
      let before = model.bits
      var figures: [Double] = []
      for _ in 0..<2 {
        let (loss, norm) = try trainer.step(model, prompts, learningRate: 1e-2, centering: 0.01)
        figures += [loss.mean, loss.accuracy, norm]
      }
      #expect(model.bits != before)
      return (figures, model.bits)
    }
    for (name, result) in others { #expect(result == reference, "\(name)") }
  }

  @Test("a score does not depend on what shares its batch")
  func company() throws {
    let lab = try TinyLab(rows: 100)
    let parameters = try lab.parameters(scalarHead: true, scale: 8)
    let weights = TransformerWeights(parameters)
    let pass = try SequencePass(lab.inference, arena: lab.arena)
    let model = SequencePass.Model(weights: weights, head: parameters.scalarHead)
    let sequences = rankings(10, stream: 300, rank: byLength).flatMap(\.sequences)
    let together = pass.scores(model, sequences)
    #expect(Set(bits(together)).count > 30)
    for (sequence, expected) in zip(sequences, together) {
      #expect(bits(pass.scores(model, [sequence])) == bits([expected]))
    }
  }

  @Test("a score is the head's product with the features, and features do not depend on threads or company")
  func features() throws {
    let sequences = rankings(6, stream: 400, rank: byLength).flatMap(\.sequences)
    let (reference, others) = try trajectories(longest: 16) { threads, rows in
      let lab = try TinyLab(threads: threads, rows: rows)
      let parameters = try lab.parameters(scalarHead: true, scale: 8)
      let (weights, width) = (TransformerWeights(parameters), TinyLab.architecture.dModel)
      let pass = try SequencePass(lab.inference, arena: lab.arena)
      let features = pass.features(weights, sequences)
      #expect(features.count == sequences.count * width)
      for (index, score) in pass.scores(.init(weights: weights, head: parameters.scalarHead), sequences).enumerated() {
        let sum = (0..<width).reduce(Double(parameters.headBias[0])) {
          $0 + Double(parameters.headWeight[$1]) * Double(features[index * width + $1])
        }
        #expect(abs(sum - Double(score)) < 1e-4 * max(1, abs(sum)), "\(index)")
      }
      return bits(features)
    }
    #expect(Set(reference).count > reference.count / 2)
    for (name, result) in others { #expect(result == reference, "\(name)") }
  }

  @Test("it learns that longer is better, and scores unseen answers so")
  func learnsLength() throws {
    let lab = try TinyLab(rows: 2048)
    let model = try lab.model(try lab.parameters(scalarHead: true))
    let trainer = try RewardTrainer(lab.training, arena: lab.arena)
    let held = rankings(50, stream: 50_000, rank: byLength)
    let before = trainer.evaluate(model.view, held)
    #expect(before.accuracy < 0.9 && before.pairs > 200)
    for step in 0..<120 {
      let batch = rankings(16, stream: UInt64(20_000 + 16 * step), rank: byLength)
      _ = try trainer.step(model, batch, learningRate: 3e-3)
    }
    let after = trainer.evaluate(model.view, held)
    #expect(after.accuracy > 0.95 && after.meanDifference > 0)
  }

  @Test("ties teach nothing: the head and the trunk get no gradient")
  func ties() throws {
    let lab = try TinyLab()
    let model = try lab.model(try lab.parameters(scalarHead: true))
    let trainer = try RewardTrainer(lab.training, arena: lab.arena)
    let tied = rankings(3, stream: 700) { $0.map { _ in 1 } }
    let before = model.parameters.bits
    let (loss, norm) = try trainer.step(model, tied, learningRate: 1)
    #expect(norm == 0 && loss.pairs == 0 && model.parameters.bits == before)
  }

  @Test("normalised, demonstrations score 0 on average and samples deviate by 1")
  func normalization() throws {
    let demonstrations: [Float] = [3, 5, 4.5]
    let samples: [Float] = [-1, 2, 0.5, 7, 3]
    let normalization = try RewardNormalization.measure(
      demonstrations: demonstrations, samples: samples)
    let (mean, _) = SampleStatistics.moments(demonstrations.map(normalization.apply))
    let (_, variance) = SampleStatistics.moments(samples.map(normalization.apply))
    #expect(abs(mean) < 1e-6 && abs(variance - 1) < 1e-6)
    #expect(throws: Failure.self) {
      try RewardNormalization.measure(demonstrations: demonstrations, samples: [2, 2, 2])
    }
  }

  @Test("a parameter that is not a number stops the step and nothing is touched")
  func notANumber() throws {
    let lab = try TinyLab()
    let model = try lab.model(try lab.parameters(scalarHead: true))
    let trainer = try RewardTrainer(lab.training, arena: lab.arena)
    let prompts = rankings(2, stream: 900, rank: byLength)
    for name in ["head.weight", "head.bias", "layers.0.norm2.weight"] {
      let value = try #require(model.parameters.values(name))
      let saved = value[0]
      value[0] = .nan
      let before = model.bits
      let error = #expect(throws: Failure.self) {
        try trainer.step(model, prompts, learningRate: 1e-2)
      }
      #expect(error?.kind == .failed && model.bits == before && model.optimizer.step == 0)
      #expect(error?.what.contains("\(name)[0] = nan") == true, "\(error!)")
      value[0] = saved
    }
  }
}
