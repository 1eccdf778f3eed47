import Foundation
import Tensors

extension InstructionSet {
  /// Those of this machine, the scalar reference first.
  public static let available = allCases.filter(\.isAvailable)

  private static let lock = NSLock()

  /// Runs `body` while the kernels use this instruction set, and restores the one in use.
  ///
  /// The choice is the process's, so only one test at a time may make it; all others go on, since
  /// no result depends on it. Not to be nested.
  public func use<Result>(_ body: () throws -> Result) rethrows -> Result {
    Self.lock.lock()
    defer { Self.lock.unlock() }
    let before = Self.active
    precondition(force(), "this machine does not have \(self)")
    defer { before.force() }
    return try body()
  }

  /// Says on the log which paths a suite exercised and which this machine cannot run.
  public static func report(_ suite: String) {
    func names(_ sets: [InstructionSet]) -> String {
      sets.isEmpty ? "none" : sets.map(\.rawValue).joined(separator: " ")
    }
    print("\(suite): ran \(names(available)); skipped \(names(allCases.filter { !$0.isAvailable }))")
  }
}

/// What `body` computes under each instruction set of this machine, the scalar reference first.
public func underEachInstructionSet<Result>(_ body: () throws -> Result) rethrows
  -> [(set: InstructionSet, result: Result)]
{
  try InstructionSet.available.map { set in (set, try set.use(body)) }
}
