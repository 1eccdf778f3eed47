import Checkpoints
import Models
import Support
import Tokenizers

/// The contents of a checkpoint except its tensors.
package struct CheckpointDraft {
  package var kind: ModelKind
  package var architecture: Architecture
  package var tokenizer: Tokenizer
  package var seed: UInt64
  package var step: Int
  package var provenance: Provenance
  package var isTraining = false
  package var state: [UInt8]?

  package init(
    kind: ModelKind, architecture: Architecture, tokenizer: Tokenizer, seed: UInt64, step: Int, provenance: Provenance
  ) {
    self.kind = kind
    self.architecture = architecture
    self.tokenizer = tokenizer
    self.seed = seed
    self.step = step
    self.provenance = provenance
  }

  /// Writes the file atomically; returns its identity.
  @discardableResult
  package func write(_ tensors: [TensorSource], to path: String) throws -> UInt64 {
    let parents = provenance.parents.map { UInt64($0.hash, radix: 16) ?? 0 }
    let identity = CheckpointWriter.identity(
      parents: parents, configuration: try JSON.encode(provenance.configuration), seed: seed,
      step: UInt64(step))
    let configuration: [String: JSONValue] = [
      "chat_format": .string(tokenizer.chatFormat.name), "name": .string("tinyrlhf \(kind)"),
    ]
    try CheckpointWriter.write(
      CheckpointContents(
        architecture: architecture,
        training: TrainingRecord(
          kind: kind, isTrainingCheckpoint: isTraining, step: UInt64(step), seed: seed),
        identity: identity, configuration: try JSON.encode(configuration),
        tokenizer: tokenizer.serialized, tensors: tensors, state: state,
        provenance: try JSON.encode(provenance)),
      to: path)
    return identity
  }
}
