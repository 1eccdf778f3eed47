import Support

/// Reads the JSON files of a model's folder. Sizes are limited, so that no file can use up memory; and ambiguous
/// files are refused.
public enum JSONFile {
  /// The purpose of a file, which determines its size limit.
  public enum Purpose: Sendable {
    case configuration, index, tokenizer

    /// In bytes.
    public var limit: Int {
      switch self {
      case .configuration: 1 << 20
      case .index, .tokenizer: 64 << 20
      }
    }
  }

  /// Reads a file as `type`.
  /// - Throws: `Failure(.badData)` for a file over the limit, which is not read; for two equal keys in one object;
  ///   and the errors of `JSON.decode`.
  public static func read<T: Decodable>(
    _ type: T.Type, from path: String, _ purpose: Purpose
  ) throws -> T {
    let bytes = try Files.read(path, limit: purpose.limit)
    try ForeignFile.requireNoPointer(bytes, at: path)
    return try decode(type, from: bytes, at: path)
  }

  /// The same as `read`, for bytes in memory.
  /// - Parameters:
  ///   - firstByte: the offset of the bytes in their file.
  ///   - valueLimit: the largest number of values.
  static func decode<T: Decodable>(
    _ type: T.Type, from bytes: [UInt8], at place: String, firstByte: Int = 0,
    valueLimit: Int = JSONKeys.valueLimit
  ) throws -> T {
    // A decoder that guesses UTF-16 would see other keys than the check for duplicates.
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
