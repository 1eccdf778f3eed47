import Dialogues
import Testing

@testable import World

private let world = World(seed: 1)
private let rubric = Rubric(world)

@Test("a few-shot prompt ends with the item's own and begins with answered questions of its kind")
func fewShot() {
  for split in Split.allCases {
    for index in 0..<60 {
      let item = world.item(split, index)
      let prompt = world.fewShotPrompt(split, index, examples: 2)
      #expect(prompt == world.fewShotPrompt(split, index, examples: 2))
      #expect(Array(prompt.suffix(item.prompt.count)) == item.prompt, "\(item.id)")
      let shots = prompt.dropLast(item.prompt.count)
      #expect(shots.count { $0.role == .assistant } >= 2)
      for (place, turn) in shots.enumerated() {
        #expect(turn.role == (place % 2 == 0 ? .user : .assistant), "\(item.id)")
      }
      #expect(world.fewShotPrompt(split, index, examples: 0) == item.prompt)
    }
  }
}

@Test("examples name nobody whom the question names, and do not answer it")
func examplesDoNotTell() {
  for split in Split.allCases {
    for index in 0..<60 {
      let item = world.item(split, index)
      let shots = world.fewShotPrompt(split, index, examples: 3).dropLast(item.prompt.count)
      let spoken = Set(shots.flatMap { World.phraseWords($0.content) })
      #expect(spoken.isDisjoint(with: item.entities.map { $0.lowercased() }), "\(item.id)")
      guard case .keyed(let key) = item.expectation else { continue }
      for turn in shots where turn.role == .assistant {
        #expect(!key.answers.contains(turn.content), "\(item.id): \(turn.content)")
      }
    }
  }
}

@Test("examples for the held-out category are of that category, of names of training")
func examplesOfExtraction() {
  let heldOut = Set(world.names.entities.filter { $0.group == .evaluation }.map(\.name))
  for index in 0..<60 {
    let item = world.item(.heldOutCategory, index)
    let shots = world.fewShotPrompt(.heldOutCategory, index, examples: 2).dropLast(item.prompt.count)
    for turn in shots {
      #expect(!heldOut.contains { turn.content.contains($0) })
      if turn.role == .assistant {
        #expect(["The name is", "The number", "The place "].contains { turn.content.hasPrefix($0) })
      }
    }
  }
}
