import CKernels
import Foundation

/// The instruction sets that this machine can run, and a way to run kernels on each.
enum InstructionSets {
  static let all: [(name: String, isa: tk_isa)] = [
    ("scalar", TK_SCALAR), ("avx2", TK_AVX2), ("avx512", TK_AVX512), ("neon", TK_NEON),
  ]

  static let available = all.filter { tk_isa_available($0.isa) != 0 }

  private static let lock = NSLock()

  /// Runs `body` while the kernels use `isa`; the choice is one per process, so only one test at a
  /// time may make it. Not to be nested.
  static func using<Result>(_ isa: tk_isa, _ body: () throws -> Result) rethrows -> Result {
    lock.lock()
    defer { lock.unlock() }
    let before = tk_isa_active()
    precondition(tk_isa_force(isa) != 0, "instruction set \(isa.rawValue) is not available")
    defer { _ = tk_isa_force(before) }
    return try body()
  }

  /// Says on the log which paths a suite exercised and which this machine cannot run.
  static func report(_ suite: String) {
    let ran = available.map(\.name).joined(separator: " ")
    let skipped = all.filter { tk_isa_available($0.isa) == 0 }.map(\.name).joined(separator: " ")
    print("\(suite): ran \(ran); skipped \(skipped.isEmpty ? "none" : skipped)")
  }
}
