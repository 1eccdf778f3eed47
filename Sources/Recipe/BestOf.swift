import Models
import Support

/// Best-of-n: of several samples to a prompt, the one that a reward model likes best (Stiennon et al.
/// 2020; Gao et al. 2022). It needs no training, and is what PPO is measured against.
public struct BestOf {
  public let n: Int
  let reward: RewardScorer

  /// - Parameter n: samples to choose from, 1…256.
  /// - Throws: `Failure(.badData)` for a reward model that cannot score the answers of `model`.
  public init(_ n: Int, by reward: Model, of model: Model, threads: Int) throws {
    try reward.requireSameTokenizer(as: model)
    guard reward.architecture.context >= model.architecture.context else {
      throw Failure(
        .badData,
        "has a context of \(reward.architecture.context) tokens, "
          + "\(model.name) one of \(model.architecture.context)",
        at: reward.name, remedy: "Use models that were made from the same base.")
    }
    self.n = n
    self.reward = try RewardScorer(reward, threads: threads)
  }

  /// The best `count` times, each of `n` samples of its own; the first of equals. Samples come in the
  /// order of their streams, `count`·`n` of them.
  func choose(_ samples: [Generator.Sample], prompt: [Int32]) -> [Generator.Sample] {
    let scores = reward.scores(samples.map { prompt + $0.tokens })
    return stride(from: 0, to: samples.count, by: n).map { first in
      var best = first
      for index in first..<first + n where scores[index] > scores[best] { best = index }
      return samples[best]
    }
  }

  /// How far best-of-n leaves the model that it samples from, at most, in nats: log n − (n − 1)/n
  /// (Stiennon et al. 2020).
  var kl: Double { DeterministicMath.log(Double(n)) - Double(n - 1) / Double(n) }
}
