import Models

/// The rollouts of one iteration. Per-token arrays hold all answers concatenated.
public struct Episodes: Sendable {
  /// One prompt per answer; answers to the same prompt are consecutive.
  public var prompts: [[Int32]] = []
  public var responses: [[Int32]] = []
  /// Indices of each group's answers. A group is the answers sampled for one request.
  public var groups: [Range<Int>] = []
  /// Log-probabilities under the sampler, which may be int8; one per token.
  public var sampled: [Float] = []
  /// log π_old and entropy from the float32 training path, log π_ref, and V; one per token.
  public var logprobs: [Float] = []
  public var entropies: [Float] = []
  public var reference: [Float] = []
  public var values: [Float] = []
  /// Whether the answer has its end token; one per answer.
  public var ended: [Bool] = []
  /// Normalised reward-model scores; one per answer.
  public var scores: [Float] = []
  public var advantages: [Float] = []
  public var returns: [Float] = []
  /// Detached importance weights of the int8 correction; one per token.
  public var weights: [Float] = []

  public init() {}

  /// - Parameter samples: the generator's answers to each prompt.
  public init(prompts: [[Int32]], samples: [[Generator.Sample]]) {
    precondition(prompts.count == samples.count, "\(prompts.count) prompts, but answers to \(samples.count)")
    for (prompt, answers) in zip(prompts, samples) {
      groups.append(responses.count..<responses.count + answers.count)
      for answer in answers { append(prompt, answer) }
    }
  }

  private mutating func append(_ prompt: [Int32], _ answer: Generator.Sample) {
    prompts.append(prompt)
    responses.append(answer.tokens)
    sampled += answer.logprobs
    ended.append(answer.finish == .stop)
  }

  /// Whether each answer has its end token and at least `shortest` tokens.
  func endedInTime(_ shortest: Int) -> [Bool] {
    zip(ended, responses).map { $0 && $1.count >= shortest }
  }

  public var count: Int { responses.count }
  public var lengths: [Int] { responses.map(\.count) }

  /// Start index of each answer in the per-token arrays.
  public var starts: [Int] {
    var starts: [Int] = []
    starts.reserveCapacity(count)
    var sum = 0
    for response in responses {
      starts.append(sum)
      sum += response.count
    }
    return starts
  }

  /// The prompt followed by the answer.
  public func sequence(_ index: Int) -> [Int32] { prompts[index] + responses[index] }

}

extension Episodes {
  /// One prompt and answer. The rows that predict the answer's tokens are read.
  struct Unit: PassUnit {
    let prompt: [Int32]
    let response: [Int32]
    var tokenCount: Int { prompt.count + response.count }
    /// The rows that predict the answer's tokens.
    var rows: Range<Int> { prompt.count - 1..<prompt.count - 1 + response.count }

    func append(to pass: SequencePass) {
      pass.read(rows, at: pass.append(prompt, then: response))
    }
  }

  /// All prompts and answers. The rows that predict the answers' tokens are read.
  var passSequences: [PassSequence] {
    (0..<count).map { PassSequence(tokens: sequence($0), rows: [unit($0).rows]) }
  }

  func unit(_ index: Int) -> Unit { Unit(prompt: prompts[index], response: responses[index]) }

  /// Indices of these answers' tokens in the per-token arrays, answer by answer.
  func tokens(of members: [Int]) -> [Int] {
    let starts = starts
    var tokens: [Int] = []
    tokens.reserveCapacity(members.reduce(0) { $0 + responses[$1].count })
    for member in members { tokens += starts[member]..<starts[member] + responses[member].count }
    return tokens
  }
}
