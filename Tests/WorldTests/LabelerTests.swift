import Support
import Testing

@testable import World

private let world = World(seed: 1)
private let rubric = Rubric(world)

/// Rankings of the same answers by several labelers.
private func rankings(_ labelers: [Labeler], items: Int) -> [[[Int]]] {
  (0..<items).map { index in
    let item = world.item(.comparisons, index)
    var stream = RandomStream(seed: 3, purpose: "test/answers", index: UInt64(index))
    let answers = world.imitationAnswers(for: item, count: 5, stream: &stream)
    return labelers.map { $0.rank(answers, for: item, by: rubric, stream: &stream) }
  }
}

/// The share of pairs that two rankings order alike, among those that neither ties.
private func agreement(_ rankings: [[[Int]]], _ a: Int, _ b: Int) -> (share: Double, pairs: Int) {
  var (same, pairs) = (0, 0)
  for ranks in rankings {
    for i in 0..<5 {
      for j in (i + 1)..<5 {
        let (first, second) = (ranks[a][i] - ranks[a][j], ranks[b][i] - ranks[b][j])
        guard first != 0, second != 0 else { continue }
        pairs += 1
        if (first > 0) == (second > 0) { same += 1 }
      }
    }
  }
  return (Double(same) / Double(pairs), pairs)
}

@Test("two labelers agree on 70 to 76 of a hundred pairs that neither ties")
func labelersAgree() {
  let labelers = Labeler.training + Labeler.heldOut
  let all = rankings(labelers, items: 1500)
  var shares: [Double] = []
  for a in labelers.indices {
    for b in (a + 1)..<labelers.count {
      let (share, pairs) = agreement(all, a, b)
      #expect(pairs > 5000)
      #expect((0.67...0.79).contains(share), "\(labelers[a].id) \(labelers[b].id): \(share)")
      shares.append(share)
    }
  }
  let mean = shares.reduce(0, +) / Double(shares.count)
  #expect((0.70...0.76).contains(mean), "\(mean)")
}

@Test("ranks are 1 for the best, equal for equal texts, and those of a competition")
func ranks() {
  for index in 0..<300 {
    let item = world.item(.comparisons, index)
    var stream = RandomStream(seed: 4, purpose: "test/ranks", index: UInt64(index))
    var answers = world.imitationAnswers(for: item, count: 4, stream: &stream)
    answers.append(answers[0])
    let ranks = Labeler.training[0].rank(answers, for: item, by: rubric, stream: &stream)
    #expect(ranks.min() == 1)
    #expect(ranks[0] == ranks[4])
    for rank in ranks { #expect(rank == 1 + ranks.count { $0 < rank }) }
  }
}

@Test("the labelers of evaluation are not those of training")
func heldOutLabelers() {
  #expect(Labeler.training.count == 5 && Labeler.heldOut.count == 2)
  #expect(Set((Labeler.training + Labeler.heldOut).map(\.id)).count == 7)
}
