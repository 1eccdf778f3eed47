/// Caches the tokens of recent pieces, because most pieces of a text are a few thousand words.
///
/// It holds a fixed number of short pieces. Each has one slot, in which the latest piece replaces the previous one.
/// So it changes only the speed of encoding.
struct PieceCache: Sendable {
  static let longestPiece = 16
  private static let mostTokens = 7
  private static let bits: UInt64 = 13

  private struct Entry {
    /// The piece's bytes; together with its length they identify it.
    var front: UInt64 = 0
    var back: UInt64 = 0
    var length: UInt8 = 0
    var count: UInt8 = 0
  }

  struct Key {
    fileprivate let front: UInt64
    fileprivate let back: UInt64
    fileprivate let length: UInt8

    /// `piece` has 1 to `longestPiece` bytes.
    @inline(__always)
    init(_ piece: UnsafeRawBufferPointer) {
      let count = piece.count
      if count >= 8 {
        front = piece.loadUnaligned(as: UInt64.self)
        back = piece.loadUnaligned(fromByteOffset: count - 8, as: UInt64.self)
      } else if count >= 4 {
        front = UInt64(piece.loadUnaligned(as: UInt32.self))
        back = UInt64(piece.loadUnaligned(fromByteOffset: count - 4, as: UInt32.self))
      } else {
        front = UInt64(piece[0]) | UInt64(piece[count / 2]) << 8 | UInt64(piece[count - 1]) << 16
        back = 0
      }
      length = UInt8(count)
    }

    fileprivate var slot: Int {
      let mixed = front &* 0x9E37_79B9_7F4A_7C15 ^ back &* 0xC2B2_AE3D_27D4_EB4F ^ UInt64(length)
      return Int((mixed &* 0x9E37_79B9_7F4A_7C15) >> (64 - PieceCache.bits))
    }
  }

  private var entries = [Entry](repeating: Entry(), count: 1 << Int(bits))
  private var tokens = [Int32](repeating: 0, count: mostTokens << Int(bits))

  /// If the piece is in the cache, appends its tokens and returns true.
  @inline(__always)
  func append(_ key: Key, to output: inout [Int32]) -> Bool {
    let slot = key.slot
    let entry = entries[slot]
    guard entry.front == key.front, entry.back == key.back, entry.length == key.length else {
      return false
    }
    let first = slot * Self.mostTokens
    for index in first..<first + Int(entry.count) { output.append(tokens[index]) }
    return true
  }

  mutating func keep(_ key: Key, _ found: ArraySlice<Int32>) {
    guard found.count <= Self.mostTokens else { return }
    let slot = key.slot
    entries[slot] = Entry(
      front: key.front, back: key.back, length: key.length, count: UInt8(found.count))
    for (index, token) in found.enumerated() { tokens[slot * Self.mostTokens + index] = token }
  }
}
