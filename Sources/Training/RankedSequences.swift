/// The answers of one prompt, each with its prompt's tokens before it, and their ranks (1 is best).
public struct RankedSequences: Sendable {
  public var sequences: [[Int32]]
  public var ranks: [Int]
  public var margin: Double

  public init(sequences: [[Int32]], ranks: [Int], margin: Double = 0) {
    precondition(sequences.count == ranks.count, "\(sequences.count) answers, \(ranks.count) ranks")
    self.sequences = sequences
    self.ranks = ranks
    self.margin = margin
  }

  /// Where the reward of a prompt with its answer is read: at the last token.
  public static func scoredRows(of sequence: [Int32]) -> Range<Int> {
    sequence.count - 1..<sequence.count
  }

  var tokenCount: Int { sequences.reduce(0) { $0 + $1.count } }
}
