import Checkpoints
import Models
import Support
import Tokenizers

/// A model that another program trained, as a checkpoint of this one.
public enum ImportedCheckpoint {
  /// - Parameters:
  ///   - files: those it was made of, with their hashes: they are what the model's identity is made of.
  ///   - padToken: of a reward model, the token behind which no score is read; nil for none.
  ///   - configuration: how it was imported.
  public static func write(
    isReward: Bool, architecture: Architecture, tokenizer: Tokenizer, tensors: [TensorSource],
    files: [(name: String, hash: UInt64)], padToken: Int? = nil, configuration: [String: JSONValue],
    to path: String
  ) throws {
    let data = files.map { Provenance.Source(name: $0.name, hash: $0.hash) }
    var configuration = configuration
    configuration["files"] = .object(
      JSONObject(Dictionary(uniqueKeysWithValues: data.map { ($0.name, .string($0.hash)) })))
    // The chat format, too, makes another model of the same weights.
    configuration["tokenizer"] = .string(Hexadecimal.text(tokenizer.hash))
    var provenance = Provenance(importedFrom: data, configuration: configuration)
    provenance.notes[Provenance.padTokenNote] = padToken.map { .number(Double($0)) }
    let draft = CheckpointDraft(
      kind: isReward ? .reward : .base, architecture: architecture, tokenizer: tokenizer, seed: 0,
      step: 0, provenance: provenance)
    try draft.write(tensors, to: path)
  }
}
