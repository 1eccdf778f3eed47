import CSupport

public enum Hash {
  /// XXH64 of a buffer.
  public static func xxh64(_ bytes: UnsafeRawBufferPointer, seed: UInt64 = 0) -> UInt64 {
    ts_xxh64(bytes.baseAddress ?? UnsafeRawPointer(bitPattern: 1)!, bytes.count, seed)
  }

  /// XXH64 of an array of bytes.
  public static func xxh64(_ bytes: [UInt8], seed: UInt64 = 0) -> UInt64 {
    bytes.withUnsafeBytes { xxh64($0, seed: seed) }
  }
}
