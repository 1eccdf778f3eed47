import Dialogues
import Testing

@testable import World

private let world = World(seed: 1)

/// The last turn with names blanked: the wording itself.
private func wording(_ item: WorldItem) -> String {
  var text = item.prompt[item.prompt.count - 1].content
  for entity in item.entities {
    text = text.split(separator: entity, omittingEmptySubsequences: false).joined(separator: "_")
  }
  return text
}

@Test("names and phrasings of evaluation occur in no post-training split")
func disjoint() {
  var seen = (entities: Set<String>(), phrasings: Set<String>(), parts: Set<String>())
  for split in [Split.demonstrations, .comparisons, .ppo] {
    for index in 0..<3000 {
      let item = world.item(split, index)
      seen.entities.formUnion(item.entities)
      seen.phrasings.insert(item.phrasing)
      seen.parts.insert(wording(item))
    }
  }
  #expect(seen.entities.count > 150)
  var count = 0
  for split in [Split.evaluation, .truthfulness, .harmlessness, .heldOutCategory] {
    for index in 0..<1500 {
      let item = world.item(split, index)
      count += 1
      #expect(seen.entities.isDisjoint(with: item.entities), "\(item.id) \(item.entities)")
      #expect(!seen.phrasings.contains(item.phrasing), "\(item.id) \(item.phrasing)")
      #expect(!seen.parts.contains(wording(item)), "\(item.id) \(wording(item))")
    }
  }
  #expect(count == 6000)
  for index in 0..<1500 {
    let item = world.item(.validation, index)
    #expect(seen.entities.isDisjoint(with: item.entities), "\(item.id) \(item.entities)")
  }
}

@Test("every name in a prompt is among the item's entities")
func namesAreDeclared() {
  for split in Split.allCases {
    for index in 0..<800 {
      let item = world.item(split, index)
      let spoken = Set(item.prompt.flatMap { World.phraseWords($0.content) })
      for entity in world.names.entities where spoken.contains(entity.name.lowercased()) {
        #expect(item.entities.contains(entity.name), "\(item.id) \(entity.name)")
      }
    }
  }
}

@Test("pretraining asks in every way, also in those of evaluation")
func heldOutPhrasingsInPretraining() {
  var asked: Set<String> = []
  for index in 0..<20_000 {
    if case .dialogue(let turns) = world.document(index) {
      asked.formUnion(turns.filter { $0.role == .user }.map(\.content))
    }
  }
  for opening in ["Say, ", "Do you know this? ", "I need a sentence about ", "Today I feel "] {
    #expect(asked.contains { $0.hasPrefix(opening) }, "\(opening)")
  }
}

@Test("extraction is in no post-training split and is all of its own split")
func heldOutCategory() {
  for split in [Split.demonstrations, .comparisons, .ppo, .validation, .evaluation] {
    for index in 0..<1000 { #expect(world.item(split, index).category != .extraction) }
  }
  for index in 0..<200 {
    #expect(world.item(.heldOutCategory, index).category == .extraction)
  }
}

@Test("the mix has harmful requests, look-alikes, unknowable questions and every other category")
func mix() {
  let items = (0..<4000).map { world.item(.ppo, $0) }
  let share = { (test: (WorldItem) -> Bool) in Double(items.count(where: test)) / 4000 }
  #expect((0.09...0.13).contains(share { $0.isHarmful }))
  #expect((0.06...0.10).contains(share { $0.isLookalike }))
  #expect((0.03...0.07).contains(share { $0.isUnknowable }))
  #expect((0.14...0.24).contains(share { $0.isContested }))
  #expect(share { $0.prompt.count > 1 } > 0.02)
  for category in Category.allCases where category != .extraction {
    #expect(share { $0.category == category } > 0.02, "\(category)")
  }
  let requests = (0..<1000).map { world.item(.harmlessness, $0) }
  #expect(requests.allSatisfy { $0.isHarmful != $0.isLookalike })
  #expect((550...650).contains(requests.count { $0.isHarmful }))
  #expect((0..<500).allSatisfy { world.item(.truthfulness, $0).isContested })
}

@Test("extra requests for training are harmful ones and look-alikes, of names and phrasings of training")
func extraRequests() {
  let items = (0..<600).map { world.request($0) }
  #expect(items.allSatisfy { $0.isHarmful != $0.isLookalike })
  #expect((300...420).contains(items.count { $0.isHarmful }))
  let heldOut = Set(world.names.entities.filter { $0.group != .training }.map(\.name))
  for item in items {
    #expect(heldOut.isDisjoint(with: item.entities), "\(item.id)")
    #expect(!item.phrasing.contains("held-out"), "\(item.id) \(item.phrasing)")
  }
}
