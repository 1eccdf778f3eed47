import Support

/// Best-of-n: of several samples to a prompt, the one that a reward model likes best (Stiennon et al.
/// 2020; Gao et al. 2022). It needs no training, and is what PPO is measured against.
public struct BestOf {
  public let n: Int
  let reward: RewardScorer

  package init(n: Int, reward: RewardScorer) {
    self.n = n
    self.reward = reward
  }

  /// - Parameter n: samples to choose from, 1…256.
  /// - Throws: `Failure(.badData)` for a reward model that cannot score the answers of `model`.
  public init(_ n: Int, by reward: Model, of model: Model, threads: Int) throws {
    try reward.requireToRead(model)
    self.init(n: n, reward: try RewardScorer(reward, threads: threads))
  }

  /// The same with another number of samples, 1…256.
  public func choosing(of n: Int) -> BestOf { BestOf(n: n, reward: reward) }

  /// The best answer of each `n` that follow one another, `answers.count / n` of them.
  func choose<Answer>(
    _ answers: [Answer], prompt: [Int32], tokens: (Answer) -> [Int32], ended: (Answer) -> Bool
  ) -> [Answer] {
    let scores = reward.scores(answers.map { prompt + tokens($0) })
    return stride(from: 0, to: answers.count, by: n).map { first in
      answers[Self.best(first..<first + n, scores) { ended(answers[$0]) }]
    }
  }

  /// The number of the best by score; the first of equals.
  ///
  /// What did not end by itself comes behind all that did: a reward model is taught to read an answer at its
  /// end, and what it says of one that was cut means nothing.
  static func best(_ numbers: Range<Int>, _ scores: [Float], ended: (Int) -> Bool) -> Int {
    let whole = numbers.filter(ended)
    let candidates = whole.isEmpty ? Array(numbers) : whole
    return candidates.dropFirst().reduce(candidates[0]) { scores[$1] > scores[$0] ? $1 : $0 }
  }

  /// How far best-of-n leaves the model that it samples from, at most, in nats: log n − (n − 1)/n
  /// (Stiennon et al. 2020).
  package var kl: Double { Self.kl(n) }

  package static func kl(_ n: Int) -> Double {
    DeterministicMath.log(Double(n)) - Double(n - 1) / Double(n)
  }
}
