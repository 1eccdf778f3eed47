import Support

#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#endif

/// The memory of a run, allocated before the first step as named blocks.
///
/// Blocks are anonymous, zero-filled mappings: they take address space when they are allocated, and memory when they
/// are first written. `tinyrlhf plan` builds the same objects as a run, but in an arena that only plans, and prints
/// this table. So the plan cannot differ from the run.
public final class Arena {
  public struct Block: Sendable {
    public let name: String
    public let bytes: Int
  }

  public private(set) var blocks: [Block] = []
  private var mappings: [(UnsafeMutableRawPointer, Int)] = []

  /// Whether the arena only adds up the sizes of blocks. The blocks then have distinct addresses but no memory.
  public let isPlan: Bool
  /// Address of the next block of a plan.
  private var next = UInt(1) << 32

  public init(isPlan: Bool = false) { self.isPlan = isPlan }

  deinit {
    for (base, bytes) in mappings { munmap(base, bytes) }
  }

  /// Total bytes of all blocks.
  public var bytes: Int { blocks.reduce(0) { $0.adding(atMost: $1.bytes) } }

  /// Allocates a zero-filled, page-aligned block.
  /// - Throws: `Failure(.outOfMemory)` with the name of the block.
  public func allocate(_ name: String, bytes: Int) throws -> UnsafeMutableRawPointer {
    let length = max(bytes, 1)
    if isPlan { return try plan(name, length) }
    let base = mmap(nil, length, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0)
    guard let base, base != MAP_FAILED else { throw Self.noMemory(Formatting.bytes(bytes), for: name) }
    blocks.append(Block(name: name, bytes: bytes))
    mappings.append((base, length))
    return base
  }

  private func plan(_ name: String, _ bytes: Int) throws -> UnsafeMutableRawPointer {
    let (end, overflows) = next.addingReportingOverflow(UInt(bytes) + 4096)
    guard !overflows, let base = UnsafeMutableRawPointer(bitPattern: next) else {
      throw Self.noMemory(Formatting.bytes(bytes), for: name)
    }
    next = end & ~4095
    blocks.append(Block(name: name, bytes: bytes))
    return base
  }

  private static func noMemory(_ amount: String, for name: String) -> Failure {
    Failure(
      .outOfMemory, "not enough memory for \(name) (\(amount))",
      remedy: "Choose a smaller batch or a smaller model.")
  }

  /// The size in bytes of a block: the product of `factors`.
  /// - Throws: `Failure(.outOfMemory)` if the product overflows `Int`.
  public static func bytes(_ name: String, _ factors: Int...) throws -> Int {
    guard let bytes = Int.product(factors) else { throw noMemory("more than \(Formatting.bytes(.max))", for: name) }
    return bytes
  }

  /// Allocates a zero-filled block of `count` elements.
  public func allocate<T>(_ name: String, _ count: Int, of type: T.Type) throws
    -> UnsafeMutablePointer<T>
  {
    try allocate(name, bytes: Self.bytes(name, count, MemoryLayout<T>.stride))
      .bindMemory(to: T.self, capacity: count)
  }

  /// Allocates a zero-filled block of `count` float32 values.
  public func floats(_ name: String, _ count: Int) throws -> UnsafeMutablePointer<Float> {
    try allocate(name, count, of: Float.self)
  }
}
