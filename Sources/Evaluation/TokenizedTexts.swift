import Inference
import Support
import Tokenizers

/// A file's documents, split into sequences of at most the context.
public struct TokenizedTexts: Sendable {
  /// Parts of the documents' tokens, which are not copied.
  private let pieces: [ArraySlice<Int32>]
  private let heldOutCount: Int
  /// Tokens of the longest sequence.
  let longest: Int

  /// Every fiftieth sequence is held out.
  private static let heldOutShare = 50

  /// - Throws: `Failure(.badData)` if there is too little text.
  public init(_ documents: [Tokenized<String>], context: Int, at place: String) throws {
    let fit = ContextFit(context)
    pieces = documents.flatMap { fit.pieces($0.tokens) }
    heldOutCount = max(1, pieces.count / Self.heldOutShare)
    longest = pieces.map(\.count).max() ?? 0
    guard pieces.count > 1 else {
      throw Failure(
        .badData, "has too little text to train on", at: place,
        remedy: "Give more or longer documents.")
    }
  }

  private var trainingCount: Int { pieces.count - heldOutCount }

  private func sequence(_ number: Int) -> [Int32] { Array(pieces[number]) }

  /// Sequence `index` of an endless stream of epochs; each epoch has its own random order.
  func training(_ index: Int, seed: UInt64) -> [Int32] {
    let epoch = index / trainingCount
    let number = Self.permuted(index % trainingCount, of: trainingCount, seed: seed, epoch: epoch)
    return sequence(heldOutNumber(after: number))
  }

  func heldOut(_ count: Int) -> [[Int32]] {
    (0..<min(count, heldOutCount)).map { sequence($0 * Self.heldOutShare) }
  }

  /// The number of the sequence at training position `number`, skipping held-out sequences.
  private func heldOutNumber(after number: Int) -> Int {
    let share = Self.heldOutShare
    guard pieces.count >= share else { return number + 1 }
    let number = number / (share - 1) * share + number % (share - 1) + 1
    return min(number, pieces.count - 1)
  }

  /// A fixed pseudo-random permutation without a table: a Feistel network that is applied until the result is in range
  /// (cycle walking; Black & Rogaway 2002).
  private static func permuted(_ index: Int, of count: Int, seed: UInt64, epoch: Int) -> Int {
    var bits = 1
    while 1 << (2 * bits) < count { bits += 1 }
    let mask = UInt64(1) << UInt64(bits) - 1
    var value = UInt64(index)
    repeat {
      var (left, right) = (value >> UInt64(bits), value & mask)
      for round in 0..<4 {
        var bytes: [UInt8] = []
        for word in [right, UInt64(round), UInt64(epoch)] {
          for byte in 0..<8 { bytes.append(UInt8(truncatingIfNeeded: word >> UInt64(8 * byte))) }
        }
        (left, right) = (right, left ^ (Hash.xxh64(bytes, seed: seed) & mask))
      }
      value = left << UInt64(bits) | right
    } while value >= UInt64(count)
    return Int(value)
  }
}
