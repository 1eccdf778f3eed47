import Support

/// A tensor to be written, to a checkpoint or to a file of another program. Its bytes stay in memory where they are, or
/// are produced while writing.
public struct TensorSource {
  /// Passes the elements to `put` in order, in pieces. For int8: the packed codes, then scales and row sums (float32
  /// and int32, `[dims[0]]`), then factors (float32 `[dims[1]]`, powers of two from 2⁻³² to 2³²). No piece spans two
  /// of these parts.
  public typealias Stream = (_ put: (UnsafeRawBufferPointer) throws -> Void) throws -> Void

  /// Its section in a checkpoint; other files have the weights of a policy only.
  public var section: SectionKind
  public var role: Role
  /// In a checkpoint: 1 to 63 printable ASCII characters without a space, unique in its section.
  public var name: String
  public var dims: [Int]
  public var type: TensorType
  /// The elements in row-major order; empty if there is a stream.
  public var bytes: UnsafeRawBufferPointer
  /// Used instead of `bytes` for a tensor that is not in memory in its stored form.
  public private(set) var stream: Stream?

  /// The number of elements.
  public var count: Int { dims.reduce(1, *) }

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

  /// A float32 tensor whose rows are made while they are written.
  /// - Parameters:
  ///   - width: the elements of a row; divides the number of elements.
  ///   - read: writes rows to the buffer.
  public init(
    section: SectionKind = .weights, role: Role = .policy, name: String, dims: [Int], width: Int,
    read: @escaping (_ rows: Range<Int>, _ floats: UnsafeMutablePointer<Float>) throws -> Void
  ) {
    self.init(section: section, role: role, name: name, dims: dims, type: .float32) { put in
      let rows = dims.reduce(1, *) / width
      let pieceRows = max(1, Self.pieceElements / width)
      let floats = UnsafeMutableBufferPointer<Float>.allocate(capacity: min(rows, pieceRows) * width)
      defer { floats.deallocate() }
      for first in stride(from: 0, to: rows, by: pieceRows) {
        let range = first..<min(first + pieceRows, rows)
        try read(range, floats.baseAddress!)
        try put(UnsafeRawBufferPointer(rebasing: UnsafeRawBufferPointer(floats)[..<(4 * range.count * width)]))
      }
    }
  }

  /// Approximate number of elements of a piece of rows.
  private static var pieceElements: Int { 1 << 18 }

  /// The same tensor in another type, converted piece by piece.
  /// - Parameter convert: gets float32 elements and the index of the first one, and passes those of the other type to
  ///   `put`.
  public func converted(
    to type: TensorType,
    _ convert: @escaping (
      UnsafeBufferPointer<Float>, _ first: Int, _ put: (UnsafeRawBufferPointer) throws -> Void
    ) throws -> Void
  ) -> TensorSource {
    TensorSource(section: section, role: role, name: name, dims: dims, type: type) { put in
      var first = 0
      try forEachPiece {
        try convert($0, first, put)
        first += $0.count
      }
    }
  }

  /// Passes the elements of a float32 tensor to `body` in order, in pieces. A tensor made of rows comes in whole rows.
  public func forEachPiece(_ body: (UnsafeBufferPointer<Float>) throws -> Void) throws {
    precondition(type == .float32, "\(name) is \(type), not float32")
    try forEachPiece(ofBytes: { try body($0.assumingMemoryBound(to: Float.self)) })
  }

  /// Passes the bytes to `put` in order, in pieces.
  func forEachPiece(ofBytes put: (UnsafeRawBufferPointer) throws -> Void) throws {
    if let stream { return try stream(put) }
    try put(bytes)
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
