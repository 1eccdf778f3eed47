import Checkpoints
import Models
import Support
import Tokenizers

/// Writes a model that another program trained as a checkpoint of this program.
public struct ImportedCheckpoint {
  private let isReward: Bool
  private let architecture: Architecture
  private let tokenizer: Tokenizer
  private var provenance: Provenance

  /// - Parameters:
  ///   - files: the source files with their hashes, from which the model's identity is computed.
  ///   - padToken: for a reward model, the padding token: scores are read before it; nil for none.
  ///   - configuration: the options of the import.
  public init(
    isReward: Bool, architecture: Architecture, tokenizer: Tokenizer,
    files: [(name: String, hash: UInt64)], padToken: Int? = nil, configuration: [String: JSONValue]
  ) {
    self.isReward = isReward
    self.architecture = architecture
    self.tokenizer = tokenizer
    let data = files.map { Provenance.Source(name: $0.name, hash: $0.hash) }
    var configuration = configuration
    configuration["files"] = .object(
      JSONObject(Dictionary(uniqueKeysWithValues: data.map { ($0.name, .string($0.hash)) })))
    // The same weights with another chat format are another model.
    configuration["tokenizer"] = .string(Hexadecimal.text(tokenizer.hash))
    provenance = Provenance(importedFrom: data, configuration: configuration)
    provenance.notes[Provenance.padTokenNote] = padToken.map { .number(Double($0)) }
  }

  /// Writes the model in the types of its tensors.
  /// - Throws: `Failure(.badData)` for a value that cannot be used or stored; `.cannotCreate`, `.inputOutput`.
  public func write(_ tensors: [TensorSource], to path: String) throws {
    try CheckpointDraft(
      kind: isReward ? .reward : .base, architecture: architecture, tokenizer: tokenizer, seed: 0,
      step: 0, provenance: provenance
    ).write(tensors, to: path)
  }

  /// Writes the model in int8. Meanwhile the model that it is made from is in a temporary file beside it.
  /// - Parameter measure: called with both models; its result is returned.
  /// - Throws: like `write`, and what `measure` throws.
  public func writeInt8<Result>(
    _ tensors: [TensorSource], to path: String, threads: Int, measure: (_ int8: Model, _ float32: Model) throws -> Result
  ) throws -> Result {
    try Temporaries.withFile(beside: path, "float32") { name in
      try write(tensors, to: name)
      let float32 = try Model(Checkpoint(path: name))
      try write(try float32.int8Tensors(threads: threads), to: path)
      return try measure(try Model(Checkpoint(path: path)), float32)
    }
  }
}
