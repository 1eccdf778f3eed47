import Checkpoints
import Models
import Runs
import Support
import TestSupport
import Testing
import Tokenizers
import Training

@testable import Diagnostics
@testable import Inference
@testable import Stages

#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#endif

/// PPO that fails in one of an iteration's updates.
@Suite struct TornStateTests {
  /// What goes wrong, just before an update of the policy.
  private enum Fault {
    case none
    /// A gradient of the policy becomes NaN: of its trunk, or of its value head.
    case gradient, headGradient
    /// A weight does: of the policy or the value model.
    case policyWeight, valueWeight

    static func all(_ valueModel: ValueModel) -> [Fault] {
      [.gradient, .policyWeight, valueModel == .shared ? .headGradient : .valueWeight]
    }
  }

  private static let iterations = 4
  private static let updatesAnIteration = 4

  /// A run of PPO on random models in a folder; every object of it is new, as in a new process.
  private struct Lab {
    let memory: PPOMemory
    let loop: TrainingLoop
    let draft: CheckpointDraft
    let snapshot: Snapshot

    init(_ valueModel: ValueModel, _ folder: String, saveInterval: Double, resume: Bool) throws {
      let tokenizer = Tokenizer.train(on: ["one two three"], vocabularySize: 270)
      let architecture = Architecture.gpt2(
        layers: 1, dModel: 16, heads: 2, vocabulary: tokenizer.vocabularyCount, context: 24)
      var options = PPOOptions()
      options.adaptiveKL = .init()
      options.epochs = 2
      options.miniBatches = 2
      options.pretrainingCoefficient = 0.5
      options.averageDecay = 0.9
      options.valueModel = valueModel
      memory = try PPOMemory(
        try RandomModels(architecture).ppo,
        PPOMemory.Sizes(batch: 8, longest: 12, documents: 2), options: options,
        precision: .float32, threads: 1)
      if valueModel == .separate { memory.trainer.value.parameters.initialize(seed: 3) }
      snapshot = Snapshot(memory.trainer, threads: 1)
      let run = try RunFolder.start(
        at: folder,
        manifest: Manifest(command: [], configuration: [:], seed: 1, host: .current(threads: 1)),
        resume: resume)
      let context = try StageContext(
        run: run, settings: Settings(quick: true), seed: 1, threads: 1,
        saveInterval: saveInterval, resumeCommand: "",
        progress: { stage, total, first in
          Progress(
            stage: stage, total: total, first: first,
            line: StatusLine(Terminal(redraws: false, colour: false, width: 80)) { _ in }, quiet: true)
        }, note: { _ in }, isInterrupted: { false })
      draft = try context.draft(
        .ppo, kind: .ppo, architecture, tokenizer, step: TornStateTests.iterations, parents: [],
        data: Provenance.Source(name: "none", hash: 0))
      loop = TrainingLoop(
        context: context, stage: .ppo, total: TornStateTests.iterations, shown: [])
    }

    /// - Parameter fault: what strikes at update `update` of all.
    func run(_ fault: Fault = .none, at update: Int = -1) throws {
      let trainer = memory.trainer
      try loop.run(
        snapshot,
        restore: { path in
          let state = try snapshot.restore(from: path, as: draft)
          trainer.restore(
            coefficient: try #require(state.klCoefficient), skipped: state.skippedUpdates,
            inARow: state.skipsInARow ?? 0)
          return state
        },
        save: { state, path in
          var state = state
          state.klCoefficient = trainer.controller.coefficient
          try snapshot.write(draft, state: state, to: path)
        },
        step: { step in
          let prompts = (0..<8).map { [Int32(260), Int32(7 + $0)] }
          var sampling = SamplingOptions()
          sampling.maxNewTokens = 6
          sampling.endTokens = [0]
          let samples = try memory.generator.run(
            prompts.enumerated().map {
              .init(prompt: $1, stream: UInt64(8 * step + $0))
            }, weights: trainer.policy.weights, options: sampling, seed: 1, purpose: "rollout")
          var random = RandomStream(seed: 1, purpose: "minibatches", index: UInt64(step))
          var next = step * TornStateTests.updatesAnIteration
          return try trainer.learn(
            from: Episodes(prompts: prompts, samples: samples), learningRate: 1e-2,
            random: &random,
            pretraining: {
              if next == update { strike(fault) }
              next += 1
              return (0..<2).map { TrainingSequence(tokens: [Int32(5 + $0), 9, 11, 30]) }
            })
        })
    }

