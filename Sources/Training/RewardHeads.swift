import Statistics
import Support

/// Scalar heads on one frozen trunk, to tell where the rankings so far do not decide: what they all have learnt
/// they agree on, and elsewhere each is what chance made it.
///
/// Each head begins as random numbers of its own and learns from a bootstrap of its own, in which a prompt
/// counts as often as a draw from Poisson(1) says. A step is one prompt's ranking loss, in units of its
/// answers' mean distance, and the steps fall to 0 along a line, so that no head ends where the last prompts
/// have thrown it:
///
///     w_h ← w_h − (1 − t/T) · n_ht · ∂L_t/∂w_h / mean |f_i − f_j|²
///
/// A head has no bias, which no difference of scores would show.
public struct RewardHeads: Sendable {
  /// [H][d]
  public private(set) var weights: [[Float]]
  private var bootstraps: [RandomStream]
  private let total: Int
  private var taken = 0

  /// - Parameters:
  ///   - count: H ≥ 2.
  ///   - width: d, values of an answer's features.
  ///   - total: T, prompts that they will learn from.
  public init(count: Int, width: Int, total: Int, seed: UInt64) {
    precondition(count >= 2, "\(count) heads have nothing to disagree on")
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
  ///   - features: what the trunk says of each answer, [K · d].
  ///   - ranks: 1 is best, [K].
  public mutating func learn(_ features: ArraySlice<Float>, ranks: [Int]) {
    precondition(taken < total, "a prompt more than \(total)")
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

  /// How far the heads are apart on the answers to one prompt: the variance over the heads of the difference of
  /// two answers' scores, in the mean over the pairs of answers.
  /// - Parameter features: [K · d], K ≥ 2.
  public func disagreement(_ features: ArraySlice<Float>) -> Double {
    let scores = weights.indices.map { self.scores(features, $0) }
    let answers = scores[0].count
    precondition(answers >= 2, "\(answers) answers have no difference")
    var sum = 0.0
    for i in 0..<answers {
      for j in i + 1..<answers {
        sum += Statistics.moments(scores.map { $0[i] - $0[j] }).variance
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

  /// Σ_{i<j} |f_i − f_j|² is K times the sum of squared distances from the mean.
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
  /// A draw from Poisson(1), by Knuth's product of uniform numbers.
  fileprivate mutating func poisson() -> Int {
    var (count, product) = (-1, Float(1))
    while product > 0.367_879_44 {  // 1/e
      product *= uniform()
      count += 1
    }
    return count
  }
}
