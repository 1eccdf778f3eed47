import Support

/// A tensor to be written. Its bytes stay in memory where they are, or are produced while writing.
public struct TensorSource {
  /// Passes the elements to `put` in order, in pieces. For int8: the packed codes, then scales and row sums (float32
  /// and int32, `[dims[0]]`), then factors (float32 `[dims[1]]`, powers of two from 2⁻³² to 2³²). No piece spans two
  /// of these parts.
  public typealias Stream = (_ put: (UnsafeRawBufferPointer) throws -> Void) throws -> Void

  public var section: SectionKind
  public var role: Role
  /// 1 to 63 printable ASCII characters without a space, unique in its section.
  public var name: String
  public var dims: [Int]
  public var type: TensorType
  /// The elements in row-major order; empty if there is a stream.
  public var bytes: UnsafeRawBufferPointer
  /// Used instead of `bytes` for a tensor that is not in memory in its stored form.
  public private(set) var stream: Stream?

  /// A tensor whose bytes are produced while writing, so that a model need not fit in memory.
  public init(
    section: SectionKind, role: Role, name: String, dims: [Int], type: TensorType,
    stream: @escaping Stream
  ) {
    self.init(
      section: section, role: role, name: name, dims: dims, type: type,
      bytes: UnsafeRawBufferPointer(start: nil, count: 0))
    self.stream = stream
  }

  /// A tensor that is in memory in its stored form. Not for int8, which has more parts than the elements.
  public init(
    section: SectionKind, role: Role, name: String, dims: [Int], type: TensorType,
    bytes: UnsafeRawBufferPointer
  ) {
    self.section = section
    self.role = role
    self.name = name
    self.dims = dims
    self.type = type
    self.bytes = bytes
  }

  /// - Throws: `Failure(.failed)` if the tensor cannot be stored in a checkpoint.
  func validate() throws {
    func require(_ condition: Bool, _ what: @autoclosure () -> String) throws {
      if !condition { throw Failure(.failed, what(), at: "tensor \"\(name)\"") }
    }
    try require(section.holdsTensors, "section \(section) holds no tensors")
    try require(TensorName.isValid(Array(name.utf8)), "this is not a valid tensor name")
    try require(
      (1...Format.maximumRank).contains(dims.count), "its rank \(dims.count) is not in 1…4")
    try require(
      dims.allSatisfy { (1...Int(UInt32.max)).contains($0) }, "its dims are \(dims)")
    guard stream == nil else {
      return try require(type.byteCount(dims) != nil, "dims \(dims) do not suit \(type)")
    }
    try require(
      type.byteCount(dims) == bytes.count, "dims \(dims) of \(type) are not \(bytes.count) bytes")
    try require(type != .int8, "\(type) has more parts than the elements and needs a stream")
  }
}

enum TensorName {
  /// Printable ASCII without the space.
  static let allowed: ClosedRange<UInt8> = 0x21...0x7E

  static func isValid(_ name: some Collection<UInt8>) -> Bool {
    (1..<Format.nameBytes).contains(name.count) && name.allSatisfy { allowed.contains($0) }
  }
}

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
