import Support

/// Counts how often each distinct piece of a text occurs, in order of first appearance.
struct PieceCounts {
  private(set) var counts: [Int] = []
  private var pool: [UInt8] = []
  private var starts = [0]
  private var hashes: [UInt64] = []
  private var slots = [Int32](repeating: -1, count: 1 << 12)

  subscript(index: Int) -> ArraySlice<UInt8> { pool[starts[index]..<starts[index + 1]] }

  /// Counts the pieces of a document. A piece longer than the longest token is counted in parts.
  mutating func add(_ document: String) {
    var document = document
    document.withUTF8 { bytes in
      var start = 0
      while start < bytes.count {
        let end = PreTokenizer.end(ofPieceAt: start, in: bytes)
        while start < end {
          let part = min(end, start + Tokenizer.longestToken)
          add(UnsafeBufferPointer(rebasing: bytes[start..<part]))
          start = part
        }
      }
    }
  }

  private mutating func add(_ piece: UnsafeBufferPointer<UInt8>) {
    let hash = Hash.xxh64(UnsafeRawBufferPointer(piece))
    var slot = Int(truncatingIfNeeded: hash) & (slots.count - 1)
    while slots[slot] >= 0 {
      let index = Int(slots[slot])
      if hashes[index] == hash, self[index].elementsEqual(piece) {
        counts[index] += 1
        return
      }
      slot = (slot + 1) & (slots.count - 1)
    }
    slots[slot] = Int32(counts.count)
    counts.append(1)
    hashes.append(hash)
    pool.append(contentsOf: piece)
    starts.append(pool.count)
    if 2 * counts.count > slots.count { grow() }
  }

  private mutating func grow() {
    slots = Array(repeating: -1, count: 2 * slots.count)
    for (index, hash) in hashes.enumerated() {
      var slot = Int(truncatingIfNeeded: hash) & (slots.count - 1)
      while slots[slot] >= 0 { slot = (slot + 1) & (slots.count - 1) }
      slots[slot] = Int32(index)
    }
  }
}
