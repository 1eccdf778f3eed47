import Support

/// The reward model's loss over K-way rankings, summed prompt by prompt in order.
///
/// One prompt is one element of the batch, for any number of answers:
///
///     L = −1/C(K,2) · Σ_{w ≻ l} log σ(s_w − s_l − m) + c/C(K,2) · Σ_{w ≻ l} (s_w + s_l)²
///
/// The sums are over the pairs of unequal rank (Ouyang et al. 2022, eq. 1; there the margin m and the centering
/// coefficient c are 0). The batch's loss is the mean over its prompts.
///
///     var loss = RankingLoss(prompts: batch.count)
///     for prompt in batch { gradients += loss.add(scores: prompt.scores, ranks: prompt.ranks) }
///     loss.mean  // of the whole batch; the same for any micro-batches
public struct RankingLoss: Sendable {
  /// Number of prompts in the whole batch; loss and gradients are divided by it.
  public let prompts: Int
  /// c, the centering coefficient; it keeps the sum of a pair's scores near 0.
  public let centering: Double

  /// Σ of the prompts' losses so far.
  public private(set) var sum = 0.0
  private var pairSum = 0.0
  /// Pairs of unequal rank so far.
  public private(set) var pairs = 0
  /// Pairs whose better answer has the higher score.
  public private(set) var correct = 0
  /// Pairs of unequal rank whose scores are equal.
  public private(set) var undecided = 0
  /// Σ s_w − s_l over pairs.
  public private(set) var differenceSum = 0.0

  public init(prompts: Int, centering: Double = 0) {
    precondition(prompts > 0, "a batch of \(prompts) prompts")
    self.prompts = prompts
    self.centering = centering
  }

  /// The batch's loss so far: Σ/prompts.
  public var mean: Double { sum / Double(prompts) }
  /// Share of pairs in the right order; a pair of equal scores counts half. 0 without pairs.
  public var accuracy: Double {
    pairs == 0 ? 0 : (Double(correct) + 0.5 * Double(undecided)) / Double(pairs)
  }
  /// Mean loss of a pair of unequal rank. It is ln 2 if all scores are equal (with c = m = 0), and 0 without pairs.
  public var meanOfPairs: Double { pairs == 0 ? 0 : pairSum / Double(pairs) }
  /// Mean s_w − s_l over pairs, in the reward's unit. 0 without pairs.
  public var meanDifference: Double { pairs == 0 ? 0 : differenceSum / Double(pairs) }

  /// Adds one prompt and returns ∂(batch loss)/∂score of each of its answers.
  /// - Parameters:
  ///   - scores: reward-model scores, [K], K ≥ 2.
  ///   - ranks: 1 is best; equal ranks are ties, which add nothing. [K]
  ///   - margin: m, the lead that the better answer should have.
  /// - Returns: [K]
  public mutating func add(scores: [Float], ranks: [Int], margin: Double = 0) -> [Float] {
    [Float](unsafeUninitializedCapacity: scores.count) { result, count in
      scores.withUnsafeBufferPointer {
        add(scores: $0, ranks: ranks, margin: margin, gradient: result.baseAddress!)
      }
      count = scores.count
    }
  }

  /// Adds one prompt and writes the gradient to `result` [K].
  public mutating func add(
    scores: UnsafeBufferPointer<Float>, ranks: [Int], margin: Double = 0,
    gradient result: UnsafeMutablePointer<Float>
  ) {
    precondition(
      scores.count == ranks.count && scores.count >= 2,
      "\(scores.count) scores, \(ranks.count) ranks")
    withUnsafeTemporaryAllocation(of: Double.self, capacity: scores.count) { gradient in
      gradient.initialize(repeating: 0)
      let share = 1 / Double(scores.count * (scores.count - 1) / 2)
      add(scores: scores, ranks: ranks, margin: margin, share: share, gradient: gradient)
      for i in gradient.indices { result[i] = Float(gradient[i] * share / Double(prompts)) }
    }
  }

  /// Adds one prompt to the sums, each pair with the weight `share`, and adds the gradient of the unweighted sum over
  /// its pairs to `gradient`.
  private mutating func add(
    scores: UnsafeBufferPointer<Float>, ranks: [Int], margin: Double, share: Double,
    gradient: UnsafeMutableBufferPointer<Double>
  ) {
    let k = scores.count
    var loss = 0.0
    for i in 0..<k {
      for j in (i + 1)..<k where ranks[i] != ranks[j] {
        let (winner, loser) = ranks[i] < ranks[j] ? (i, j) : (j, i)
        let difference = Double(scores[winner]) - Double(scores[loser])
        let total = Double(scores[winner]) + Double(scores[loser])
        loss += DeterministicMath.softplus(margin - difference) + centering * total * total
        let push = -DeterministicMath.sigmoid(margin - difference)  // ∂/∂(s_w − s_l)
        let pull = 2 * centering * total
        gradient[winner] += push + pull
        gradient[loser] += -push + pull
        tally(difference)
      }
    }
    sum += loss * share
    pairSum += loss
  }

  private mutating func tally(_ difference: Double) {
    pairs += 1
    differenceSum += difference
    if difference > 0 { correct += 1 } else if difference == 0 { undecided += 1 }
  }
}
