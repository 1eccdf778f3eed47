/// gzip members as RFC 1952 has them, their data stored and not compressed.
public enum Gzip {
  /// - Parameters:
  ///   - checksum, length: what the trailer says, if not the truth.
  ///   - name: a file name in the header.
  public static func member(
    _ bytes: [UInt8], checksum: UInt32? = nil, length: UInt32? = nil, name: String? = nil
  ) -> [UInt8] {
    var member: [UInt8] = [0x1F, 0x8B, 8, name == nil ? 0 : 8, 0, 0, 0, 0, 0, 255]
    if let name { member += Array(name.utf8) + [0] }
    var start = 0
    repeat {
      let block = bytes[start..<min(start + 65_535, bytes.count)]
      start = block.endIndex
      let size = UInt16(block.count)
      member.append(start == bytes.count ? 1 : 0)
      member += littleEndian(size) + littleEndian(~size) + block
    } while start < bytes.count
    return member + littleEndian(checksum ?? crc32(bytes))
      + littleEndian(length ?? UInt32(truncatingIfNeeded: bytes.count))
  }

  private static func littleEndian(_ value: some FixedWidthInteger) -> [UInt8] {
    withUnsafeBytes(of: value.littleEndian) { Array($0) }
  }

  private static func crc32(_ bytes: [UInt8]) -> UInt32 {
    var crc = ~UInt32(0)
    for byte in bytes {
      crc ^= UInt32(byte)
      for _ in 0..<8 { crc = crc & 1 == 1 ? crc >> 1 ^ 0xEDB8_8320 : crc >> 1 }
    }
    return ~crc
  }
}
