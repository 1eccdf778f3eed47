import Tokenizers

/// The merges of a SentencePiece vocabulary, which has scores instead: two adjacent pieces become one if the result
/// is in the vocabulary, highest score first.
///
/// As in Hugging Face's converter: every split of every piece into two pieces, by falling score of the whole piece,
/// then by falling length of the first part.
struct SentencePieceMerges {
  struct Piece {
    let id: Int32
    let bytes: [UInt8]
    let score: Float
  }

  private struct Key: Hashable {
    let hash: UInt64
    let count: Int
  }

  private struct Merge {
    let rule: TokenizerDefinition.Rule
    let score: Float
    /// The number of characters of the first part.
    let length: Int
  }

  private static let base: UInt64 = 0x9E37_79B9_7F4A_7C15

  private let pieces: [Piece]
  private var byKey: [Key: Int] = [:]
  /// `base` to the power of the index.
  private var powers: [UInt64] = [1]

  init(_ pieces: [Piece]) {
    self.pieces = pieces
    let longest = pieces.map(\.bytes.count).max() ?? 0
    for _ in 0..<longest { powers.append(powers.last! &* Self.base) }
    byKey.reserveCapacity(pieces.count)
    for (index, piece) in pieces.enumerated() {
      byKey[Key(hash: Self.hashes(of: piece.bytes).last!, count: piece.bytes.count)] = index
    }
  }

  /// The hash of the first n bytes, for every n.
  private static func hashes(of bytes: [UInt8]) -> [UInt64] {
    var hashes: [UInt64] = [0]
    hashes.reserveCapacity(bytes.count + 1)
    for byte in bytes { hashes.append(hashes.last! &* base &+ UInt64(byte) &+ 1) }
    return hashes
  }

  /// - Complexity: linear in the bytes of all pieces, except for the comparison of pieces that are found.
  /// - Returns: nil if there are more than `most`.
  func rules(atMost most: Int) -> [TokenizerDefinition.Rule]? {
    var merges: [Merge] = []
    for piece in pieces {
      append(&merges, of: piece)
      guard merges.count <= most else { return nil }
    }
    let order = merges.indices.sorted { a, b in
      let (left, right) = (merges[a], merges[b])
      if left.score != right.score { return left.score > right.score }
      if left.length != right.length { return left.length > right.length }
      return a < b
    }
    return order.map { merges[$0].rule }
  }

  private func append(_ merges: inout [Merge], of piece: Piece) {
    let (bytes, hashes) = (piece.bytes, Self.hashes(of: piece.bytes))
    var length = 0
    for cut in bytes.indices.dropFirst() where bytes[cut] & 0xC0 != 0x80 {
      length += 1
      guard let left = find(bytes[..<cut], hashes[cut]) else { continue }
      let hash = hashes[bytes.count] &- hashes[cut] &* powers[bytes.count - cut]
      guard let right = find(bytes[cut...], hash) else { continue }
      merges.append(
        Merge(rule: .init(left: left, right: right, result: piece.id), score: piece.score, length: length))
    }
  }

  private func find(_ bytes: ArraySlice<UInt8>, _ hash: UInt64) -> Int32? {
    guard let index = byKey[Key(hash: hash, count: bytes.count)], pieces[index].bytes.elementsEqual(bytes)
    else { return nil }
    return pieces[index].id
  }
}
