import CKernels
import Support

/// Kinds of work whose rate a machine limits.
public enum MachineLimit: String, CaseIterable, Sendable {
  /// Float operations a second of fused multiply-adds; one counts two.
  case fma
  /// Integer operations a second of int8 multiply-adds; one counts two.
  case int8
  /// Bytes a second read from memory.
  case read
}

extension Compute {
  /// What all threads together reach of one kind of work under the instruction set in use: the best
  /// of a few rounds of some tenths of a second.
  ///
  /// - Throws: `Failure(.outOfMemory)` when the memory that is read cannot be had.
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
    let x = try arena.floats("memory that is read", count)
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
