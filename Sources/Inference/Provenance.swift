import Support

/// The origin of a checkpoint, as recorded in its PROVENANCE section.
public struct Provenance: Codable, Equatable, Sendable {
  public struct Source: Codable, Equatable, Sendable {
    public var name: String
    /// Identity of a checkpoint or XXH64 of data, in hexadecimal.
    public var hash: String

    public init(name: String, hash: UInt64) {
      self.name = name
      self.hash = Hexadecimal.text(hash)
    }

    /// Hashes the JSON of records. Threads make the JSON of some hundred records at a time, so that it is never in
    /// memory as a whole.
    package init(name: String, records: [some Encodable & Sendable], threads: Int) throws {
      let work = Work("hashing", of: records.count)
      defer { work.end() }
      var hash: UInt64 = 0
      for first in stride(from: 0, to: records.count, by: Self.batch) {
        let count = min(Self.batch, records.count - first)
        let texts = try Parallel.map(count, threads: threads) { try JSON.encode(records[first + $0]) }
        for text in texts { hash = Hash.xxh64(text, seed: hash) }
        work.advance(by: count)
      }
      self.init(name: name, hash: hash)
    }

    /// Number of records whose JSON is in memory at the same time.
    private static let batch = 512
  }

  public var stage: String
  public var parents: [Source]
  public var data: [Source]
  public var configuration: [String: JSONValue]
  /// Facts about the model that later stages need and copy to their checkpoints.
  public var notes: [String: JSONValue] = [:]
  public var program: String = Program.version

  package static let worldSeedNote = "world_seed"
  /// The adaptive controller's final β; the next round of the run continues with it.
  package static let klCoefficientNote = "kl_coefficient"
  /// For an imported classifier: the padding token; the score is read at the last token that is not padding.
  package static let padTokenNote = "pad_token"

  /// The provenance of a model that another program made.
  init(importedFrom data: [Source], configuration: [String: JSONValue]) {
    stage = "import"
    parents = []
    self.data = data
    self.configuration = configuration
  }

  package init(
    stage: String, parents: [Model], data: [Source], configuration: [String: JSONValue]
  ) throws {
    self.stage = stage
    self.parents = parents.map { Source(name: "\($0.kind)", hash: $0.checkpoint.identity) }
    self.data = data
    self.configuration = configuration
    for parent in parents {
      if let seed = try parent.worldSeed() { notes[Self.worldSeedNote] = JSONValue(seed) }
    }
  }
}
