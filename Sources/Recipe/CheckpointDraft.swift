import Checkpoints
import Models
import Support
import Tokenizers

/// The contents of a checkpoint except its tensors.
struct CheckpointDraft {
  var kind: ModelKind
  var architecture: Architecture
  var tokenizer: Tokenizer
  var seed: UInt64
  var step: Int
  var provenance: Provenance
  var isTraining = false
  var state: [UInt8]?

  /// Writes the file atomically; returns its identity.
  @discardableResult
  func write(_ tensors: [TensorSource], to path: String) throws -> UInt64 {
    let parents = provenance.parents.map { UInt64($0.hash, radix: 16) ?? 0 }
    let identity = CheckpointWriter.identity(
      parents: parents, configuration: try JSON.encode(provenance.configuration), seed: seed,
      step: UInt64(step))
    let configuration: [String: JSONValue] = [
      "chat_format": .string(tokenizer.chatFormat.name), "name": .string("tinyrlhf \(kind)"),
    ]
    try CheckpointWriter.write(
      CheckpointContents(
        architecture: architecture.record,
        training: TrainingRecord(
          kind: kind, isTrainingCheckpoint: isTraining, step: UInt64(step), seed: seed),
        identity: identity, configuration: try JSON.encode(configuration),
        tokenizer: tokenizer.serialized, tensors: tensors, state: state,
        provenance: try JSON.encode(provenance)),
      to: path)
    return identity
  }
}

extension StageContext {
  /// The draft for a stage's checkpoints; `step` is the stage's last step. If the run has several rounds, the
  /// configuration records which round it is.
  func draft(
    _ stage: Stage, kind: ModelKind, _ architecture: Architecture, _ tokenizer: Tokenizer,
    step: Int, parents: [Model], data: Provenance.Source,
    configuration more: [String: JSONValue] = [:]
  ) throws -> CheckpointDraft {
    var configuration = settings.resolved([stage]).merging(more) { _, new in new }
    if round.count > 1 {
      configuration["round"] = .number(Double(round.number))
      configuration[Parameter.rounds.name] = .number(Double(round.count))
    }
    return CheckpointDraft(
      kind: kind, architecture: architecture, tokenizer: tokenizer, seed: seed, step: step,
      provenance: try Provenance(
        stage: stage, parents: parents, data: [data], configuration: configuration))
  }

  /// Writes a stage's checkpoint into the run folder.
  func finish(_ draft: CheckpointDraft, _ tensors: [TensorSource], as file: String) throws
    -> StageResult
  {
    let file = round.file(file)
    return StageResult(checkpoint: file, identity: try draft.write(tensors, to: run.file(file)))
  }
}
