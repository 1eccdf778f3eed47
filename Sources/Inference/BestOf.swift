import Support

/// Best-of-n: samples n answers to a prompt and keeps the one with the highest reward (Stiennon et al. 2020; Gao et al.
/// 2022). It needs no training, so PPO is compared with it.
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

  /// A copy with another number of samples, 1…256.
  public func choosing(of n: Int) -> BestOf { BestOf(n: n, reward: reward) }

  /// Chooses the best answer of each group of `n` consecutive answers; returns `answers.count / n` answers.
  func choose<Answer>(
    _ answers: [Answer], prompt: [Int32], tokens: (Answer) -> [Int32], ended: (Answer) -> Bool
  ) -> [Answer] {
    let scores = reward.scores(answers.map { prompt + tokens($0) })
    return stride(from: 0, to: answers.count, by: n).map { first in
      answers[Self.best(first..<first + n, scores) { ended(answers[$0]) }]
    }
  }

  /// The index of the highest score; of equal scores the first.
  ///
  /// Answers without an end token lose against all answers with one: the reward model is trained to read an answer at
  /// its end, so its score of a cut answer means nothing.
  static func best(_ numbers: Range<Int>, _ scores: [Float], ended: (Int) -> Bool) -> Int {
    let whole = numbers.filter(ended)
    let candidates = whole.isEmpty ? Array(numbers) : whole
    return candidates.dropFirst().reduce(candidates[0]) { scores[$1] > scores[$0] ? $1 : $0 }
  }

  /// Upper bound on the KL of best-of-n from the model that it samples from [nats]: log n − (n − 1)/n (Stiennon et al.
  /// 2020).
  package var kl: Double { Self.kl(n) }

  package static func kl(_ n: Int) -> Double {
    DeterministicMath.log(Double(n)) - Double(n - 1) / Double(n)
  }
}
