/// A prompt with a good labeler's answer to it, or a dialogue with such answers. The answers are learnt.
public struct Demonstration: Hashable, Sendable {
  public var prompt: Prompt
  /// The last answer that is learnt.
  public var answer: Turn
  /// Indices of the turns of the prompt that are learnt too: the earlier answers of a dialogue. Nil if only `answer`
  /// is learnt.
  public var learntTurns: [Int]?
  /// The dialogue's turns after the answer. They are not learnt: training leaves them out, and `question` includes
  /// them.
  public var trailing: [Turn]

  public init(prompt: Prompt, answer: Turn, learntTurns: [Int]? = nil, trailing: [Turn] = []) {
    self.prompt = prompt
    self.answer = answer
    self.learntTurns = learntTurns
    self.trailing = trailing
  }

  public init(prompt: Prompt, completion: String, learntTurns: [Int]? = nil) {
    self.init(prompt: prompt, answer: .continuation(completion), learntTurns: learntTurns)
  }

  /// The prompt for sampling an answer. If the dialogue ends with another speaker's turn after the answer, it is the
  /// whole dialogue; else it is `prompt`.
  public var question: Prompt {
    guard let last = trailing.last, last.role != .assistant else { return prompt }
    var question = prompt
    question.turns += [answer] + trailing
    return question
  }

  /// The answer's text.
  public var completion: String { answer.content }
}

extension Demonstration: Codable {
  private enum Key: CodingKey { case prompt, completion, learntTurns, trailing }

  public init(from decoder: any Decoder) throws {
    let container = try decoder.container(keyedBy: Key.self)
    self.init(
      prompt: try container.decode(Prompt.self, forKey: .prompt),
      answer: try container.decode(WrittenAnswer.self, forKey: .completion).turn,
      learntTurns: try container.decodeIfPresent([Int].self, forKey: .learntTurns),
      trailing: try container.decodeIfPresent([Turn].self, forKey: .trailing) ?? [])
  }

  public func encode(to encoder: any Encoder) throws {
    var container = encoder.container(keyedBy: Key.self)
    try container.encode(prompt, forKey: .prompt)
    try container.encode(WrittenAnswer(turn: answer), forKey: .completion)
    try container.encodeIfPresent(learntTurns, forKey: .learntTurns)
    if !trailing.isEmpty { try container.encode(trailing, forKey: .trailing) }
  }
}