    private func strike(_ fault: Fault) {
      let (policy, value) = (memory.trainer.policy, memory.trainer.value)
      let name = "layers.0.mlp.up.weight"
      switch fault {
      case .none: break
      case .gradient: policy.gradients.parameters.values(name)![3] = .nan
      case .headGradient: policy.gradients.parameters.headWeight[3] = .nan
      case .policyWeight: policy.parameters.values(name)![3] = .nan
      case .valueWeight: value.parameters.values(name)![3] = .nan
      }
    }

    var bits: [UInt32] {
      let sets = snapshot.models.flatMap {
        [$0.model.parameters, $0.model.optimizer.m, $0.model.optimizer.v]
      }
      return (sets + [snapshot.average!]).flatMap { set in
        set.buffers.flatMap { UnsafeBufferPointer(start: $0.base, count: $0.count).map(\.bitPattern) }
      }
    }
  }

  /// A folder's path at which nothing is; what a test leaves there is removed.
  private func withFolder(_ body: (String) throws -> Void) throws {
    let folder = TemporaryFolder()
    try body(folder.file("run"))
  }

  private func steps(_ folder: String) throws -> [Int] {
    try RunFolder.start(
      at: folder,
      manifest: Manifest(command: [], configuration: [:], seed: 1, host: .current(threads: 1)),
      resume: true
    ).trainingCheckpoints("ppo").map(\.step)
  }

  private func uninterrupted(_ valueModel: ValueModel) throws -> (
    bits: [UInt32], metrics: [UInt8], coefficient: Double
  ) {
    var result: (bits: [UInt32], metrics: [UInt8], coefficient: Double)?
    try withFolder { folder in
      let lab = try Lab(valueModel, folder, saveInterval: 1e9, resume: false)
      try lab.run()
      result = (
        lab.bits, try Files.read("\(folder)/metrics.jsonl"),
        lab.memory.trainer.controller.coefficient
      )
    }
    return try #require(result)
  }

  @Test(
    "PPO that fails in any update keeps a whole state, from which it ends as if it had not failed",
    arguments: ValueModel.allCases)
  func resumes(valueModel: ValueModel) throws {
    let expected = try uninterrupted(valueModel)
    for saveInterval in [0, 1e9] {
      for fault in Fault.all(valueModel) {
        // The first update of the third iteration, one within it and the last.
        for update in [8, 9, 11] {
          try withFolder { folder in
            let label = "\(fault) at update \(update), saved after \(saveInterval) seconds"
            try fail(valueModel, folder, saveInterval, fault, update, label)
            let lab = try Lab(valueModel, folder, saveInterval: saveInterval, resume: true)
            try lab.run()
            #expect(lab.bits == expected.bits, "\(label)")
            #expect(try Files.read("\(folder)/metrics.jsonl") == expected.metrics, "\(label)")
            #expect(lab.memory.trainer.controller.coefficient == expected.coefficient, "\(label)")
          }
        }
      }
    }
  }

  private func fail(
    _ valueModel: ValueModel, _ folder: String, _ saveInterval: Double, _ fault: Fault,
    _ update: Int, _ label: String
  ) throws {
    do {
      let lab = try Lab(valueModel, folder, saveInterval: saveInterval, resume: false)
      let failure = #expect(throws: Failure.self, "\(label)") { try lab.run(fault, at: update) }
      #expect(failure?.kind == .failed, "\(label): \(failure!)")
      #expect(failure?.place?.contains("ppo, step 3") == true, "\(label): \(failure!)")
      #expect(failure?.what.contains("not finite") == true, "\(label): \(failure!)")
      #expect(failure?.remedy?.contains("saved") == true, "\(label): \(failure!)")
    }
    // A state in memory is saved only if no update has touched it and its weights are numbers.
    let isWhole = update == 8 && [.gradient, .headGradient].contains(fault)
    #expect(try steps(folder) == (saveInterval == 0 || isWhole ? [2] : []), "\(label)")
  }
}
