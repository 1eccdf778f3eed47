import Models

/// The rollouts of one iteration: answers laid end to end, one value a token.
public struct Episodes: Sendable {
  /// One an answer, the answers to one prompt together.
  public var prompts: [[Int32]] = []
  public var responses: [[Int32]] = []
  /// Answers of each group: those that were sampled for one request.
  public var groups: [Range<Int>] = []
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

  /// - Parameter samples: the answers to each prompt, as the generator returns them.
  public init(prompts: [[Int32]], samples: [[Generator.Sample]]) {
    precondition(prompts.count == samples.count, "\(prompts.count) prompts, answers to \(samples.count)")
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

  /// Whether each answer has its end token, and not before it has `shortest` tokens.
  func endedInTime(_ shortest: Int) -> [Bool] {
    zip(ended, responses).map { $0 && $1.count >= shortest }
  }

  public var count: Int { responses.count }
  public var lengths: [Int] { responses.map(\.count) }

  /// Where each answer begins in the per-token arrays.
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

  /// Prompt and answer.
  public func sequence(_ index: Int) -> [Int32] { prompts[index] + responses[index] }

}

extension Episodes {
  /// One answer with its prompt, read where the answer's tokens are predicted.
  struct Unit: PassUnit {
    let prompt: [Int32]
    let response: [Int32]
    var tokenCount: Int { prompt.count + response.count }
    /// Those that predict the answer's tokens.
    var rows: Range<Int> { prompt.count - 1..<prompt.count - 1 + response.count }

    func append(to pass: SequencePass) {
      pass.read(rows, at: pass.append(prompt, response))
    }
  }

  /// All answers, read where their tokens are predicted.
  var passSequences: [PassSequence] {
    (0..<count).map { PassSequence(tokens: sequence($0), rows: [unit($0).rows]) }
  }

  func unit(_ index: Int) -> Unit { Unit(prompt: prompts[index], response: responses[index]) }

  /// Where the tokens of these answers stand in the per-token arrays, answer by answer.
  func tokens(of members: [Int]) -> [Int] {
    let starts = starts
    var tokens: [Int] = []
    tokens.reserveCapacity(members.reduce(0) { $0 + responses[$1].count })
    for member in members { tokens += starts[member]..<starts[member] + responses[member].count }
    return tokens
  }
}
