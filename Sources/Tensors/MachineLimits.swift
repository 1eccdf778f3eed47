import CKernels
import Support

/// Kinds of work whose highest rate the machine limits.
public enum MachineLimit: String, CaseIterable, Sendable {
  /// Float operations per second in fused multiply-adds; a multiply-add counts as two.
  case fma
  /// Integer operations per second in int8 multiply-adds; a multiply-add counts as two.
  case int8
  /// Bytes per second read from memory.
  case read
}

extension Compute {
  /// Measures the rate that all threads together reach for one kind of work with the active instruction set. The result
  /// is the best of a few short rounds.
  ///
  /// - Returns: operations or bytes per second.
  /// - Throws: `Failure(.outOfMemory)` if the buffer of `read` cannot be allocated.
  public func measure(_ limit: MachineLimit) throws -> Double {
    switch limit {
    case .fma: peak(tk_peak_fma)
    case .int8: peak(tk_peak_int8)
    case .read: try readBandwidth()
    }
  }

  private func peak(_ kernel: @escaping @convention(c) (UnsafeRawPointer?, Int32, Int32) -> Void)
    -> Double
  {
    var done = [Int64](repeating: 0, count: pool.count)
    return done.withUnsafeMutableBufferPointer { done in
      func rate(_ iterations: Int64) -> (operations: Double, seconds: Double) {
        let start = Clock.monotonic()
        pool.run(kernel, tk_peak_args(iterations: iterations, done: done.baseAddress))
        return (Double(done.reduce(0, +)), Clock.monotonic() - start)
      }
      var iterations: Int64 = 1000
      while rate(iterations).seconds < 0.05 { iterations *= 2 }
      return best(5) { rate(iterations) }
    }
  }

  private func readBandwidth() throws -> Double {
    let arena = Arena()
    let count = 64 << 20
    let x = try arena.floats("bandwidth test", count)
    x.update(repeating: 1, count: count)
    let sink = try arena.floats("sums", pool.count)
    return best(5) {
      let start = Clock.monotonic()
      pool.run(tk_read, tk_read_args(x: x, count: Int64(count), sink: sink))
      return (Double(4 * count), Clock.monotonic() - start)
    }
  }

  private func best(_ rounds: Int, _ round: () -> (operations: Double, seconds: Double)) -> Double {
    (0..<rounds).map { _ in
      let (operations, seconds) = round()
      return operations / max(seconds, 1e-9)
    }.max()!
  }
}
