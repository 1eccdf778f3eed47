import Support

/// The contents of a checkpoint. Equal contents give equal files.
public struct CheckpointContents {
  public var architecture: Architecture
  public var training: TrainingRecord
  /// Identifies how this model was made: see `CheckpointWriter.identity`.
  public var identity: UInt64
  /// The content hash of the base model that an adapter belongs to; 0 for a complete model.
  public var baseContentHash: UInt64
  /// JSON.
  public var configuration: [UInt8]
  /// Empty if there is none; the same for `provenance`.
  public var tokenizer: [UInt8]
  public var tensors: [TensorSource]
  public var state: [UInt8]?
  public var provenance: [UInt8]

  public init(
    architecture: Architecture, training: TrainingRecord, identity: UInt64,
    baseContentHash: UInt64 = 0, configuration: [UInt8], tokenizer: [UInt8] = [],
    tensors: [TensorSource], state: [UInt8]? = nil, provenance: [UInt8] = []
  ) {
    self.architecture = architecture
    self.training = training
    self.identity = identity
    self.baseContentHash = baseContentHash
    self.configuration = configuration
    self.tokenizer = tokenizer
    self.tensors = tensors
    self.state = state
    self.provenance = provenance
  }

  /// - Throws: `Failure(.badData)` for a text that is longer than readers accept.
  func validateJSON() throws {
    for (name, text) in [("CONFIG", configuration), ("PROVENANCE", provenance)] {
      try Self.validateJSON(text, name, at: nil)
    }
  }

  /// The same check as `validateJSON()` for one text.
  static func validateJSON(_ text: [UInt8], _ name: String, at place: String?) throws {
    guard text.count <= Format.maximumJSONBytes else {
      throw Failure(
        .badData, "\(name) has \(text.count) bytes; the limit is \(Format.maximumJSONBytes)", at: place,
        remedy: "Shorten it.")
    }
  }
}
