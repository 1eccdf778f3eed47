import Models
import Support
import Tensors
import TestSupport
import Testing

@testable import Training

@Suite("What a step allocates")
struct AllocationTests {
  @Test("allocations are counted where they can be")
  func counter() {
    guard let none = allocations({}) else { return }
    #expect(none == 0)
    var kept: [[Int]] = []
    #expect(allocations { kept = (0..<10).map { Array(0...$0) } }! >= 10)
    #expect(kept.count == 10)
  }

  @Test("a training step after warm-up allocates nothing, however many passes it takes")
  func languageModel() throws {
    let sequences = (0..<9).map {
      TrainingSequence(tokens: tokens(5 + 7 * $0, stream: UInt64($0)), learnFrom: 1 + $0 % 3)
    }
    for rows in [64, 1024] {
      let lab = try TinyLab(threads: 2, rows: rows)
      let model = try lab.model(try lab.parameters())
      let trainer = try LanguageModelTrainer(lab.training, arena: lab.arena)
      _ = try trainer.step(model, sequences, learningRate: 1e-3)
      let count = try allocations {
        _ = try trainer.step(model, sequences, learningRate: 1e-3)
      }
      #expect(count == 0 || count == nil, "\(count ?? 0) in passes of \(rows)")
    }
  }

  @Test("a step of the reward model after warm-up allocates nothing")
  func reward() throws {
    let lab = try TinyLab(threads: 2, rows: 64)
    let model = try lab.model(try lab.parameters(scalarHead: true))
    let trainer = try RewardTrainer(lab.training, arena: lab.arena)
    let prompts = (0..<5).map { index in
      RankedSequences(
        sequences: (0..<4).map { tokens(3 + $0 + index, stream: UInt64(10 * index + $0)) },
        ranks: [1, 2, 2, 4])
    }
    _ = try trainer.step(model, prompts, learningRate: 1e-3)
    let count = try allocations { _ = try trainer.step(model, prompts, learningRate: 1e-3) }
    #expect(count == 0 || count == nil, "\(count ?? 0)")
  }

  @Test("an update of PPO allocates a handful, whatever its tokens", arguments: ValueModel.allCases)
  func ppo(valueModel: ValueModel) throws {
    func perUpdate(episodes count: Int) throws -> Int? {
      func learning(epochs: Int) throws -> Int? {
        let lab = try TinyLab(rows: 256)
        var options = PPOOptions()
        options.miniBatches = 1
        options.epochs = epochs
        options.valueModel = valueModel
        let isShared = valueModel == .shared
        let base = try lab.parameters()
        let policy = try lab.model(
          isShared ? try base.addingScalarHead(name: "value head", arena: lab.arena) : base)
        let trainer = try PPOTrainer(
          policy: policy,
          values: isShared
            ? .sharedTrunk : .separate(try lab.model(try lab.parameters(scalarHead: true))),
          reference: try lab.parameters(), reward: try lab.parameters(scalarHead: true),
          normalization: .init(gain: 1, bias: 0), options: options, pretrainingTokens: 0,
          training: lab.training, inference: lab.inference, arena: lab.arena)
        var episodes = Episodes()
        episodes.prompts = (0..<count).map { tokens(5, stream: UInt64($0)) }
        episodes.responses = (0..<count).map { tokens(9, stream: UInt64(1000 + $0)) }
        episodes.sampled = [Float](repeating: -3, count: 9 * count)
        episodes.ended = [Bool](repeating: true, count: count)
        func learn() throws {
          var random = RandomStream(seed: 1, purpose: "minibatches")
          _ = try trainer.learn(from: episodes, learningRate: 1e-3, random: &random) { [] }
        }
        try learn()
        return try allocations(learn)
      }
      guard let few = try learning(epochs: 2), let many = try learning(epochs: 6) else { return nil }
      return (many - few) / 4
    }
    guard let small = try perUpdate(episodes: 10), let large = try perUpdate(episodes: 100) else {
      return
    }
    // The order of the minibatch, where its answers begin: arrays of a fixed number.
    #expect(small <= 12 && large <= small + 12, "\(small) an update of 10, \(large) of 100 episodes")
  }
}
