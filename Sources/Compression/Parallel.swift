import Support

/// Independent pieces of work over threads; each part takes every `threads`-th piece.
enum Parallel {
  /// - Throws: the error of the first piece, by number, that failed.
  static func forEach(
    _ count: Int, threads: Int, _ body: @escaping @Sendable (Int) throws -> Void
  ) throws {
    guard count > 0 else { return }
    let pool = try ThreadPool(threads: max(1, min(threads, count)))
    let work = Work(count: count, parts: pool.count, body: body)
    pool.run(
      { context, part, parts in
        let work = context!.load(as: UnsafeRawPointer.self)
        Unmanaged<Work>.fromOpaque(work).takeUnretainedValue().run(Int(part), Int(parts))
      }, UnsafeRawPointer(Unmanaged.passUnretained(work).toOpaque()))
    if let first = work.failures.compactMap({ $0 }).min(by: { $0.index < $1.index }) {
      throw first.error
    }
  }

  private final class Work: @unchecked Sendable {
    let count: Int
    let body: @Sendable (Int) throws -> Void
    /// One slot a part; no two parts touch the same.
    private let slots: UnsafeMutableBufferPointer<(index: Int, error: any Error)?>

    init(count: Int, parts: Int, body: @escaping @Sendable (Int) throws -> Void) {
      self.count = count
      self.body = body
      slots = .allocate(capacity: parts)
      slots.initialize(repeating: nil)
    }

    deinit {
      slots.deinitialize()
      slots.deallocate()
    }

    var failures: [(index: Int, error: any Error)?] { Array(slots) }

    func run(_ part: Int, _ parts: Int) {
      for index in stride(from: part, to: count, by: parts) {
        do {
          try body(index)
        } catch {
          slots[part] = (index, error)
          return
        }
      }
    }
  }
}
