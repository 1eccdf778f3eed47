import Support

@testable import Interchange

/// A safetensors file as bytes, sound or not.
struct RawSafetensors {
  /// Name, and the JSON of what the header says of it.
  var header: String
  var data: [UInt8]

  static func tensor(_ type: String, _ shape: [Int], _ first: Int, _ end: Int) -> String {
    "{\"dtype\":\"\(type)\",\"shape\":\(shape),\"data_offsets\":[\(first),\(end)]}"
  }

  /// Two tensors, a [2, 3] and b [2].
  static let sound = RawSafetensors(
    header: "{\"a\":\(tensor("F32", [2, 3], 0, 24)),\"b\":\(tensor("F16", [2], 24, 28))}",
    data: [UInt8](repeating: 1, count: 28))

  func bytes(length: UInt64? = nil) -> [UInt8] {
    let text = Array(header.utf8)
    return Swift.withUnsafeBytes(of: (length ?? UInt64(text.count)).littleEndian) { Array($0) } + text + data
  }
}

/// What an attempt failed with, as a person reads it; nil if it did not.
func error(_ body: () throws -> Void) -> String? {
  do {
    try body()
    return nil
  } catch {
    return "\(error)"
  }
}
