import Models
import Tensors
import Testing

@testable import Training

@Suite("Adapters and parts of a model learn where the rest is frozen")
struct AdapterTrainingTests {
  private static let sequences = (0..<7).map {
    TrainingSequence(tokens: tokens(6 + 3 * $0, stream: UInt64($0)), learnFrom: 1 + $0 % 3)
  }

  private struct Trajectory: Equatable {
    var losses: [Double] = []
    var learnt: [UInt32] = []
    var base: [UInt32] = []
  }

  /// Four steps of an adapter to a frozen base.
  private static func adapt(threads: Int, rows: Int) throws -> Trajectory {
    let lab = try TinyLab(threads: threads, rows: rows, adapterRank: 4)
    let base = try lab.parameters(scale: 8)
    let adapter = try ParameterSet(
      ParameterLayout(TinyLab.architecture, adapter: LowRankOptions(rank: 4, alpha: 8)), name: "adapter",
      arena: lab.arena)
    adapter.initialize(seed: 3)
    let model = try TrainableModel(
      adapter, weights: TransformerWeights(base).adapted(by: adapter), options: .init(), tokens: 8192,
      name: "adapter", arena: lab.arena)
    let trainer = try LanguageModelTrainer(lab.training, arena: lab.arena)
    var trajectory = Trajectory()
    for _ in 0..<4 {
      trajectory.losses.append(try trainer.step(model, sequences, learningRate: 3e-2).loss)
    }
    (trajectory.learnt, trajectory.base) = (model.bits, base.bits)
    return trajectory
  }

  @Test("an adapter learns, its base stays, and both are the same for any threads, passes and instruction set")
  func adapter() throws {
    let (reference, others) = try trajectories(longest: 24) { try Self.adapt(threads: $0, rows: $1) }
    #expect(reference.losses[3] < 0.9 * reference.losses[0], "\(reference.losses)")
    #expect(reference.base == (try TinyLab().parameters(scale: 8).bits))
    for (name, result) in others { #expect(result == reference, "\(name)") }
  }

  @Test("of a model whose lower layer is frozen, the upper one learns what it learns beside it")
  func upperLayers() throws {
    let lab = try TinyLab()
    let parameters = try lab.parameters(scale: 8)
    let learning = parameters.layout.filtered { $0.name.hasPrefix("layers.1.") }
    let model = try TrainableModel(
      parameters, learning: learning, options: .init(), tokens: 8192, name: "model", arena: lab.arena)
    let trainer = try LanguageModelTrainer(lab.training, arena: lab.arena)
    let before = try lab.parameters(scale: 8)
    let losses = try (0..<4).map { _ in
      try trainer.step(model, Self.sequences, learningRate: 1e-2).loss
    }
    #expect(losses[3] < losses[0], "\(losses)")
    for (tensor, base) in parameters.tensors {
      let old = before.values(tensor.name)!
      let isSame = (0..<tensor.count).allSatisfy { base[$0].bitPattern == old[$0].bitPattern }
      #expect(isSame == !tensor.name.hasPrefix("layers.1."), "\(tensor.name)")
    }
    #expect(model.optimizer.m.layout.trunkCount < parameters.layout.trunkCount / 2)
  }
}
