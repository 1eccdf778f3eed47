/// Tokens, and from where on they are learnt.
public struct TrainingSequence: Sendable {
  public var tokens: [Int32]
  /// The first token whose prediction counts; at least 1, since nothing predicts the first token.
  public var learnFrom: Int

  public init(tokens: [Int32], learnFrom: Int = 1) {
    self.tokens = tokens
    self.learnFrom = max(1, learnFrom)
  }

  /// A prompt and the completion that is learnt.
  public init(prompt: [Int32], completion: [Int32]) {
    self.init(tokens: prompt + completion, learnFrom: prompt.count)
  }

  /// Tokens whose prediction counts.
  public var targetCount: Int { max(0, tokens.count - learnFrom) }
}
