/// K ranked answers to one prompt. Rank 1 is the best; equal ranks are ties.
public struct Comparison: Codable, Equatable, Sendable {
  public let prompt: Prompt
  /// K ≥ 2 answers.
  public let answers: [Turn]
  /// One rank for each answer, each ≥ 1.
  public let ranks: [Int]
  /// The labeler who ranked the answers.
  public var labeler: String?
  /// The model that wrote the answers.
  public var policy: String?
  /// The time that the ranking took, in seconds.
  public var seconds: Double?
  /// The margin by which a better answer's score should exceed a worse one's; nil if the data have none.
  public var margin: Double?
  /// The number of the built-in world's item that the prompt is of. Held-out rankings of the world have it, others nil.
  public var item: Int?

  public init(
    prompt: Prompt, answers: [Turn], ranks: [Int], labeler: String? = nil,
    policy: String? = nil, seconds: Double? = nil, margin: Double? = nil, item: Int? = nil
  ) {
    let problem = Self.problem(answers: answers.count, ranks: ranks)
    precondition(problem == nil, problem ?? "")
    self.prompt = prompt
    self.answers = answers
    self.ranks = ranks
    self.labeler = labeler
    self.policy = policy
    self.seconds = seconds
    self.margin = margin
    self.item = item
  }

  public init(
    prompt: Prompt, completions: [String], ranks: [Int], labeler: String? = nil,
    policy: String? = nil, seconds: Double? = nil, margin: Double? = nil, item: Int? = nil
  ) {
    self.init(
      prompt: prompt, answers: completions.map(Turn.continuation), ranks: ranks, labeler: labeler,
      policy: policy, seconds: seconds, margin: margin, item: item)
  }

  /// The answers' texts.
  public var completions: [String] { answers.map(\.content) }

  private enum CodingKeys: CodingKey { case prompt, completions, ranks, labeler, policy, seconds, margin, item }

  /// - Throws: `DecodingError` if there are fewer than two answers, or not exactly one valid rank for each.
  public init(from decoder: any Decoder) throws {
    let container = try decoder.container(keyedBy: CodingKeys.self)
    prompt = try container.decode(Prompt.self, forKey: .prompt)
    answers = try container.decode([WrittenAnswer].self, forKey: .completions).map(\.turn)
    ranks = try container.decode([Int].self, forKey: .ranks)
    labeler = try container.decodeIfPresent(String.self, forKey: .labeler)
    policy = try container.decodeIfPresent(String.self, forKey: .policy)
    seconds = try container.decodeIfPresent(Double.self, forKey: .seconds)
    margin = try container.decodeIfPresent(Double.self, forKey: .margin)
    item = try container.decodeIfPresent(Int.self, forKey: .item)
    if let problem = Self.problem(answers: answers.count, ranks: ranks) {
      throw DecodingError.dataCorruptedError(
        forKey: .ranks, in: container, debugDescription: problem)
    }
  }

  public func encode(to encoder: any Encoder) throws {
    var container = encoder.container(keyedBy: CodingKeys.self)
    try container.encode(prompt, forKey: .prompt)
    try container.encode(answers.map(WrittenAnswer.init), forKey: .completions)
    try container.encode(ranks, forKey: .ranks)
    try container.encodeIfPresent(labeler, forKey: .labeler)
    try container.encodeIfPresent(policy, forKey: .policy)
    try container.encodeIfPresent(seconds, forKey: .seconds)
    try container.encodeIfPresent(margin, forKey: .margin)
    try container.encodeIfPresent(item, forKey: .item)
  }

  /// The reason why these values are not a valid comparison; nil if they are valid.
  package static func problem(answers: Int, ranks: [Int]) -> String? {
    if answers < 2 { return "a comparison needs two answers or more, not \(answers)" }
    if answers != ranks.count { return "there are \(answers) answers and \(ranks.count) ranks" }
    if let bad = ranks.first(where: { $0 < 1 }) { return "a rank is \(bad), but ranks begin at 1 (the best)" }
    return nil
  }

  /// Whether all ranks are equal. Such a comparison teaches nothing.
  public var isAllTies: Bool { ranks.allSatisfy { $0 == ranks[0] } }

  /// Whether equal answers have unequal ranks. False if all answers are equal.
  public var contradictsItself: Bool {
    guard answers.contains(where: { $0 != answers[0] }) else { return false }
    var seen: [Turn: Int] = [:]
    return zip(answers, ranks).contains { answer, rank in
      seen.updateValue(rank, forKey: answer).map { $0 != rank } ?? false
    }
  }

  /// The text of the answer with the best rank; the first if there are several.
  public var best: String { bestAnswer.content }

  /// The answer with the best rank; the first if there are several.
  public var bestAnswer: Turn {
    var best = 0
    for index in ranks.indices where ranks[index] < ranks[best] { best = index }
    return answers[best]
  }
}
