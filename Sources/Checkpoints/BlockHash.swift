import Support

/// The hash of long data: XXH64 over the little-endian XXH64s of its 64 KiB blocks.
///
/// Accepts pieces of any size. The hash of no bytes is XXH64 of no bytes.
struct BlockHash {
  private var hashes: [UInt8] = []
  private var partial: [UInt8] = []

  init() { partial.reserveCapacity(Format.hashBlock) }

  mutating func update(_ bytes: UnsafeRawBufferPointer) {
    var rest = bytes[...]
    if !partial.isEmpty {
      let head = rest.prefix(Format.hashBlock - partial.count)
      partial.append(contentsOf: head)
      rest = rest.dropFirst(head.count)
      guard partial.count == Format.hashBlock else { return }
      append(Hash.xxh64(partial))
      partial.removeAll(keepingCapacity: true)
    }
    while rest.count >= Format.hashBlock {
      append(Hash.xxh64(UnsafeRawBufferPointer(rebasing: rest.prefix(Format.hashBlock))))
      rest = rest.dropFirst(Format.hashBlock)
    }
    partial.append(contentsOf: rest)
  }

  mutating func update(_ bytes: [UInt8]) { bytes.withUnsafeBytes { update($0) } }

  consuming func finish() -> UInt64 {
    if !partial.isEmpty { append(Hash.xxh64(partial)) }
    return Hash.xxh64(hashes)
  }

  private mutating func append(_ hash: UInt64) {
    withUnsafeBytes(of: hash.littleEndian) { hashes.append(contentsOf: $0) }
  }

  /// The hash of a complete buffer.
  static func of(_ bytes: UnsafeRawBufferPointer) -> UInt64 {
    var hash = BlockHash()
    hash.update(bytes)
    return hash.finish()
  }

  /// The hash of data whose blocks have these hashes.
  static func of(blocks hashes: [UInt64]) -> UInt64 {
    hashes.map(\.littleEndian).withUnsafeBytes { Hash.xxh64($0) }
  }
}
