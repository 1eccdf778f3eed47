/// The answers to one prompt and their ranks (1 is best). Each sequence is the prompt followed by one answer.
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

  /// The row at which the reward of a prompt and answer is read: the last token.
  public static func scoredRows(of sequence: [Int32]) -> Range<Int> {
    sequence.count - 1..<sequence.count
  }

  /// A sequence without its trailing padding. It is for models whose reward is read at the last token that is not
  /// padding, as `transformers` does for classifiers. A sequence of padding only keeps its first token.
  public static func withoutPadding(_ sequence: [Int32], _ pad: Int32?) -> [Int32] {
    guard let pad, sequence.last == pad else { return sequence }
    let count = 1 + (sequence.lastIndex { $0 != pad } ?? 0)
    return Array(sequence.prefix(count))
  }

  /// The same rankings, with sequences without trailing padding.
  public func withoutPadding(_ pad: Int32?) -> RankedSequences {
    guard pad != nil else { return self }
    var ranked = self
    ranked.sequences = sequences.map { Self.withoutPadding($0, pad) }
    return ranked
  }

  /// Number of pairs of unequal rank.
  public var pairs: Int {
    ranks.indices.reduce(0) { sum, i in sum + ranks.count { ranks[i] < $0 } }
  }
}

extension RankedSequences: PassUnit {
  /// Tokens that a pass computes: the shared prompt once, and equal answers once.
  public var tokenCount: Int { prefix.tokenCount }

  private var prefix: SharedPrefix { SharedPrefix(sequences.count) { sequences[$0] } }

  @usableFromInline package func append(to pass: SequencePass) {
    pass.append(
      sequences.count, prefix, { sequences[$0] },
      read: { pass.read(Self.scoredRows(of: sequences[$0]), at: $1) })
  }
}
