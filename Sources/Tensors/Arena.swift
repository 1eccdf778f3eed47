import Support

#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#endif

/// All memory of a run, laid out before its first step as named blocks.
///
/// Blocks are anonymous, zero-filled mappings: they cost address space when they are laid out and
/// memory when they are first written. `tinyrlhf plan` builds the very objects that a run builds
/// and prints this table, so prediction and run cannot drift apart.
public final class Arena: @unchecked Sendable {
  public struct Block: Sendable {
    public let name: String
    public let bytes: Int
  }

  public private(set) var blocks: [Block] = []
  private var mappings: [(UnsafeMutableRawPointer, Int)] = []

  public init() {}

  deinit {
    for (base, bytes) in mappings { munmap(base, bytes) }
  }

  /// Bytes of all blocks.
  public var bytes: Int { blocks.reduce(0) { $0 + $1.bytes } }

  /// A zero-filled block, page-aligned.
  /// - Throws: `Failure(.outOfMemory)` naming the block.
  public func allocate(_ name: String, bytes: Int) throws -> UnsafeMutableRawPointer {
    let length = max(bytes, 1)
    let base = mmap(nil, length, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0)
    guard let base, base != MAP_FAILED else {
      throw Failure(
        .outOfMemory, "no memory for \(Formatting.bytes(bytes)) of \(name)",
        remedy: "Choose a smaller batch or a smaller model.")
    }
    blocks.append(Block(name: name, bytes: bytes))
    mappings.append((base, length))
    return base
  }

  /// A zero-filled block of `count` elements.
  public func allocate<T>(_ name: String, _ count: Int, of type: T.Type) throws
    -> UnsafeMutablePointer<T>
  {
    try allocate(name, bytes: count * MemoryLayout<T>.stride).bindMemory(to: T.self, capacity: count)
  }

  /// A zero-filled block of `count` float32.
  public func floats(_ name: String, _ count: Int) throws -> UnsafeMutablePointer<Float> {
    try allocate(name, count, of: Float.self)
  }
}
