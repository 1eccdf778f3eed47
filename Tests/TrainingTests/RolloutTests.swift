import Models
import Support
import Tensors
import Testing

@testable import Training

private let requests = (0..<12).map {
  Generator.Request(
    prompt: tokens(1 + $0 * 3, stream: UInt64($0)), stream: UInt64(10 * $0), samples: 2)
}

@Suite("Rollouts")
struct RolloutTests {
  @Test(
    "what the sampler says of its tokens is what the trainer says, bit for bit",
    arguments: [Float(1), 0.7])
  func logprobs(temperature: Float) throws {
    let lab = try TinyLab()
    let weights = TransformerWeights(try lab.parameters(scale: 8))
    let trainer = try LanguageModelTrainer(lab.training, arena: lab.arena)
    var options = SamplingOptions()
    options.temperature = temperature
    options.maxNewTokens = 20
    options.endTokens = [0]
    let generator = try Generator(
      transformer: lab.inference, slots: 5, capacity: 64, keyValues: .float32, arena: lab.arena)
    let samples = try generator.run(
      requests, weights: weights, options: options, seed: 3, purpose: "test")
    let pairs = zip(requests, samples).flatMap { request, samples in
      samples.map { (request.prompt, $0) }
    }
    let ours = trainer.pass.logprobs(
      weights, pairs.map { TrainingSequence(prompt: $0.0, completion: $0.1.tokens) },
      inverseTemperature: 1 / temperature)
    for (pair, ours) in zip(pairs, ours) { #expect(bits(ours) == bits(pair.1.logprobs)) }
    #expect(pairs.count == 24 && Set(pairs.map { $0.1.tokens }).count > 12)

    let episodes = Episodes(prompts: pairs.map { $0.0 }, samples: pairs.map { [$0.1] })
    #expect(episodes.count == 24 && episodes.sampled.count == episodes.lengths.reduce(0, +))
    for index in 0..<24 {
      #expect(episodes.ended[index] == (episodes.responses[index].last == 0))
      let (rows, sequence) = (episodes.unit(index).rows, episodes.sequence(index))
      #expect(Array(sequence[(rows.lowerBound + 1)...]) == episodes.responses[index])
      #expect(rows.upperBound == sequence.count - 1)
    }
    #expect(episodes.starts[23] + episodes.lengths[23] == episodes.sampled.count)
  }
}
