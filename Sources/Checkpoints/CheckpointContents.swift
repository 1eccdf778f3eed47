import Support

/// One tensor to be written: its bytes stay where they are, or are made when they are written.
public struct TensorSource {
  /// Puts the elements (or the packed codes), for int8 then the scales, the row sums and the factors, front
  /// to back in pieces; no piece belongs to two of them.
  public typealias Stream = (_ put: (UnsafeRawBufferPointer) throws -> Void) throws -> Void

  public var section: SectionKind
  public var role: Role
  /// 1 to 63 printable ASCII characters without a space, unique in its section.
  public var name: String
  public var dims: [Int]
  public var type: TensorType
  /// The elements in row-major order, or the packed codes.
  public var bytes: UnsafeRawBufferPointer
  /// float32 `[dims[0]]`, for int8 only.
  public var scales: UnsafeRawBufferPointer?
  /// int32 `[dims[0]]`, for int8 only.
  public var rowSums: UnsafeRawBufferPointer?
  /// float32 `[dims[1]]`, powers of two from 2⁻³² to 2³², for int8 only.
  public var factors: UnsafeRawBufferPointer?
  /// In the place of `bytes`, `scales`, `rowSums` and `factors`, for a tensor that lies nowhere.
  public private(set) var stream: Stream?

  /// A tensor whose bytes are made when they are written, so that a model need not fit in memory.
  public init(
    section: SectionKind, role: Role, name: String, dims: [Int], type: TensorType,
    stream: @escaping Stream
  ) {
    self.init(
      section: section, role: role, name: name, dims: dims, type: type,
      bytes: UnsafeRawBufferPointer(start: nil, count: 0))
    self.stream = stream
  }

  public init(
    section: SectionKind, role: Role, name: String, dims: [Int], type: TensorType,
    bytes: UnsafeRawBufferPointer, scales: UnsafeRawBufferPointer? = nil,
    rowSums: UnsafeRawBufferPointer? = nil, factors: UnsafeRawBufferPointer? = nil
  ) {
    self.section = section
    self.role = role
    self.name = name
    self.dims = dims
    self.type = type
    self.bytes = bytes
    self.scales = scales
    self.rowSums = rowSums
    self.factors = factors
  }

  /// - Throws: `Failure(.failed)` if the tensor cannot stand in a checkpoint.
  func validate() throws {
    func require(_ condition: Bool, _ what: @autoclosure () -> String) throws {
      if !condition { throw Failure(.failed, what(), at: "tensor \"\(name)\"") }
    }
    try require(section.holdsTensors, "section \(section) holds no tensors")
    try require(TensorName.isValid(Array(name.utf8)), "this is not a tensor's name")
    try require(
      (1...Format.maximumRank).contains(dims.count), "its rank \(dims.count) is not in 1…4")
    try require(
      dims.allSatisfy { (1...Int(UInt32.max)).contains($0) }, "its dims are \(dims)")
    guard stream == nil else {
      return try require(type.byteCount(dims) != nil, "dims \(dims) do not suit \(type)")
    }
    try require(
      type.byteCount(dims) == bytes.count, "dims \(dims) of \(type) are not \(bytes.count) bytes")
    let (rowBytes, columnBytes) = type == .int8 ? (4 * dims[0], 4 * dims[1]) : (nil, nil)
    try require(
      scales?.count == rowBytes && rowSums?.count == rowBytes && factors?.count == columnBytes,
      "scales, row sums and factors do not suit \(type) with dims \(dims)")
  }
}

enum TensorName {
  /// Printable ASCII without the space.
  static let allowed: ClosedRange<UInt8> = 0x21...0x7E

  static func isValid(_ name: some Collection<UInt8>) -> Bool {
    (1..<Format.nameBytes).contains(name.count) && name.allSatisfy { allowed.contains($0) }
  }
}

/// All that a checkpoint holds. Equal contents give equal files.
public struct CheckpointContents {
  public var architecture: ArchitectureRecord
  public var training: TrainingRecord
  /// What made this model: see `CheckpointWriter.identity`.
  public var identity: UInt64
  /// The content hash of the base that an adapter belongs to; 0 for a whole model.
  public var baseContentHash: UInt64
  /// JSON.
  public var configuration: [UInt8]
  /// Empty for none, as `provenance`.
  public var tokenizer: [UInt8]
  public var tensors: [TensorSource]
  public var state: [UInt8]?
  public var provenance: [UInt8]

  public init(
    architecture: ArchitectureRecord, training: TrainingRecord, identity: UInt64,
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

  /// - Throws: `Failure(.badData)` for a text longer than a reader takes.
  func validateJSON() throws {
    for (name, text) in [("CONFIG", configuration), ("PROVENANCE", provenance)] {
      try Self.validateJSON(text, name, at: nil)
    }
  }

  /// As `validateJSON()`, one text.
  static func validateJSON(_ text: [UInt8], _ name: String, at place: String?) throws {
    guard text.count <= Format.maximumJSONBytes else {
      throw Failure(
        .badData, "\(name) has \(text.count) bytes, over \(Format.maximumJSONBytes)", at: place,
        remedy: "Shorten it.")
    }
  }
}
