import Support

#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#endif

/// All memory of a run, laid out before its first step as named blocks.
///
/// Blocks are anonymous, zero-filled mappings: they cost address space when they are laid out and
/// memory when they are first written. `tinyrlhf plan` builds the very objects that a run builds, in an
/// arena that only plans, and prints this table, so prediction and run cannot drift apart.
public final class Arena {
  public struct Block: Sendable {
    public let name: String
    public let bytes: Int
  }

  public private(set) var blocks: [Block] = []
  private var mappings: [(UnsafeMutableRawPointer, Int)] = []

  /// Whether its blocks are only added up: they have addresses of their own, and no memory.
  public let isPlan: Bool
  /// Where a plan's next block lies.
  private var next = UInt(1) << 32

  public init(isPlan: Bool = false) { self.isPlan = isPlan }

  deinit {
    for (base, bytes) in mappings { munmap(base, bytes) }
  }

  /// Bytes of all blocks.
  public var bytes: Int { blocks.reduce(0) { $0.adding(atMost: $1.bytes) } }

  /// A zero-filled block, page-aligned.
  /// - Throws: `Failure(.outOfMemory)` naming the block.
  public func allocate(_ name: String, bytes: Int) throws -> UnsafeMutableRawPointer {
    let length = max(bytes, 1)
    if isPlan { return try plan(name, length) }
    let base = mmap(nil, length, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0)
    guard let base, base != MAP_FAILED else { throw Self.noMemory(Formatting.bytes(bytes), name) }
    blocks.append(Block(name: name, bytes: bytes))
    mappings.append((base, length))
    return base
  }

  private func plan(_ name: String, _ bytes: Int) throws -> UnsafeMutableRawPointer {
    let (end, overflows) = next.addingReportingOverflow(UInt(bytes) + 4096)
    guard !overflows, let base = UnsafeMutableRawPointer(bitPattern: next) else {
      throw Self.noMemory(Formatting.bytes(bytes), name)
    }
    next = end & ~4095
    blocks.append(Block(name: name, bytes: bytes))
    return base
  }

  private static func noMemory(_ amount: String, _ name: String) -> Failure {
    Failure(
      .outOfMemory, "no memory for \(amount) of \(name)", remedy: "Choose a smaller batch or a smaller model.")
  }

  /// The bytes of a block of `factors` elements, one count times the other.
  /// - Throws: `Failure(.outOfMemory)` for more than an address can name.
  public static func bytes(_ name: String, _ factors: Int...) throws -> Int {
    guard let bytes = Int.product(factors) else { throw noMemory("more than \(Formatting.bytes(.max))", name) }
    return bytes
  }

  /// A zero-filled block of `count` elements.
  public func allocate<T>(_ name: String, _ count: Int, of type: T.Type) throws
    -> UnsafeMutablePointer<T>
  {
    try allocate(name, bytes: Self.bytes(name, count, MemoryLayout<T>.stride))
      .bindMemory(to: T.self, capacity: count)
  }

  /// A zero-filled block of `count` float32.
  public func floats(_ name: String, _ count: Int) throws -> UnsafeMutablePointer<Float> {
    try allocate(name, count, of: Float.self)
  }
}
