import Tensors

/// The machine's limits. Each is measured once, when it is first used.
final class BenchLimits {
  private let threads: Int
  private var known: [MachineLimit: Double] = [:]

  init(threads: Int) { self.threads = threads }

  func of(_ limit: MachineLimit) throws -> Double {
    if let rate = known[limit] { return rate }
    let rate = try Compute(threads: threads, arena: Arena()).measure(limit)
    known[limit] = rate
    return rate
  }
}
