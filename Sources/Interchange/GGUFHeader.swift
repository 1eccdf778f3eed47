import Checkpoints
import Support

/// The part of a GGUF file before the tensors: metadata, and the directory with each tensor's type, dims and offset.
/// Versions 2 and 3, little-endian.
struct GGUFHeader {
  private static let mostTensors = 1 << 16
  private static let longestName = 1 << 10
  private static let mostDims = 4
  private static let alignmentKey = "general.alignment"
  /// The minimum sizes of an entry of the metadata and of the directory, in bytes.
  private static let (leastKey, leastTensor) = (14, 33)

  let metadata: GGUFMetadata
  let tensors: [String: StoredTensor]

  /// - Throws: `Failure(.badData)` that names the byte, the key or the tensor.
  init(_ storage: Storage, path: String) throws {
    var cursor = GGUFCursor(storage.bytes, path: path)
    try Self.requireVersion(&cursor)
    let tensorCount = try cursor.count("the number of tensors", of: Self.leastTensor, limit: Self.mostTensors)
    let keyCount = try cursor.count("the number of keys", of: Self.leastKey, limit: .max)
    var metadata = GGUFMetadata(path: path, storage: storage)
    try metadata.read(&cursor, count: keyCount)
    self.metadata = metadata
    try Self.requireWhole(metadata)
    let alignment = try Self.alignment(metadata)
    let records = try (0..<tensorCount).map { _ in try Record(&cursor, longestName: Self.longestName) }
    let start = (cursor.offset + alignment - 1) / alignment * alignment
    var tensors: [String: StoredTensor] = [:]
    for record in records {
      let tensor = try record.tensor(from: start, of: storage, alignment: alignment, path)
      guard tensors.updateValue(tensor, forKey: record.name) == nil else {
        throw Failure(
          .badData, "the tensor \(quoted(record.name)) appears twice", at: path, remedy: GGUFCursor.remedy)
      }
    }
    self.tensors = tensors
    try requireApart(in: storage.bytes)
  }

  private static func requireVersion(_ cursor: inout GGUFCursor) throws {
    guard cursor.bytes.starts(with: "GGUF".utf8) else {
      throw cursor.failure("it does not begin with GGUF", remedy: "Name a GGUF file.")
    }
    cursor.skip(4)
    let version = try cursor.number(UInt32.self, "the version")
    if [2, 3].contains(version) { return }
    if (1...3).contains(version.byteSwapped) {
      throw Failure(
        .badData, "is a big-endian GGUF file, but only little-endian files are supported", at: cursor.path,
        remedy: "Convert it with gguf_convert_endian of PyPI's gguf.")
    }
    throw Failure(
      .badData, "is a GGUF file of version \(version), but only versions 2 and 3 are supported", at: cursor.path,
      remedy: "Convert the model again with llama.cpp's convert_hf_to_gguf.py.")
  }

  private static func requireWhole(_ metadata: GGUFMetadata) throws {
    guard let parts = try metadata.optionalInteger("split.count"), parts > 1 else { return }
    throw metadata.failure(
      at: "split.count", "the file is one of \(parts) parts of a model",
      remedy: "Join them with llama.cpp: `llama-gguf-split --merge FIRST-PART WHOLE`.")
  }

  private static func alignment(_ metadata: GGUFMetadata) throws -> Int {
    let alignment = try metadata.optionalInteger(alignmentKey) ?? 32
    guard alignment > 0, alignment & (alignment - 1) == 0, alignment <= 1 << 20 else {
      throw metadata.failure(
        at: alignmentKey, "the alignment is \(alignment), which is not a power of two up to 1,048,576")
    }
    return alignment
  }

  /// Requires that no byte belongs to two tensors.
  private func requireApart(in file: UnsafeRawBufferPointer) throws {
    var (reached, last) = (0, "")
    let ordered = tensors.values.map { ($0.range(in: file), $0) }.sorted {
      ($0.0.lowerBound, $0.1.name) < ($1.0.lowerBound, $1.1.name)
    }
    for (range, tensor) in ordered {
      guard range.lowerBound >= reached else {
        throw Failure(
          .badData, "it begins at byte \(range.lowerBound), before the tensor \(quoted(last)) ends at \(reached)",
          at: "\(tensor.path), tensor \(quoted(tensor.name))", remedy: GGUFCursor.remedy)
      }
      (reached, last) = (range.upperBound, tensor.name)
    }
  }

