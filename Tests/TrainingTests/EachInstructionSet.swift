import Foundation
import Support
import Tensors
import Testing

/// Runs `body` under each instruction set of this machine, and restores the one in use.
///
/// The choice is the process's; who changes it here holds a lock on the test program itself, and
/// runs `body` again should tests of the kernels have changed it meanwhile. All other tests go on,
/// since no result depends on it.
func underEachInstructionSet<Result>(_ body: () throws -> Result) throws
  -> [(set: InstructionSet, result: Result)]
{
  let lock = open(CommandLine.arguments[0], O_RDONLY)
  try #require(lock >= 0 && flock(lock, LOCK_EX) == 0)
  let before = InstructionSet.active
  defer {
    before.force()
    close(lock)
  }
  return try InstructionSet.allCases.filter { $0.isAvailable }.map { set in
    for _ in 0..<100 {
      set.force()
      let result = try body()
      if InstructionSet.active == set { return (set, result) }
    }
    throw Failure(.busy, "the instruction set does not stay \(set)")
  }
}
