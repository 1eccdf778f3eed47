import CSupport
import Glibc
import Support

/// The differences between two checkpoints; the offsets of their sections do not matter.
public struct CheckpointDifference: Encodable, Sendable {
  /// A field that differs: `architecture.layers`, `provenance.configuration.seed`.
  public struct Field: Encodable, Sendable {
    public let field: String
    /// null if the file does not have it.
    public let a, b: JSONValue

    /// Always writes both keys, also for a missing value.
    public func encode(to encoder: any Encoder) throws {
      var container = encoder.container(keyedBy: CodingKeys.self)
      try container.encode(field, forKey: .field)
      try container.encode(a, forKey: .a)
      try container.encode(b, forKey: .b)
    }

    enum CodingKeys: String, CodingKey { case field, a, b }
  }

  public let a, b: String
  public let same: Bool
  public let fields: [Field]
  /// Tensors that are in both files and differ.
  public let tensors: [TensorDifference]
  /// The number of tensors that are equal in both files, byte for byte.
  public let equalTensors: Int
  /// `SECTION/ROLE/NAME` of tensors that only one of the files has.
  public let onlyInA, onlyInB: [String]

  enum CodingKeys: String, CodingKey {
    case a, b, same, fields, tensors
    case equalTensors = "equal_tensors"
    case onlyInA = "only_in_a"
    case onlyInB = "only_in_b"
  }

  /// Compares the header page, the values in CONFIG and PROVENANCE (numbers as float64), tokenizer, state, and every
  /// byte of every tensor. The result does not depend on `threads`.
  public init(_ a: Checkpoint, _ b: Checkpoint, threads: Int) throws {
    self.a = a.path
    self.b = b.path
    fields = Self.fields(try Self.facts(a), try Self.facts(b))
    let others = Dictionary(uniqueKeysWithValues: b.tensors.map { ($0.address, $0) })
    let mine = a.tensors
    let pairs = mine.compactMap { tensor in others[tensor.address].map { (tensor, $0) } }
    let differing = try Parallel.map(pairs.count, threads: threads) { index in
      !pairs[index].0.isEqual(pairs[index].1)
    }
    let changed = zip(pairs, differing).filter(\.1).map(\.0)
    tensors = try TensorDifference.of(changed, threads: threads)
    equalTensors = pairs.count - tensors.count
    let addresses = Set(mine.map(\.address))
    onlyInA = mine.map(\.address).filter { others[$0] == nil }
    onlyInB = b.tensors.map(\.address).filter { !addresses.contains($0) }
    same = fields.isEmpty && tensors.isEmpty && onlyInA.isEmpty && onlyInB.isEmpty
  }

  /// The content of a file except its tensors, by dotted path.
  private static func facts(_ checkpoint: Checkpoint) throws -> [String: JSONValue] {
    func json(_ bytes: [UInt8], _ section: String) throws -> JSONValue {
      try Inspection.json(bytes, "\(checkpoint.path), \(section)")
    }
    func parsed(_ value: some Encodable) throws -> JSONValue {
      try json(JSON.encode(value), "header")
    }
    let whole: JSONValue = .object([
      "architecture": checkpoint.architecture.json,
      "training": try parsed(Exact(checkpoint.training)),
      "identity": .string(Hexadecimal.text(checkpoint.identity)),
      "base_content_hash": .string(Hexadecimal.text(checkpoint.baseContentHash)),
      "tokenizer": .string(Hexadecimal.text(Hash.xxh64(checkpoint.tokenizer))),
      "state": checkpoint.state.map { .string(Hexadecimal.text(Hash.xxh64($0))) } ?? .null,
      "configuration": try json(checkpoint.configuration, "CONFIG"),
      "provenance": try json(checkpoint.provenance, "PROVENANCE"),
    ])
    var facts: [String: JSONValue] = [:]
    flatten(whole, "", into: &facts)
    return facts
  }

  /// The training record with its 64-bit words as texts, so that no digit is lost.
  private struct Exact: Encodable {
    let kind, step, seed: String
    let trainingCheckpoint: Bool
    let reserved: [String]

    init(_ record: TrainingRecord) {
      let training = Inspection.Training(record)
      kind = training.kind
      step = "\(training.step)"
      seed = "\(training.seed)"
      trainingCheckpoint = training.isTrainingCheckpoint
      reserved = training.reserved.map { "\($0)" }
    }

    enum CodingKeys: String, CodingKey {
      case kind, step, seed, reserved
      case trainingCheckpoint = "training_checkpoint"
    }
  }

  private static func flatten(
    _ value: JSONValue, _ path: String, into facts: inout [String: JSONValue]
  ) {
    guard case .object(let members) = value, !members.isEmpty else { return facts[path] = value }
    for (key, member) in members {
      flatten(member, path.isEmpty ? key : "\(path).\(key)", into: &facts)
    }
  }

  private static func fields(
    _ a: [String: JSONValue], _ b: [String: JSONValue]
  ) -> [Field] {
    Set(a.keys).union(b.keys).sorted().compactMap { key in
      let (left, right) = (a[key] ?? .null, b[key] ?? .null)
      return left == right ? nil : Field(field: key, a: left, b: right)
    }
  }
}

extension StoredTensor {
  fileprivate func isEqual(_ other: StoredTensor) -> Bool {
    guard type == other.type, dims == other.dims else { return false }
    return bytes.count == other.bytes.count && memcmp(bytes.baseAddress!, other.bytes.baseAddress!, bytes.count) == 0
  }
}