  /// An entry of the directory, not yet checked against the file.
  private struct Record {
    let name: String
    /// The fastest dimension first.
    let dims: [UInt64]
    let type: UInt32
    let offset: UInt64

    init(_ cursor: inout GGUFCursor, longestName: Int) throws {
      let start = cursor.offset
      let range = try cursor.text("a tensor's name", limit: longestName)
      let bytes = UnsafeRawBufferPointer(rebasing: cursor.bytes[range])
      guard let name = String(validating: bytes, as: UTF8.self), !name.isEmpty else {
        throw cursor.failure("a tensor's name is empty, or not UTF-8", at: start)
      }
      self.name = name
      let place = "the entry of the tensor \(quoted(name))"
      let count = try cursor.number(UInt32.self, place)
      guard (1...UInt32(mostDims)).contains(count) else {
        throw cursor.failure("the tensor \(quoted(name)) has \(count) dims; the range is 1 to \(mostDims)", at: start)
      }
      dims = try (0..<count).map { _ in try cursor.number(UInt64.self, place) }
      type = try cursor.number(UInt32.self, place)
      offset = try cursor.number(UInt64.self, place)
    }

    /// - Parameter start: the first byte of the data.
    func tensor(from start: Int, of storage: Storage, alignment: Int, _ path: String) throws -> StoredTensor {
      func require(_ condition: Bool, _ what: @autoclosure () -> String) throws {
        guard !condition else { return }
        throw Failure(.badData, what(), at: "\(path), tensor \(quoted(name))", remedy: GGUFCursor.remedy)
      }
      guard let type = GGUFTensorType(rawValue: type) else {
        throw Failure(
          .badData,
          "its type is \(GGUFTensorType.name(of: self.type)), but the supported types are \(GGUFTensorType.readable)",
          at: "\(path), tensor \(quoted(name))", remedy: "Convert the model to one of these types with llama.cpp.")
      }
      let dims = dims.compactMap { Int(exactly: $0) }.filter { $0 > 0 }
      let shown = "\(self.dims)"
      try require(dims.count == self.dims.count, "its dims are \(shown)")
      try require(
        dims[0] % type.blockElements == 0,
        "its rows have \(dims[0]) elements, but \(type.name) stores blocks of \(type.blockElements)")
      // An element takes at most four bytes.
      let count = Int.product(dims) ?? .max
      try require(count <= .max / 4, "its dims \(shown) are too large")
      let bytes = type.bytes(count)
      try require(offset % UInt64(alignment) == 0, "its offset is \(offset), which is not a multiple of \(alignment)")
      let room = max(0, storage.bytes.count - start)
      try require(
        bytes <= room && offset <= UInt64(room - bytes),
        "it ends beyond the file: \(bytes) bytes from byte \(offset) of the data, which has \(room)")
      let first = start + Int(offset)
      return StoredTensor(
        name: name, dims: dims.reversed(), typeName: type.name, elements: type,
        bytes: UnsafeRawBufferPointer(rebasing: storage.bytes[first..<first + bytes]), path: path, owner: storage)
    }
  }
}

/// A mapped GGUF file with a checked header.
final class GGUFArchive: TensorArchive, @unchecked Sendable {
  let path: String
  let readableTypes = GGUFTensorType.readable
  let statement = "the metadata"
  let advice = "Copy the file again; its metadata and its tensors do not belong to the same model."
  private let storage: Storage
  private let header: GGUFHeader

  convenience init(_ path: String) throws {
    try self.init(Storage.map(path, writable: false), path: path)
  }

  init(_ storage: Storage, path: String) throws {
    self.path = path
    self.storage = storage
    header = try GGUFHeader(storage, path: path)
  }

  var metadata: GGUFMetadata { header.metadata }
  var names: [String] { header.tensors.keys.sorted() }
  var bytes: Int { storage.bytes.count }

  /// XXH64 of the whole file.
  var hash: UInt64 { Hash.xxh64(storage.bytes) }

  func tensor(_ name: String) -> StoredTensor? { header.tensors[name] }
}
