import Foundation
import Testing

@testable import Training

@Test("per-token rewards, advantages and returns agree with the padded reference")
func rolloutGolden() throws {
  let golden = try Golden.load("training")
  let (ppo, float) = (try golden["ppo"], try golden["tolerance"]["float"].number)
  let lengths = try ppo["lengths"].ints
  let rewards = Rewards.perToken(
    logprobs: try ppo["logprobs"].floats, reference: try ppo["reference"].floats,
    lengths: lengths, scores: try ppo["scores"].floats,
    klCoefficient: try ppo["kl_coefficient"].number)
  #expect(rewards.count == lengths.reduce(0, +))
  expectClose(rewards, try ppo["rewards"].doubles, float)
  expectClose(Rewards.whitened(rewards), try ppo["rewards_whitened"].doubles, 5 * float)

  let (advantages, returns) = Advantages.generalized(
    rewards: rewards, values: try ppo["values"].floats, lengths: lengths,
    gamma: try ppo["gamma"].number, lambda: try ppo["lambda"].number)
  expectClose(advantages, try ppo["advantages"].doubles, 5 * float)
  expectClose(returns, try ppo["returns"].doubles, 5 * float)
  expectClose(Advantages.whitened(advantages), try ppo["advantages_whitened"].doubles, 5 * float)
}

extension Rewards {
  /// Rewards as TRL places them: an answer of fewer than `longest` tokens has its score one past its end, and one
  /// reward more.
  static func perTokenPastEnd(
    logprobs: [Float], reference: [Float], lengths: [Int], scores: [Float], klCoefficient: Double,
    longest: Int
  ) -> [Float] {
    var rest = perToken(
      logprobs: logprobs, reference: reference, lengths: lengths,
      scores: zip(lengths, scores).map { $0 < longest ? 0 : $1 }, klCoefficient: klCoefficient)[...]
    return zip(lengths, scores).flatMap { length, score in
      defer { rest = rest.dropFirst(length) }
      return rest.prefix(length) + (length < longest ? [score] : [])
    }
  }
}

@Test("the score one past the end agrees with the padded reference, at full length too")
func pastEndGolden() throws {
  let golden = try Golden.load("training")
  let (ppo, past) = (try golden["ppo"], try golden["ppo_past_end"])
  let float = try golden["tolerance"]["float"].number
  let rewards = Rewards.perTokenPastEnd(
    logprobs: try ppo["logprobs"].floats, reference: try ppo["reference"].floats,
    lengths: try ppo["lengths"].ints, scores: try ppo["scores"].floats,
    klCoefficient: try ppo["kl_coefficient"].number, longest: try past["maximum_length"].int)
  let lengths = try past["lengths"].ints
  #expect(rewards.count == lengths.reduce(0, +))
  expectClose(rewards, try past["rewards"].doubles, float)
  let (advantages, returns) = Advantages.generalized(
    rewards: rewards, values: try past["values"].floats, lengths: lengths,
    gamma: try ppo["gamma"].number, lambda: try ppo["lambda"].number)
  expectClose(advantages, try past["advantages"].doubles, 5 * float)
  expectClose(returns, try past["returns"].doubles, 5 * float)
}

@Test("the estimates of KL agree with the reference")
func klGolden() throws {
  let ppo = try Golden.load("training")["ppo"]
  var kl = KLEstimates()
  kl.add(logprobs: try ppo["logprobs"].floats, reference: try ppo["reference"].floats)
  #expect(kl.tokens == 40)
  expectClose(kl.k1, try ppo["kl"]["k1"].number, 1e-12)
  expectClose(kl.k2, try ppo["kl"]["k2"].number, 1e-12)
  expectClose(kl.k3, try ppo["kl"]["k3"].number, 1e-12)
}

@Test("a token's penalty is the estimate that was asked for, and their sums are what is logged")
func estimators() {
  let logprobs: [Float] = [-1.5, -0.25, -3, -0.5], reference: [Float] = [-1, -0.5, -3, -2]
  var kl = KLEstimates()
  kl.add(logprobs: logprobs, reference: reference)
  for (estimator, formula) in [
    (KLEstimator.k1, { $0 }), (.k2, { $0 * $0 / 2 }), (.k3, { exp(-$0) - 1 + $0 }),
  ] as [(KLEstimator, (Double) -> Double)] {
    let rewards = Rewards.perToken(
      logprobs: logprobs, reference: reference, lengths: [3, 1], scores: [0.75, -2],
      klCoefficient: 0.5, estimator: estimator)
    let differences = zip(logprobs, reference).map { Double($0) - Double($1) }
    let scores = [0, 0, 0.75, -2]
    expectClose(rewards, zip(differences, scores).map { -0.5 * formula($0) + $1 }, 1e-7)
    expectClose(kl[estimator], differences.map(formula).reduce(0, +), 1e-12)
  }
}

@Test("an answer that ends before the shortest length counts as one that does not end")
func shortAnswers() {
  var episodes = Episodes()
  episodes.responses = [[5, 0], [5, 6, 0], [0], [5, 6, 7]]
  episodes.ended = [true, true, true, false]
  #expect(episodes.endedInTime(0) == episodes.ended)
  #expect(episodes.endedInTime(3) == [false, true, false, false])
  let scores = Rewards.score(
    [1, 1, 1, 1], ended: episodes.endedInTime(3), missingEnd: .subtract(3))
  #expect(scores == [-2, 1, -2, -2])
}

@Test("a policy equal to its reference has KL exactly 0 and rewards that are its scores alone")
func noDivergence() {
  let logprobs: [Float] = [-1.1, -0.3, -2.7]
  var kl = KLEstimates()
  kl.add(logprobs: logprobs, reference: logprobs)
  #expect(kl.k1 == 0 && kl.k2 == 0 && kl.k3 == 0)
  let rewards = Rewards.perToken(
    logprobs: logprobs, reference: logprobs, lengths: [2, 1], scores: [0.5, -4],
    klCoefficient: 0.3)
  #expect(rewards == [0, 0.5, -4])
}

@Test("an answer without its end gets the penalty after the clip; the others keep their score")
func missingEnd() {
  let (scores, ended): ([Float], [Bool]) = ([7, 7, -7, 0.5], [true, false, false, false])
  func score(_ rule: Rewards.MissingEnd, clip: Float? = nil) -> [Float] {
    Rewards.score(scores, ended: ended, missingEnd: rule, clip: clip)
  }
  #expect(score(.keep) == scores)
  #expect(score(.set(-1)) == [7, -1, -1, -1])
  #expect(score(.subtract(1)) == [7, 6, -8, -0.5])
  #expect(score(.subtract(1), clip: 5) == [5, 4, -6, -0.5])
  #expect(score(.set(-9), clip: 5) == [5, -9, -9, -9])
}
