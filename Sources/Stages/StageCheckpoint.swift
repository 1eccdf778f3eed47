import Checkpoints
import Inference
import Models
import Support
import Tokenizers

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
        stage: stage.name, parents: parents, data: [data], configuration: configuration))
  }

  /// Writes a stage's checkpoint into the run folder.
  func finish(_ draft: CheckpointDraft, _ tensors: [TensorSource], as file: String) throws
    -> StageResult
  {
    let file = round.file(file)
    return StageResult(checkpoint: file, identity: try draft.write(tensors, to: run.file(file)))
  }
}
