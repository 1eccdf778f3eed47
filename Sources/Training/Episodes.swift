import Models

/// The rollouts of one iteration: answers laid end to end, one value a token.
public struct Episodes: Sendable {
  public var prompts: [[Int32]] = []
  public var responses: [[Int32]] = []
  /// Log-probabilities under the sampler, which may be int8.
  public var sampled: [Float] = []
  /// log π_old and entropy by the float32 path that trains, log π_ref, V.
  public var logprobs: [Float] = []
  public var entropies: [Float] = []
  public var reference: [Float] = []
  public var values: [Float] = []
  /// Whether the answer has its end token; one an answer.
  public var ended: [Bool] = []
  /// Normalised scores of the reward model; one an answer.
  public var scores: [Float] = []
  public var advantages: [Float] = []
  public var returns: [Float] = []
  /// The detached weights of the int8 correction.
  public var weights: [Float] = []

  public init() {}

  public init(prompts: [[Int32]], samples: [Generator.Sample]) {
    self.prompts = prompts
    responses = samples.map(\.tokens)
    sampled = samples.flatMap(\.logprobs)
    ended = samples.map { $0.finish == .stop }
  }

  /// Whether each answer has its end token, and not before it has `shortest` tokens.
  func endedInTime(_ shortest: Int) -> [Bool] {
    zip(ended, responses).map { $0 && $1.count >= shortest }
  }

  public var count: Int { responses.count }
  public var lengths: [Int] { responses.map(\.count) }

  /// Where each answer begins in the per-token arrays.
  public var starts: [Int] {
    var starts: [Int] = []
    var sum = 0
    for response in responses {
      starts.append(sum)
      sum += response.count
    }
    return starts
  }

  /// Prompt and answer.
  public func sequence(_ index: Int) -> [Int32] { prompts[index] + responses[index] }

  public func sequenceLength(_ index: Int) -> Int { prompts[index].count + responses[index].count }

  /// The rows that predict the answer's tokens.
  public func rows(_ index: Int) -> Range<Int> {
    let first = prompts[index].count - 1
    return first..<first + responses[index].count
  }
}
