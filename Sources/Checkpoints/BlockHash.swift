import Support

/// The hash of everything long: XXH64 over the little-endian XXH64s of its 64 KiB blocks.
///
/// Fed in pieces of any size. Zero bytes hash to XXH64 of nothing.
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

  /// The hash of bytes that are all there, blocks over threads.
  static func of(_ bytes: UnsafeRawBufferPointer, threads: Int = 1) throws -> UInt64 {
    let input = Borrowed(bytes: bytes)
    let blocks = (bytes.count + Format.hashBlock - 1) / Format.hashBlock
    let hashes = try Parallel.map(blocks, threads: threads) { block in
      let start = block * Format.hashBlock
      let count = min(Format.hashBlock, input.bytes.count - start)
      return Hash.xxh64(input.bytes.slice(start, count)).littleEndian
    }
    return hashes.withUnsafeBytes { Hash.xxh64($0) }
  }
}
