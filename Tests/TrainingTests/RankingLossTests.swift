import Glibc
import Testing

@testable import Training

@Test("the ranking loss and its gradient agree with autograd, with ties, margin and centering")
func rankingGolden() throws {
  let golden = try Golden.load("training")
  let float = try golden["tolerance"]["float"].number
  let cases = try golden["ranking"].list
  #expect(cases.count == 2)
  for one in cases {
    let (scores, ranks, gradients) = (
      try one["scores"].list, try one["ranks"].list, try one["gradients"].list
    )
    var loss = RankingLoss(
      prompts: try one["prompts"].int, centering: try one["centering"].number)
    for prompt in scores.indices {
      let ours = loss.add(
        scores: try scores[prompt].floats, ranks: try ranks[prompt].ints,
        margin: try one["margin"].number)
      expectClose(ours, try gradients[prompt].doubles, float)
    }
    expectClose(loss.mean, try one["loss"].number, 1e-12)
    #expect(loss.pairs == (try one["pairs"].int))
    #expect(loss.correct == (try one["correct"].int))
  }
}

@Test("equal scores cost ln 2 for every K", arguments: 2...9)
func equalScores(k: Int) {
  var loss = RankingLoss(prompts: 1)
  let gradient = loss.add(scores: Array(repeating: 1.5, count: k), ranks: Array(1...k))
  #expect(abs(loss.mean - log(2)) < 1e-14)
  #expect(loss.accuracy == 0.5)
  #expect(gradient[0] < 0 && gradient[k - 1] > 0)
  #expect(abs(gradient.reduce(0, +)) < 1e-6)
}

@Test("a prompt whose answers all tie contributes nothing")
func allTied() {
  var loss = RankingLoss(prompts: 1, centering: 1)
  #expect(loss.add(scores: [3, -1, 2], ranks: [2, 2, 2]) == [0, 0, 0])
  #expect(loss.sum == 0 && loss.pairs == 0 && loss.accuracy == 0)
}

@Test("the loss does not depend on the order in which answers are listed")
func orderOfAnswers() {
  let (scores, ranks): ([Float], [Int]) = ([0.25, -1.5, 2, 0.75], [2, 3, 1, 2])
  var one = RankingLoss(prompts: 1)
  let first = one.add(scores: scores, ranks: ranks)
  var other = RankingLoss(prompts: 1)
  let second = other.add(scores: scores.reversed(), ranks: ranks.reversed())
  #expect(abs(one.mean - other.mean) < 1e-14)
  for (a, b) in zip(first, second.reversed()) { #expect(abs(a - b) < 1e-7) }
  #expect(one.pairs == 5 && one.correct == 5)
}

@Test("a hopeless pair costs its difference and pushes with force one, without overflow")
func extremePair() {
  var loss = RankingLoss(prompts: 1)
  #expect(loss.add(scores: [-500, 500], ranks: [1, 2]) == [-1, 1])
  #expect(loss.mean == 1000)
}
