import Inference
import Support
import Tokenizers

/// A file's documents, split into sequences of at most the context.
public struct TokenizedTexts: Sendable {
  private let tokens: [Int32]
  private let starts: [Int]
  private let heldOutCount: Int
  /// Tokens of the longest sequence.
  let longest: Int

  /// Every fiftieth sequence is held out.
  private static let heldOutShare = 50

  /// - Throws: `Failure(.badData)` if there is too little text.
  public init(_ documents: [Tokenized<String>], context: Int, at place: String) throws {
    var tokens: [Int32] = []
    var starts = [0]
    let fit = ContextFit(context)
    for piece in documents.lazy.flatMap({ fit.pieces($0.tokens) }) {
      tokens += piece
      starts.append(tokens.count)
    }
    self.tokens = tokens
    self.starts = starts
    heldOutCount = max(1, (starts.count - 1) / Self.heldOutShare)
    longest = zip(starts, starts.dropFirst()).map { $1 - $0 }.max() ?? 0
    guard starts.count > 2 else {
      throw Failure(
        .badData, "has too little text to train on", at: place,
        remedy: "Give more or longer documents.")
    }
  }

  private var trainingCount: Int { starts.count - 1 - heldOutCount }

  private func sequence(_ number: Int) -> [Int32] {
    Array(tokens[starts[number]..<starts[number + 1]])
  }

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
    guard starts.count - 1 >= share else { return number + 1 }
    let number = number / (share - 1) * share + number % (share - 1) + 1
    return min(number, starts.count - 2)
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
