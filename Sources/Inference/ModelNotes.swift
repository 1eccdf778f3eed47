import Checkpoints
import Models
import Support

/// Facts in a model's provenance that later stages need.
extension Model {
  /// The seed of the world on which the model was pretrained. Every stage copies it to its checkpoint.
  package func worldSeed() throws -> UInt64? {
    guard let note = try note(Provenance.worldSeedNote) else { return nil }
    guard let seed = note.unsigned else {
      throw Failure(
        .badData, "\"notes.\(Provenance.worldSeedNote)\" is not a whole number",
        at: "\(name), provenance", remedy: ModelFile.remedy)
    }
    return seed
  }

  /// For an imported classifier: the padding token; scores are read at the last token that is not padding.
  public func padToken() throws -> Int32? {
    guard kind == .reward, checkpoint.has(.provenance, .none),
      let note = try note(Provenance.padTokenNote)
    else { return nil }
    guard let token = note.number.flatMap({ Int32(exactly: $0) }) else {
      throw Failure(
        .badData, "\"notes.\(Provenance.padTokenNote)\" is not a token",
        at: "\(name), provenance", remedy: ModelFile.remedy)
    }
    return token
  }

  private func note(_ key: String) throws -> JSONValue? {
    guard checkpoint.has(.provenance, .none) else {
      throw Failure(.badData, "has no PROVENANCE section", at: name,
        remedy: ModelFile.remedy)
    }
    return try JSON.decode(
      Provenance.self, from: checkpoint.provenance, at: "\(name), provenance"
    ).notes[key]
  }
}
