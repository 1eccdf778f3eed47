import Models
import Support

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

/// Splits a step's sequences, in order, into runs that fit one pass.
///
/// How they are split changes no byte of the result; it only bounds memory.
func microBatches(_ lengths: [Int], capacity: Int) -> [Range<Int>] {
  var ranges: [Range<Int>] = []
  var (first, sum) = (0, 0)
  for (index, length) in lengths.enumerated() {
    precondition(length <= capacity, "a sequence of \(length) tokens in a pass of \(capacity)")
    if sum + length > capacity {
      ranges.append(first..<index)
      (first, sum) = (index, 0)
    }
    sum += length
  }
  if first < lengths.count { ranges.append(first..<lengths.count) }
  return ranges
}
