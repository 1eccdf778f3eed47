import Support

/// The JSON files of a model's folder, read with bounds: no file makes us allocate without end, and
/// none is read in one of two ways.
public enum JSONFile {
  /// What a file is for, and so how large it may be.
  public enum Purpose: Sendable {
    case configuration, index, tokenizer

    /// Bytes.
    public var limit: Int {
      switch self {
      case .configuration: 1 << 20
      case .index, .tokenizer: 64 << 20
      }
    }
  }

  /// Reads a file as `type`.
  /// - Throws: `Failure(.badData)` for a file over the limit, which is not read; for two equal keys
  ///   in one object; and as `JSON.decode`.
  public static func read<T: Decodable>(
    _ type: T.Type, from path: String, _ purpose: Purpose
  ) throws -> T {
    let bytes = try Files.read(path, limit: purpose.limit)
    try ForeignFile.requireNoPointer(bytes, at: path)
    return try decode(type, from: bytes, at: path)
  }

  /// As `read`, for bytes that are in memory.
  /// - Parameters:
  ///   - firstByte: where they stand in their file.
  ///   - valueLimit: how many values there may be.
  static func decode<T: Decodable>(
    _ type: T.Type, from bytes: [UInt8], at place: String, firstByte: Int = 0,
    valueLimit: Int = JSONKeys.valueLimit
  ) throws -> T {
    // A decoder that guesses UTF-16 would see other keys than the look for equal ones.
    guard !bytes.contains(0), String(validating: bytes, as: UTF8.self) != nil else {
      throw Failure(
        .badData, "this is not UTF-8 text", at: place, remedy: "Convert it, or copy the file again.")
    }
    try bytes.withUnsafeBufferPointer {
      try JSONKeys(text: $0, place: place, firstByte: firstByte, valueLimit: valueLimit).requireUnique()
    }
    return try JSON.decode(type, from: bytes, at: place)
  }
}
