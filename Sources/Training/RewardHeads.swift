import Statistics
import Support

/// An ensemble of scalar heads on one frozen trunk. Its disagreement shows where the rankings so far do not decide:
/// the heads agree on what all of them have learnt, and elsewhere they differ at random.
///
/// Each head starts from its own random weights and learns from its own bootstrap sample, in which a prompt counts n
/// times, n drawn from Poisson(1). A step follows the gradient of one prompt's ranking loss, divided by the mean
/// squared distance between its answers' features. The step size falls linearly to 0, so that the last prompts do not
/// dominate the result:
///
///     w_h ← w_h − (1 − t/T) · n_ht · ∂L_t/∂w_h / mean |f_i − f_j|²
///
/// A head has no bias, because a bias does not change differences of scores.
public struct RewardHeads: Sendable {
  /// [H][d]
  public private(set) var weights: [[Float]]
  private var bootstraps: [RandomStream]
  private let total: Int
  private var taken = 0

  /// - Parameters:
  ///   - count: H ≥ 2, the number of heads.
  ///   - width: d, the number of features of an answer.
  ///   - total: T, the number of prompts that the heads will learn from.
  public init(count: Int, width: Int, total: Int, seed: UInt64) {
    precondition(count >= 2, "\(count) heads; at least 2 are needed to disagree")
    let scale = 1 / Float(width + 1).squareRoot()
    weights = (0..<count).map { head in
      var random = RandomStream(seed: seed, purpose: "reward/heads/initial", index: UInt64(head))
      return (0..<width).map { _ in scale * random.normal() }
    }
    bootstraps = (0..<count).map {
      RandomStream(seed: seed, purpose: "reward/heads/bootstrap", index: UInt64($0))
    }
    self.total = total
  }

  /// Learns from the answers to one prompt.
  /// - Parameters:
  ///   - features: the trunk's output for each answer, [K · d].
  ///   - ranks: 1 is best, [K].
  public mutating func learn(_ features: ArraySlice<Float>, ranks: [Int]) {
    precondition(taken < total, "more than \(total) prompts")
    let rate = 1 - Double(taken) / Double(total)
    taken += 1
    let distance = Self.meanSquaredDistance(features, count: ranks.count)
    for head in weights.indices {
      let times = bootstraps[head].poisson()
      guard times > 0, distance > 0 else { continue }
      var loss = RankingLoss(prompts: 1)
      let gradient = loss.add(scores: scores(features, head), ranks: ranks)
      let width = weights[head].count
      for (answer, push) in gradient.enumerated() where push != 0 {
        let step = Float(rate * Double(times) * Double(push) / distance)
        let first = features.startIndex + answer * width
        for index in 0..<width { weights[head][index] -= step * features[first + index] }
      }
    }
  }

  /// The disagreement of the heads on the answers to one prompt: the variance, over the heads, of the difference of two
  /// answers' scores, averaged over the pairs of answers.
  /// - Parameter features: [K · d], K ≥ 2.
  public func disagreement(_ features: ArraySlice<Float>) -> Double {
    let scores = weights.indices.map { self.scores(features, $0) }
    let answers = scores[0].count
    precondition(answers >= 2, "\(answers) answers; at least 2 are needed to compare")
    var sum = 0.0
    for i in 0..<answers {
      for j in i + 1..<answers {
        sum += SampleStatistics.moments(scores.map { $0[i] - $0[j] }).variance
      }
    }
    return sum / Double(answers * (answers - 1) / 2)
  }

  /// One head's score of each answer.
  private func scores(_ features: ArraySlice<Float>, _ head: Int) -> [Float] {
    let width = weights[head].count
    return stride(from: features.startIndex, to: features.endIndex, by: width).map { first in
      Float((0..<width).reduce(0.0) { $0 + Double(weights[head][$1]) * Double(features[first + $1]) })
    }
  }

  /// Mean of |f_i − f_j|² over the pairs of answers.
  /// Uses: Σ_{i<j} |f_i − f_j|² is K times the sum of squared distances from the mean.
  private static func meanSquaredDistance(_ features: ArraySlice<Float>, count: Int) -> Double {
    let width = features.count / count
    var sum = 0.0
    for index in 0..<width {
      let column = (0..<count).map { Double(features[features.startIndex + $0 * width + index]) }
      let mean = column.reduce(0, +) / Double(count)
      sum += column.reduce(0) { $0 + ($1 - mean) * ($1 - mean) }
    }
    return 2 * sum / Double(count - 1)
  }
}

extension RandomStream {
  /// A sample from Poisson(1), by Knuth's product of uniform numbers.
  fileprivate mutating func poisson() -> Int {
    var (count, product) = (-1, Float(1))
    while product > 0.367_879_44 {  // 1/e
      product *= uniform()
      count += 1
    }
    return count
  }
}
