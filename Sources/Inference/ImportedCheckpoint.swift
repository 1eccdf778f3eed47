import Checkpoints
import Models
import Support
import Tokenizers

/// A model that another program trained, as a checkpoint of this one.
public struct ImportedCheckpoint {
  private let isReward: Bool
  private let architecture: Architecture
  private let tokenizer: Tokenizer
  private var provenance: Provenance

  /// - Parameters:
  ///   - files: those it was made of, with their hashes: they are what the model's identity is made of.
  ///   - padToken: of a reward model, the token behind which no score is read; nil for none.
  ///   - configuration: how it was imported.
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
    // The chat format, too, makes another model of the same weights.
    configuration["tokenizer"] = .string(Hexadecimal.text(tokenizer.hash))
    provenance = Provenance(importedFrom: data, configuration: configuration)
    provenance.notes[Provenance.padTokenNote] = padToken.map { .number(Double($0)) }
  }

  /// - Parameter tensors: its float32 tensors.
  public func write(_ tensors: [TensorSource], to path: String) throws {
    try CheckpointDraft(
      kind: isReward ? .reward : .base, architecture: architecture, tokenizer: tokenizer, seed: 0,
      step: 0, provenance: provenance
    ).write(tensors, to: path)
  }

  /// Writes its int8 twin. The float32 model lies in a file beside it meanwhile.
  /// - Parameter measure: is handed the two.
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
