import Support

/// The content of a checkpoint as `inspect` shows it: the header page, the tables, CONFIG and PROVENANCE. Weights are
/// read only for statistics.
public struct Inspection: Encodable {
  struct Training: Encodable {
    let kind: String
    let isTrainingCheckpoint: Bool
    let step, seed: UInt64
    let reserved: [UInt64]

    enum CodingKeys: String, CodingKey {
      case kind, step, seed, reserved
      case isTrainingCheckpoint = "training_checkpoint"
    }

    init(_ record: TrainingRecord) {
      kind = "\(record.kind)"
      isTrainingCheckpoint = record.isTrainingCheckpoint
      step = record.step
      seed = record.seed
      reserved = record.reserved
    }
  }

  struct Section: Encodable {
    let kind, role: String
    /// From the start of the file.
    let offset: Int
    let bytes: Int
    /// The hash in the section table; zeros for CONFIG, whose slots have their own hashes.
    let hash: String

    init(_ record: SectionRecord) {
      kind = SectionKind(rawValue: record.kind).map { "\($0)" } ?? "unknown \(record.kind)"
      role = Role(rawValue: record.role).map { "\($0)" } ?? "unknown \(record.role)"
      offset = record.offset
      bytes = record.storedBytes
      hash = Hexadecimal.text(record.hash)
    }
  }

  struct Tensor: Encodable {
    let name, section, role, type: String
    let dims: [Int]
    /// From the start of its section.
    let offset: Int
    let bytes: Int
    let hash: String
    let statistics: TensorStatistics?

    init(_ record: TensorRecord, in section: Section, _ statistics: TensorStatistics?) {
      name = record.name
      self.section = section.kind
      role = section.role
      type = "\(record.type)"
      dims = record.dims
      offset = record.offset
      bytes = record.bytes
      hash = Hexadecimal.text(record.hash)
      self.statistics = statistics
    }

    /// `SECTION/ROLE/NAME`
    var address: String { "\(section)/\(role)/\(name)" }
  }

  let file: String
  let version: String
  let fileBytes: Int
  let identity, contentHash, baseContentHash, tokenizerHash: String
  let verified: Bool
  let architecture: JSONValue
  /// The same, for the text; not encoded.
  let shape: Architecture
  let training: Training
  let sections: [Section]
  let tensors: [Tensor]
  let configuration: JSONValue
  let provenance: JSONValue
  let parents: [Ancestry]

  enum CodingKeys: String, CodingKey {
    case file, version, identity, verified, architecture, training, sections, tensors
    case configuration, provenance, parents
    case fileBytes = "file_bytes"
    case contentHash = "content_hash"
    case baseContentHash = "base_content_hash"
    case tokenizerHash = "tokenizer_hash"
  }

  /// - Parameters:
  ///   - isVerified: whether the caller has verified the checkpoint.
  ///   - statistics: one for each of `checkpoint.tensors`, in order; nil to show none.
  ///   - folder: the folder to search for files of ancestors.
  /// - Throws: `Failure(.badData)` if CONFIG or PROVENANCE is not JSON.
  public init(
    _ checkpoint: Checkpoint, isVerified: Bool, statistics: [TensorStatistics]? = nil,
    folder: String? = nil
  ) throws {
    file = checkpoint.path
    version = "\(Format.major).\(checkpoint.header.minor)"
    fileBytes = checkpoint.fileBytes
    identity = Hexadecimal.text(checkpoint.identity)
    contentHash = Hexadecimal.text(checkpoint.contentHash)
    baseContentHash = Hexadecimal.text(checkpoint.baseContentHash)
    tokenizerHash = Hexadecimal.text(checkpoint.tokenizerHash)
    verified = isVerified
    architecture = checkpoint.architecture.json
    shape = checkpoint.architecture
    training = Training(checkpoint.training)
    sections = checkpoint.header.sections.map(Section.init)
    tensors = Self.tensors(checkpoint, statistics)
    configuration = try Self.json(checkpoint.configuration, "\(checkpoint.path), CONFIG")
    provenance = try Self.json(checkpoint.provenance, "\(checkpoint.path), PROVENANCE")
    parents = Ancestry.parents(of: checkpoint, in: folder)
  }

  /// The directory of a checkpoint.
  static func tensors(_ checkpoint: Checkpoint, _ statistics: [TensorStatistics]? = nil) -> [Tensor] {
    let header = checkpoint.header
    return header.tensors.enumerated().map { index, record in
      Tensor(record, in: Section(header.sections[record.section]), statistics?[index])
    }
  }

  /// The value of a JSON section; null if the file does not have the section.
  static func json(_ bytes: [UInt8], _ place: String) throws -> JSONValue {
    bytes.isEmpty ? .null : try JSON.decode(JSONValue.self, from: bytes, at: place)
  }
}
