/// Tokens, and which of them are learnt: those from one on, and of a dialogue the earlier answers.
public struct TrainingSequence: Sendable {
  public var tokens: [Int32]
  /// The first token of those to the end whose prediction counts; at least 1, since nothing predicts the
  /// first token.
  public let learnFrom: Int
  /// Tokens before them whose prediction counts too: ranges that ascend and leave out the first token.
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
        "\(span) of \(tokens.count) tokens, learnt from \(learnFrom) on, after \(end)")
      end = span.upperBound
    }
  }

  /// A prompt and the completion that is learnt, and what of the prompt is learnt too.
  public init(prompt: [Int32], completion: [Int32], earlier: [Range<Int>] = []) {
    self.init(tokens: prompt + completion, learnFrom: prompt.count, earlier: earlier)
  }

  /// Tokens whose prediction counts.
  public var targetCount: Int {
    earlier.reduce(max(0, tokens.count - learnFrom)) { $0 + $1.count }
  }

  /// Every range of tokens that is learnt, in order.
  public var learnt: [Range<Int>] { earlier + [learntToEnd] }

  private var learntToEnd: Range<Int> { learnFrom..<max(learnFrom, tokens.count) }
}

extension TrainingSequence: PassUnit {
  package var tokenCount: Int { tokens.count }

  package func append(to pass: SequencePass) {
    let place = pass.append(tokens)
    for span in earlier { pass.read(Self.rows(predicting: span), at: place) }
    pass.read(Self.rows(predicting: learntToEnd), at: place)
  }

  /// Read where its learnt tokens are predicted.
  package var passSequence: PassSequence {
    PassSequence(tokens: tokens, rows: learnt.map(Self.rows(predicting:)))
  }

  /// A token is predicted by the row before it.
  private static func rows(predicting tokens: Range<Int>) -> Range<Int> {
    tokens.lowerBound - 1..<tokens.upperBound - 1
  }
}
