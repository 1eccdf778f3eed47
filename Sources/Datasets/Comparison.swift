/// K answers to one prompt, ranked: rank 1 is the best, equal ranks are ties.
public struct Comparison: Codable, Equatable, Sendable {
  public let prompt: Prompt
  /// K ≥ 2 answers.
  public let completions: [String]
  /// One for each answer, each ≥ 1.
  public let ranks: [Int]
  /// Who ranked them.
  public var labeler: String?
  /// What wrote the answers.
  public var policy: String?
  /// How long ranking them took.
  public var seconds: Double?
  /// By how much the better answers should win, where the data say so.
  public var margin: Double?

  public init(
    prompt: Prompt, completions: [String], ranks: [Int], labeler: String? = nil,
    policy: String? = nil, seconds: Double? = nil, margin: Double? = nil
  ) {
    let problem = Self.problem(completions: completions, ranks: ranks)
    precondition(problem == nil, problem ?? "")
    self.prompt = prompt
    self.completions = completions
    self.ranks = ranks
    self.labeler = labeler
    self.policy = policy
    self.seconds = seconds
    self.margin = margin
  }

  /// - Throws: `DecodingError` if there are fewer than two answers or not one rank for each.
  public init(from decoder: any Decoder) throws {
    let container = try decoder.container(keyedBy: CodingKeys.self)
    prompt = try container.decode(Prompt.self, forKey: .prompt)
    completions = try container.decode([String].self, forKey: .completions)
    ranks = try container.decode([Int].self, forKey: .ranks)
    labeler = try container.decodeIfPresent(String.self, forKey: .labeler)
    policy = try container.decodeIfPresent(String.self, forKey: .policy)
    seconds = try container.decodeIfPresent(Double.self, forKey: .seconds)
    margin = try container.decodeIfPresent(Double.self, forKey: .margin)
    if let problem = Self.problem(completions: completions, ranks: ranks) {
      throw DecodingError.dataCorruptedError(
        forKey: .ranks, in: container, debugDescription: problem)
    }
  }

  /// Why these cannot be a comparison, if they cannot.
  static func problem(completions: [String], ranks: [Int]) -> String? {
    if completions.count < 2 {
      return "a comparison needs two answers or more, not \(completions.count)"
    }
    if completions.count != ranks.count {
      return "there are \(completions.count) answers and \(ranks.count) ranks"
    }
    if let bad = ranks.first(where: { $0 < 1 }) { return "a rank is \(bad), and 1 is the best" }
    return nil
  }

  /// Whether all ranks are equal, so that nothing can be learnt from it.
  public var isAllTies: Bool { ranks.allSatisfy { $0 == ranks[0] } }

  /// The answer of the best rank; the first of several.
  public var best: String {
    var best = 0
    for index in ranks.indices where ranks[index] < ranks[best] { best = index }
    return completions[best]
  }
}
