/// Applies merges to one piece after another, reusing its scratch space.
///
/// The pair with the lowest merged token goes first, the leftmost of equals: the order in which
/// the merges were learnt. Short pieces search for it, long ones keep a heap, so that a piece of
/// n bytes costs O(n log n) at most.
struct Merger {
  private let pairs: PairTable
  /// The piece's tokens.
  private var tokens: [Int32] = []
  /// What `tokens[i]` and its right neighbour merge into, or `none`.
  private var merged: [Int32] = []
  private var next: [Int32] = []
  private var previous: [Int32] = []
  private var heap = Heap<UInt64>()

  static let searchedLength = 48

  init(_ pairs: PairTable) { self.pairs = pairs }

  /// Appends the tokens of one piece to `output`.
  mutating func append(
    _ piece: UnsafeBufferPointer<UInt8>, to output: inout [Int32],
    searching limit: Int = Merger.searchedLength
  ) {
    tokens.removeAll(keepingCapacity: true)
    merged.removeAll(keepingCapacity: true)
    for byte in piece { tokens.append(Tokenizer.token(of: byte)) }
    for index in 0..<max(0, tokens.count - 1) {
      merged.append(pairs(tokens[index], tokens[index + 1]))
    }
    merged.append(PairTable.none)
    if tokens.count <= limit {
      mergeBySearch()
      output.append(contentsOf: tokens)
    } else {
      mergeByHeap(into: &output)
    }
  }

  private mutating func mergeBySearch() {
    while true {
      var best = 0
      var lowest = PairTable.none
      for index in 0..<tokens.count where merged[index] < lowest {
        lowest = merged[index]
        best = index
      }
      guard lowest != PairTable.none else { return }
      tokens[best] = lowest
      tokens.remove(at: best + 1)
      merged.remove(at: best + 1)
      merged[best] =
        best + 1 < tokens.count ? pairs(lowest, tokens[best + 1]) : PairTable.none
      if best > 0 { merged[best - 1] = pairs(tokens[best - 1], lowest) }
    }
  }

  private mutating func mergeByHeap(into output: inout [Int32]) {
    let count = Int32(tokens.count)
    next = Array(1..<count + 1)
    previous = Array(-1..<count - 1)
    heap.removeAll()
    for index in 0..<count { enqueue(index) }
    while let entry = heap.pop() {
      let index = Int(UInt32(truncatingIfNeeded: entry))
      let token = Int32(truncatingIfNeeded: entry >> 32)
      // An entry is stale when the pair at its place has changed since it was made.
      guard merged[index] == token else { continue }
      let right = Int(next[index])
      let after = next[right]
      tokens[index] = token
      merged[right] = PairTable.none
      next[index] = after
      merged[index] = PairTable.none
      if after < count {
        previous[Int(after)] = Int32(index)
        merged[index] = pairs(token, tokens[Int(after)])
        enqueue(Int32(index))
      }
      let before = previous[index]
      if before >= 0 {
        merged[Int(before)] = pairs(tokens[Int(before)], token)
        enqueue(before)
      }
    }
    var index: Int32 = 0
    while index < count {
      output.append(tokens[Int(index)])
      index = next[Int(index)]
    }
  }

  private mutating func enqueue(_ index: Int32) {
    let token = merged[Int(index)]
    guard token != PairTable.none else { return }
    heap.push(UInt64(token) << 32 | UInt64(index))
  }
}
