import Support
import Synchronization
import Testing

@testable import Compression

@Suite struct WriteQueueTests {
  @Test("every part is written once, by one thread at a time, and what waits stays bounded")
  func once() throws {
    struct Seen {
      var offsets: [Int] = []
      var isWriting = false
      var met = false
    }
    let seen = Mutex(Seen())
    let queue = WriteQueue { bytes, offset in
      #expect(bytes == [UInt8(truncatingIfNeeded: offset)])
      seen.withLock {
        $0.met = $0.met || $0.isWriting
        $0.isWriting = true
      }
      seen.withLock {
        $0.offsets.append(offset)
        $0.isWriting = false
      }
    }
    let added = Atomic(0)
    let most = Mutex(0)
    try Parallel.forEach(2000, threads: 4) { index in
      added.add(1, ordering: .sequentiallyConsistent)
      queue.add([UInt8(truncatingIfNeeded: index)], at: index)
      try queue.writeOne(limit: 6)
      let waiting = added.load(ordering: .sequentiallyConsistent) - seen.withLock { $0.offsets.count }
      most.withLock { $0 = max($0, waiting) }
    }
    try queue.finish()
    #expect(seen.withLock { $0.offsets.sorted() } == Array(0..<2000))
    #expect(!seen.withLock { $0.met })
    // The limit, and one that each other thread has just brought or is writing.
    #expect(most.withLock { $0 } <= 6 + 2 * 4)
  }

  @Test("a write that fails is the error of who writes")
  func failure() throws {
    struct Full: Error {}
    let queue = WriteQueue { _, _ in throw Full() }
    queue.add([1], at: 0)
    #expect(throws: Full.self) { try queue.writeOne(limit: 1) }
    queue.add([1], at: 0)
    #expect(throws: Full.self) { try queue.finish() }
  }
}
