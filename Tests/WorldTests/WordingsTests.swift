import Support
import Testing

@testable import World

private let world = World(seed: 1)
private let rubric = Rubric(world)

/// Answers of all manners to an item.
private func answers(to item: WorldItem, _ index: Int) -> [String] {
  var stream = RandomStream(seed: 5, purpose: "test/wordings", index: UInt64(index))
  var answerer = Answerer(world: world, stream: stream)
  let all = Manner.allCases.map { answerer.answer(item.expectation, $0) }
  stream = answerer.stream
  return all + world.imitationAnswers(for: item, count: 2, stream: &stream)
}

@Test("an item asked in another wording has the same names, category and grades, and other words")
func sameContent() {
  var reworded = 0
  for split in Split.allCases {
    for index in 0..<50 {
      let item = world.item(split, index)
      let wordings = world.wordings(split, index)
      #expect(wordings[0].prompt == item.prompt && wordings[0].id == item.id)
      #expect(Set(wordings.map(\.prompt)).count == wordings.count, "\(item.id)")
      #expect(Set(wordings.map(\.id)).count == wordings.count, "\(item.id)")
      let answers = answers(to: item, index)
      let grades = answers.map { rubric.grade($0, for: item) }
      for other in wordings.dropFirst() {
        #expect(other.category == item.category && other.entities == item.entities)
        #expect(other.split == item.split && other.prompt.count == item.prompt.count)
        #expect(other.isHarmful == item.isHarmful && other.isLookalike == item.isLookalike)
        #expect(answers.map { rubric.grade($0, for: other) } == grades, "\(other.id)")
        reworded += 1
      }
    }
  }
  #expect(reworded > 400)
}

@Test("every wording is one of those that its audience may see")
func wordingsKeepToTheirAudience() {
  let training = Set((0..<3000).map { world.item(.ppo, $0).phrasing })
  var found = 0
  for index in 0..<200 {
    for item in world.wordings(.evaluation, index) {
      #expect(!training.contains(item.phrasing), "\(item.id) \(item.phrasing)")
    }
    for item in world.wordings(.ppo, index) {
      #expect(!item.phrasing.contains("held-out"), "\(item.id) \(item.phrasing)")
      found += training.contains(item.phrasing) ? 1 : 0
    }
  }
  #expect(found > 500)
}

@Test("most items of evaluation can be asked in another wording; a passage's only question cannot")
func manyWordings() {
  let items = (0..<400).map { world.wordings(.evaluation, $0) }
  #expect(items.count { $0.count > 1 } > 320)
  for wordings in items where wordings[0].category == .closedQA { #expect(wordings.count == 1) }
}
