import Checkpoints
import Inference
import Models
import Support
import Training

/// The state that a stage needs besides weights and moments to continue with the same results.
package struct StageState: Codable, Equatable {
  package var step = 0
  /// Optimizer steps by role.
  package var optimizerSteps: [String: Int] = [:]
  package var klCoefficient: Double?
  package var skippedUpdates = 0
  /// Number of consecutive iterations with skipped updates up to this step; nil for none.
  package var skipsInARow: Int?

  package init(step: Int = 0) { self.step = step }
}

/// The current state of a stage's models, which can be written to a training checkpoint and restored from it.
package struct Snapshot {
  var models: [(role: Role, model: TrainableModel)]
  var average: ParameterSet?
  let threads: Int

  init(models: [(role: Role, model: TrainableModel)], average: ParameterSet? = nil, threads: Int) {
    self.models = models
    self.average = average
    self.threads = threads
  }

  /// The models of PPO: the policy (with its value head if it has one), the separate value model if there is one, and
  /// the average.
  package init(_ trainer: PPOTrainer, threads: Int) {
    let value = trainer.values.model.map { [(role: Role.value, model: $0)] } ?? []
    self.init(
      models: [(.policy, trainer.policy)] + value, average: trainer.average, threads: threads)
  }

  /// Sum of the models' optimizer steps.
  var updates: Int { models.reduce(0) { $0 + $1.model.optimizer.step } }

  /// Whether all parameters and moments are finite.
  var isFinite: Bool {
    models.flatMap { [$0.model.parameters, $0.model.optimizer.m, $0.model.optimizer.v] }
      .allSatisfy { $0.firstNonFinite == nil }
  }

  package func write(_ draft: CheckpointDraft, state: StageState, to path: String) throws {
    var draft = draft
    var state = state
    var tensors: [TensorSource] = []
    for (role, model) in models {
      state.optimizerSteps["\(role)"] = model.optimizer.step
      tensors += model.parameters.sources(role)
      tensors += model.optimizer.m.sources(role, section: .moments, prefix: "m.")
      tensors += model.optimizer.v.sources(role, section: .moments, prefix: "v.")
    }
    if let average { tensors += average.sources(.average) }
    draft.isTraining = true
    draft.state = try JSON.encode(state)
    draft.step = state.step
    try draft.write(tensors, to: path)
  }

  /// Copies a training checkpoint into the models, and returns its state.
  ///
  /// - Parameter draft: the draft of the checkpoints that the stage would write now.
  /// - Throws: `Failure(.badData)` if anything that the stage needs is missing (nothing is re-initialised silently), or
  ///   if the checkpoint was begun with other models or other data.
  package func restore(from path: String, as draft: CheckpointDraft) throws -> StageState {
    let (checkpoint, state) = try Failure.advising(Self.remedy) { try read(path) }
    try Self.requireSameOrigin(checkpoint, draft)
    try Failure.advising(Self.remedy) { try copy(checkpoint, state) }
    return state
  }

  /// The remedy for a damaged training checkpoint.
  private static let remedy =
    "Remove this file: the stage then goes on from its training checkpoint before this one, or begins again "
    + "if there is none."

  private func read(_ path: String) throws -> (Checkpoint, StageState) {
    let checkpoint = try Checkpoint(path: path, verify: true, threads: threads)
    guard checkpoint.training.isTrainingCheckpoint, let bytes = checkpoint.state else {
      throw Failure(.badData, "is not a training checkpoint", at: path)
    }
    let state = try JSON.decode(StageState.self, from: bytes, at: "\(path), state")
    guard ([state.step, state.skippedUpdates, state.skipsInARow ?? 0] + state.optimizerSteps.values)
      .allSatisfy({ (0...Self.mostSteps).contains($0) })
    else { throw Failure(.badData, "has impossible counts of steps", at: "\(path), state") }
    return (checkpoint, state)
  }

  private func copy(_ checkpoint: Checkpoint, _ state: StageState) throws {
    for (role, model) in models {
      try Self.copy(model.parameters, from: checkpoint, role, [.weights, .head], prefix: "")
      try Self.copy(model.optimizer.m, from: checkpoint, role, [.moments], prefix: "m.")
      try Self.copy(model.optimizer.v, from: checkpoint, role, [.moments], prefix: "v.")
      guard let step = state.optimizerSteps["\(role)"] else {
        throw Failure(.badData, "the optimizer state of the \(role) is missing", at: checkpoint.path)
      }
      model.optimizer.step = step
    }
    if let average {
      try Self.copy(average, from: checkpoint, .average, [.weights], prefix: "")
    }
  }

  /// Upper bound on step counts: more than any run needs, but small enough that counting on cannot overflow.
  private static let mostSteps = 1 << 48

  private static func requireSameOrigin(_ checkpoint: Checkpoint, _ draft: CheckpointDraft) throws {
    let begun = try JSON.decode(
      Provenance.self, from: checkpoint.provenance, at: "\(checkpoint.path), provenance")
    func refuse(_ what: String) -> Failure {
      Failure(
        .badData, "was begun with \(what) than now", at: checkpoint.path,
        remedy: "Continue with the same models and data as before, or begin a new run in another folder.")
    }
    guard begun.parents == draft.provenance.parents else { throw refuse("other models") }
    guard checkpoint.tokenizer == draft.tokenizer.serialized else { throw refuse("another tokenizer") }
    guard begun.data == draft.provenance.data else { throw refuse("other data") }
  }

  private static func copy(
    _ set: ParameterSet, from checkpoint: Checkpoint, _ role: Role, _ kinds: [SectionKind],
    prefix: String
  ) throws {
    let sections = kinds.map { CheckpointSection(checkpoint, $0, role) }
    for (tensor, base) in set.tensors {
      guard let source = sections.lazy.compactMap({ $0.tensor(prefix + tensor.name) }).first,
        source.dims == tensor.dims, source.type == .float32
      else {
        throw Failure(
          .badData, "the tensor \(prefix)\(tensor.name) of the \(role) is missing",
          at: checkpoint.path)
      }
      base.update(from: source.floats, count: tensor.count)
    }
  }
}
