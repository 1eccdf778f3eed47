import Support
import Testing

@testable import Tensors

@Test("an arena that plans adds up what no machine has, and has no memory of it")
func plannedArena() throws {
  let (arena, resident) = (Arena(isPlan: true), Memory.resident)
  let first = try arena.floats("a", 1 << 50)
  let second = try arena.allocate("b", bytes: 3)
  #expect(arena.bytes == 1 << 52 + 3 && arena.blocks.map(\.name) == ["a", "b"])
  #expect(UnsafeRawPointer(second) >= UnsafeRawPointer(first) + 1 << 52)
  #expect(Memory.resident - resident < 100_000_000)
  let failure = #expect(throws: Failure.self) { try arena.floats("c", 1 << 62) }
  #expect(failure?.kind == .outOfMemory && failure?.what.contains("for c ") == true)
}

@Test("more bytes than an address can name are refused, planned or not")
func impossibleBlocks() {
  for arena in [Arena(isPlan: true), Arena()] {
    #expect(throws: Failure.self) { try arena.allocate("x", .max, of: Double.self) }
  }
  #expect(throws: Failure.self) { try Arena.bytes("x", 1 << 40, 1 << 40) }
}
