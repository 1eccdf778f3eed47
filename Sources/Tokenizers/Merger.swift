/// Applies merges to one piece after another, with reused scratch space.
///
/// The merge with the lowest rank is applied first; of several, the leftmost. Short pieces search for it linearly;
/// long pieces use a heap, so that a piece of n bytes costs at most O(n log n).
struct Merger: Sendable {
  private let alphabet: Alphabet
  private let pairs: PairTable
  private let results: [Int32]
  /// The tokens of the piece.
  private var tokens: [Int32] = []
  /// The rank of the merge of `tokens[i]` and its right neighbour, or `none`.
  private var ranks: [Int32] = []
  private var next: [Int32] = []
  private var previous: [Int32] = []
  private var heap = Heap<UInt64>()

  static let searchedLength = 48

  /// - Parameter results: the token that each merge makes, by rank.
  init(_ alphabet: Alphabet, _ pairs: PairTable, results: [Int32]) {
    self.alphabet = alphabet
    self.pairs = pairs
    self.results = results
  }

  /// Appends the tokens of one piece to `output`.
  mutating func append(
    _ piece: UnsafeBufferPointer<UInt8>, to output: inout [Int32],
    searching limit: Int = Merger.searchedLength
  ) {
    tokens.removeAll(keepingCapacity: true)
    ranks.removeAll(keepingCapacity: true)
    alphabet.append(piece, to: &tokens)
    guard !tokens.isEmpty else { return }
    for index in 0..<tokens.count - 1 {
      ranks.append(pairs(tokens[index], tokens[index + 1]))
    }
    ranks.append(PairTable.none)
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
      for index in 0..<tokens.count where ranks[index] < lowest {
        lowest = ranks[index]
        best = index
      }
      guard lowest != PairTable.none else { return }
      let merged = results[Int(lowest)]
      tokens[best] = merged
      tokens.remove(at: best + 1)
      ranks.remove(at: best + 1)
      ranks[best] =
        best + 1 < tokens.count ? pairs(merged, tokens[best + 1]) : PairTable.none
      if best > 0 { ranks[best - 1] = pairs(tokens[best - 1], merged) }
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
      let rank = Int32(truncatingIfNeeded: entry >> 32)
      // An entry is stale if its pair has changed since it was pushed.
      guard ranks[index] == rank else { continue }
      let merged = results[Int(rank)]
      let right = Int(next[index])
      let after = next[right]
      tokens[index] = merged
      ranks[right] = PairTable.none
      next[index] = after
      ranks[index] = PairTable.none
      if after < count {
        previous[Int(after)] = Int32(index)
        ranks[index] = pairs(merged, tokens[Int(after)])
        enqueue(Int32(index))
      }
      let before = previous[index]
      if before >= 0 {
        ranks[Int(before)] = pairs(tokens[Int(before)], merged)
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
    let rank = ranks[Int(index)]
    guard rank != PairTable.none else { return }
    heap.push(UInt64(rank) << 32 | UInt64(index))
  }
}
