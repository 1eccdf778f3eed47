import Foundation
import Tensors
import Testing

/// Runs `body` under each instruction set of this machine, and restores the one in use.
///
/// The choice is the process's; whoever changes it holds a lock on the test program itself. Other
/// tests go on meanwhile, since no result depends on it.
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
  return try InstructionSet.allCases.filter(\.isAvailable).map { set in
    #expect(set.force())
    let result = try body()
    #expect(InstructionSet.active == set)
    return (set, result)
  }
}
