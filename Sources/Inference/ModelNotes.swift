import Checkpoints
import Models
import Support

/// Facts that a model's provenance notes for later stages.
extension Model {
  /// The seed of the world that the model was pretrained on; later stages carry it on.
  package func worldSeed() throws -> UInt64? {
    guard let note = try note(Provenance.worldSeedNote) else { return nil }
    guard let seed = note.unsigned else {
      throw Failure(
        .badData, "\"notes.\(Provenance.worldSeedNote)\" is not a whole number",
        at: "\(name), provenance", remedy: ModelFile.remedy)
    }
    return seed
  }

  /// Of a classifier that another program trained: the token behind which no score is read.
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
