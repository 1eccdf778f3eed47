import Checkpoints
import Support

/// The part of a safetensors file before the tensors: the header's length (u64, little-endian), then JSON with each
/// tensor's type, dims and offsets.
struct SafetensorsHeader {
  /// The limit of the format.
  static let longest = 100_000_000
  static let lengthBytes = 8
  private static let remedy = "Copy the file again; it is damaged."

  let tensors: [String: StoredTensor]

  /// - Throws: `Failure(.badData)` naming the file, and the byte or the tensor.
  init(_ storage: Storage, path: String) throws {
    let file = storage.bytes
    let start = try Self.dataStart(file, path: path)
    let text = Array(file[Self.lengthBytes..<start])
    let records = try JSONFile.decode(
      Records.self, from: text, at: path, firstByte: Self.lengthBytes, valueLimit: 1 << 20)
    tensors = try Dictionary(
      uniqueKeysWithValues: records.tensors.map { name, record in
        (name, try record.tensor(name, from: start, of: storage, path))
      })
    try requireNoGaps(from: start, in: file, path: path)
  }

  private static func dataStart(_ file: UnsafeRawBufferPointer, path: String) throws -> Int {
    guard file.count >= lengthBytes else {
      throw Failure(
        .badData, "has \(file.count) bytes, too few for the length of a header", at: path,
        remedy: remedy)
    }
    let length = UInt64(littleEndian: file.loadUnaligned(as: UInt64.self))
    guard length <= UInt64(file.count - lengthBytes) else {
      throw Failure(
        .badData, "its header of \(length) bytes ends beyond the file's \(file.count)", at: path,
        remedy: remedy)
    }
    guard length <= UInt64(longest) else {
      throw Failure(
        .badData, "its header has \(length) bytes; the limit is \(longest)", at: path, remedy: remedy)
    }
    return lengthBytes + Int(length)
  }

  /// Requires that every byte after the header belongs to one tensor.
  private func requireNoGaps(from start: Int, in file: UnsafeRawBufferPointer, path: String) throws {
    let ordered = tensors.values.map { ($0.range(in: file), $0) }.sorted {
      ($0.0.lowerBound, $0.0.upperBound, $0.1.name) < ($1.0.lowerBound, $1.0.upperBound, $1.1.name)
    }
    var (reached, last) = (start, "")
    for (range, tensor) in ordered {
      let first = range.lowerBound
      guard first >= reached else {
        throw Failure(
          .badData, "it begins at byte \(first), before the tensor \"\(last)\" ends at \(reached)",
          at: tensor.place, remedy: Self.remedy)
      }
      guard first == reached else { break }
      (reached, last) = (range.upperBound, tensor.name)
    }
    guard reached == file.count else {
      throw Failure(
        .badData, "the bytes from \(reached) on belong to no tensor", at: path, remedy: Self.remedy)
    }
  }

  /// The JSON of the header.
  private struct Records: Decodable {
    var tensors: [String: Record] = [:]

    private struct Key: CodingKey {
      let stringValue: String
      var intValue: Int? { nil }
      init(stringValue: String) { self.stringValue = stringValue }
      init?(intValue: Int) { nil }
    }

    init(from decoder: any Decoder) throws {
      let container = try decoder.container(keyedBy: Key.self)
      for key in container.allKeys {
        // Texts for people and programs; they do not describe tensors.
        guard key.stringValue != "__metadata__" else { continue }
        tensors[key.stringValue] = try container.decode(Record.self, forKey: key)
      }
    }
  }

  private struct Record: Decodable {
    var dtype: String
    // Numbers of any kind, so that the error for a wrong one can name its tensor.
    var shape: [Double]
    var data_offsets: [Double]

    /// The size of an element, in bytes.
    private static let types = [
      "BOOL": 1, "U8": 1, "I8": 1, "F8_E4M3": 1, "F8_E5M2": 1, "U16": 2, "I16": 2, "F16": 2, "BF16": 2,
      "U32": 4, "I32": 4, "F32": 4, "U64": 8, "I64": 8, "F64": 8,
    ]

    /// - Parameter start: the first byte of the data.
    func tensor(_ name: String, from start: Int, of storage: Storage, _ path: String) throws -> StoredTensor {
      let (place, end) = ("\(path), tensor \"\(name)\"", storage.bytes.count)
      func require(_ condition: Bool, _ what: @autoclosure () -> String) throws {
        guard !condition else { return }
        throw Failure(.badData, what(), at: place, remedy: SafetensorsHeader.remedy)
      }
      guard let size = Self.types[dtype] else {
        throw Failure(
          .badData, "its type \"\(dtype)\" is unknown", at: place,
          remedy: "Convert it to F32, F16 or BF16.")
      }
      func counts(_ numbers: [Double], _ name: String) throws -> [Int] {
        let counts = numbers.compactMap { Int(exactly: $0) }.filter { $0 >= 0 }
        try require(counts.count == numbers.count, "\(name) \(numbers) are not whole numbers")
        return counts
      }
      let dims = try counts(shape, "its dims")
      var bytes = size
      for dim in dims {
        let (product, overflow) = bytes.multipliedReportingOverflow(by: dim)
        try require(!overflow, "its dims \(dims) are too large")
        bytes = product
      }
      let offsets = try counts(data_offsets, "its offsets")
      try require(offsets.count == 2 && offsets[0] <= offsets[1], "its offsets are \(offsets)")
      try require(
        offsets[1] <= end - start, "it ends at byte \(offsets[1]) of the data, which has \(end - start)")
      try require(
        offsets[1] - offsets[0] == bytes,
        "\(offsets[1] - offsets[0]) bytes, but \(dtype) \(dims) needs \(bytes)")
      return StoredTensor(
        name: name, dims: dims, typeName: dtype, elements: ElementType(rawValue: dtype),
        bytes: UnsafeRawBufferPointer(rebasing: storage.bytes[start + offsets[0]..<start + offsets[1]]), path: path,
        owner: storage)
    }
  }
}
