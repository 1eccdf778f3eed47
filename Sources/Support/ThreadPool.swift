import CSupport

/// A fixed set of threads that run C tasks; each thread computes a slice of the outputs.
///
/// Not re-entrant, and not for use from two threads at once.
public final class ThreadPool: @unchecked Sendable {
  private let pool: OpaquePointer

  /// - Throws: `Failure(.outOfMemory)` if no thread could be created.
  public init(threads: Int) throws {
    guard let pool = ts_pool_create(Int32(threads)) else {
      throw Failure(.outOfMemory, "cannot create a pool of \(threads) threads")
    }
    self.pool = pool
  }

  deinit { ts_pool_destroy(pool) }

  public var count: Int { Int(ts_pool_threads(pool)) }

  /// Runs every part of `task` with `arguments` and returns when all parts have ended.
  @inline(__always)
  public func run<Arguments>(_ task: ts_task, _ arguments: Arguments) {
    withUnsafePointer(to: arguments) { ts_pool_run(pool, task, $0) }
  }
}
