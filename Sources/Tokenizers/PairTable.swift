/// Maps a pair of adjacent tokens to the rank of their merge.
///
/// Open addressing over two flat arrays, because this lookup is nearly all of the cost of encoding.
struct PairTable: Sendable {
  static let none = Int32.max

  private var keys: [UInt64]
  private var ranks: [Int32]
  private let shift: UInt64
  private static let empty = UInt64.max

  /// A merge's rank is its index in `merges`; of two equal merges the later one counts. `isApplied` decides by rank
  /// which merges are in the table.
  init(_ merges: [Merge], where isApplied: (Int) -> Bool = { _ in true }) {
    var bits: UInt64 = 4
    while 1 << bits < 2 * merges.count { bits += 1 }
    shift = 64 - bits
    keys = Array(repeating: Self.empty, count: 1 << bits)
    ranks = Array(repeating: Self.none, count: 1 << bits)
    for (rank, merge) in merges.enumerated() where isApplied(rank) {
      let slot = slot(of: merge.key)
      keys[slot] = merge.key
      ranks[slot] = Int32(rank)
    }
  }

  /// The rank of the merge, or `none`. A lower rank is merged earlier.
  @inline(__always)
  func callAsFunction(_ left: Int32, _ right: Int32) -> Int32 {
    ranks[slot(of: Merge(left, right).key)]
  }

  /// The slot of `key`, or the empty slot for it. The table is at most half full.
  @inline(__always)
  private func slot(of key: UInt64) -> Int {
    var slot = Int((key &* 0x9E37_79B9_7F4A_7C15) >> shift)
    while keys[slot] != key && keys[slot] != Self.empty { slot = (slot + 1) & (keys.count - 1) }
    return slot
  }
}

/// Two adjacent tokens that become one.
struct Merge: Hashable, Sendable {
  var left: Int32
  var right: Int32

  init(_ left: Int32, _ right: Int32) {
    self.left = left
    self.right = right
  }

  var key: UInt64 { UInt64(UInt32(bitPattern: left)) << 32 | UInt64(UInt32(bitPattern: right)) }
}
