import Dialogues
import Support
import Testing

@testable import World

private let world = World(seed: 1)

/// The hash of texts, each ended by a zero byte.
private func hash(_ texts: some Sequence<String>) -> UInt64 {
  Hash.xxh64(texts.flatMap { Array($0.utf8) + [0] })
}

@Test("the items and rankings of the bundled base's world are what they always were")
func unchanged() {
  let items = Split.allCases.flatMap { split in (0..<500).map { world.item(split, $0) } }
  let told = items.flatMap { item in
    [item.id, item.phrasing, world.goodAnswer(to: item)] + item.entities
      + item.prompt.map(\.content)
  }
  #expect(hash(told) == 17_860_681_150_594_055_425)
  let rubric = Rubric(world)
  let rankings = (0..<500).flatMap { index in
    let item = world.item(.comparisons, index)
    var stream = RandomStream(seed: 7, purpose: "test/unchanged", index: UInt64(index))
    let answers = world.imitationAnswers(for: item, count: 5, stream: &stream)
    return (Labeler.training + Labeler.heldOut).map { labeler in
      "\(labeler.rank(answers, for: item, by: rubric, stream: &stream))"
    }
  }
  #expect(hash(rankings) == 13_518_292_504_931_733_598)
}
