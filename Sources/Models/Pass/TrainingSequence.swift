/// Tokens, and which of them are learnt: all from one position to the end and, in a dialogue, the earlier answers.
public struct TrainingSequence: Sendable {
  public var tokens: [Int32]
  /// All tokens from this index to the end are learnt. At least 1, because no row predicts the first token.
  public let learnFrom: Int
  /// Earlier tokens that are learnt too: ascending ranges without the first token.
  public let earlier: [Range<Int>]

  public init(tokens: [Int32], learnFrom: Int = 1, earlier: [Range<Int>] = []) {
    self.tokens = tokens
    let learnFrom = max(1, learnFrom)
    self.learnFrom = learnFrom
    self.earlier = earlier
    var end = 1
    for span in earlier {
      precondition(
        span.lowerBound >= end && span.upperBound <= min(learnFrom, tokens.count),
        "range \(span) of \(tokens.count) tokens is not between \(end) and \(learnFrom)")
      end = span.upperBound
    }
  }

  /// A prompt and its completion. The completion and the ranges `earlier` of the prompt are learnt.
  public init(prompt: [Int32], completion: [Int32], earlier: [Range<Int>] = []) {
    self.init(tokens: prompt + completion, learnFrom: prompt.count, earlier: earlier)
  }

  /// Number of tokens that are learnt.
  public var targetCount: Int {
    earlier.reduce(max(0, tokens.count - learnFrom)) { $0 + $1.count }
  }

  /// All ranges of tokens that are learnt, in order.
  public var learnt: [Range<Int>] { earlier + [learntToEnd] }

  private var learntToEnd: Range<Int> { learnFrom..<max(learnFrom, tokens.count) }
}

extension TrainingSequence: PassUnit {
  @usableFromInline package var tokenCount: Int { tokens.count }

  @usableFromInline package func append(to pass: SequencePass) {
    let place = pass.append(tokens)
    for span in earlier { pass.read(Self.rows(predicting: span), at: place) }
    pass.read(Self.rows(predicting: learntToEnd), at: place)
  }

  /// The sequence for a pass. The rows that predict the learnt tokens are read.
  package var passSequence: PassSequence {
    PassSequence(tokens: tokens, rows: learnt.map(Self.rows(predicting:)))
  }

  /// The rows that predict these tokens: each token is predicted by the row before it.
  private static func rows(predicting tokens: Range<Int>) -> Range<Int> {
    tokens.lowerBound - 1..<tokens.upperBound - 1
  }
}
