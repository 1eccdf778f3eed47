import CSupport
import Glibc
import TestSupport
import Testing

@testable import Support

@Test("XXH64 agrees with its specification's vectors")
func xxh64Vectors() {
  #expect(Hash.xxh64([]) == 0xEF46_DB37_51D8_E999)
  #expect(Hash.xxh64(Array("abc".utf8)) == 0x44BC_2CF5_AD77_0999)
}

@Test("Philox agrees with the vector of Random123")
func philoxVector() {
  var out: [UInt32] = [0, 0, 0, 0]
  ts_philox([0, 0, 0, 0], [0, 0], &out)
  #expect(out == [0x6627_e8d5, 0xe169_c58d, 0xbc57_ac4c, 0x9b00_dbd8])
}

@Test("a stream continued from its counter equals the stream that was not stopped")
func streamResumes() {
  var whole = RandomStream(seed: 7, purpose: "test", index: 3)
  let words = (0..<23).map { _ in whole.next() }
  var rest = RandomStream(seed: 7, purpose: "test", index: 3)
  rest.counter = 10
  #expect((10..<23).map { _ in rest.next() } == Array(words[10...]))
}

@Test("a stream begins without an allocation")
func streamsAllocateNothing() {
  let purpose = String(repeating: "a purpose longer than a small string ", count: 2)
  var sum: UInt32 = 0
  let count = allocations {
    for index in 0..<10 {
      var stream = RandomStream(seed: 1, purpose: purpose, index: UInt64(index))
      sum ^= stream.next()
    }
  }
  #expect(count == 0 || count == nil, "\(count ?? 0)")
  #expect(sum != 0)
}

@Test("streams of different purpose or index differ")
func streamsDiffer() {
  var streams = [
    RandomStream(seed: 1, purpose: "a"), RandomStream(seed: 1, purpose: "b"),
    RandomStream(seed: 1, purpose: "a", index: 1), RandomStream(seed: 2, purpose: "a"),
  ]
  let first = streams.indices.map { streams[$0].next() }
  #expect(Set(first).count == 4)
}

@Test("a pipe in the place of a file is refused, and nobody waits for its other end")
func pipes() throws {
  let path = "/tmp/tinyrlhf-pipe-\(getpid())"
  try #require(mkfifo(path, 0o600) == 0)
  defer { unlink(path) }
  let failure = #expect(throws: Failure.self) { try Files.read(path) }
  #expect(failure?.description == "\(path): is not a regular file. Name a file.")
}

@Test("formatting keeps sign, rounding and padding")
func formatting() {
  #expect(Formatting.fixed(-0.005, 2) == "0.00")
  #expect(Formatting.fixed(-1.256, 2) == "-1.26")
  #expect(Formatting.fixed(0.05, 3) == "0.050")
  #expect(Formatting.bytes(12_345_678) == "12.3 MB")
  #expect(Formatting.duration(3725) == "1:02:05")
}
