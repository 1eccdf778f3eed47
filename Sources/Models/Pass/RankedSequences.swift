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

  /// A sequence without the padding behind it, for models whose reward is read at the last token that is no
  /// padding, as `transformers` reads a classifier's; of a sequence of padding alone the first token stays.
  public static func withoutPadding(_ sequence: [Int32], _ pad: Int32?) -> [Int32] {
    guard let pad, sequence.last == pad else { return sequence }
    let count = 1 + (sequence.lastIndex { $0 != pad } ?? 0)
    return Array(sequence.prefix(count))
  }

  /// Its sequences without the padding behind them.
  public func withoutPadding(_ pad: Int32?) -> RankedSequences {
    guard pad != nil else { return self }
    var ranked = self
    ranked.sequences = sequences.map { Self.withoutPadding($0, pad) }
    return ranked
  }

  /// Pairs of unequal rank.
  public var pairs: Int {
    ranks.indices.reduce(0) { sum, i in sum + ranks.count { ranks[i] < $0 } }
  }
}

extension RankedSequences: PassUnit {
  /// Tokens that a pass computes: the prompt once, and equal answers once.
  public var tokenCount: Int { prefix.tokenCount }

  private var prefix: SharedPrefix { SharedPrefix(sequences.count) { sequences[$0] } }

  package func append(to pass: SequencePass) {
    pass.append(
      sequences.count, prefix, { sequences[$0] },
      read: { pass.read(Self.scoredRows(of: sequences[$0]), at: $1) })
  }
}
