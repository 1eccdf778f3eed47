/// Runs independent pieces of work on threads: part p of n runs the pieces p, p + n, p + 2n, ….
public enum Parallel {
  /// - Parameter name: the name shown in progress displays; nil if this work is part of work that is already shown.
  /// - Throws: the error of the failed piece with the lowest number.
  public static func forEach(
    _ count: Int, threads: Int, as name: String? = nil, _ body: @escaping @Sendable (Int) throws -> Void
  ) throws {
    guard count > 0 else { return }
    let pool = try ThreadPool(threads: max(1, min(threads, count)))
    let work = name.map { Work($0, of: count) }
    defer { work?.end() }
    let pieces = Pieces(count: count, parts: pool.count) {
      try body($0)
      work?.advance()
    }
    pool.run(
      { context, part, parts in
        let pieces = context!.load(as: UnsafeRawPointer.self)
        Unmanaged<Pieces>.fromOpaque(pieces).takeUnretainedValue().run(Int(part), of: Int(parts))
      }, UnsafeRawPointer(Unmanaged.passUnretained(pieces).toOpaque()))
    if let first = pieces.failures.all.compactMap({ $0 }).min(by: { $0.index < $1.index }) {
      throw first.error
    }
  }

  /// The results of `body` for all pieces, in order.
  /// - Throws: the error of the failed piece with the lowest number.
  public static func map<Result>(
    _ count: Int, threads: Int, as name: String? = nil, _ body: @escaping @Sendable (Int) throws -> Result
  ) throws -> [Result] {
    let results = Slots<Result>(count: count)
    try forEach(count, threads: threads, as: name) { results[$0] = try body($0) }
    return results.all.map { $0! }
  }

  private final class Pieces: @unchecked Sendable {
    let count: Int
    let body: @Sendable (Int) throws -> Void
    /// The first failure of each part.
    let failures: Slots<(index: Int, error: any Error)>

    init(count: Int, parts: Int, body: @escaping @Sendable (Int) throws -> Void) {
      self.count = count
      self.body = body
      failures = Slots(count: parts)
    }

    func run(_ part: Int, of parts: Int) {
      for index in stride(from: part, to: count, by: parts) {
        do {
          try body(index)
        } catch {
          failures[part] = (index, error)
          return
        }
      }
    }
  }

  /// Values in separate slots; no two threads use the same slot.
  private final class Slots<Value>: @unchecked Sendable {
    private let slots: UnsafeMutableBufferPointer<Value?>

    init(count: Int) {
      slots = .allocate(capacity: count)
      slots.initialize(repeating: nil)
    }

    deinit {
      slots.deinitialize()
      slots.deallocate()
    }

    var all: [Value?] { Array(slots) }

    subscript(index: Int) -> Value? {
      get { slots[index] }
      set { slots[index] = newValue }
    }
  }
}

/// Memory that outlives the threads that read it.
public struct Borrowed: @unchecked Sendable {
  public let bytes: UnsafeRawBufferPointer

  public init(bytes: UnsafeRawBufferPointer) { self.bytes = bytes }
}
