import Dialogues
import Testing

@testable import World

private let world = World(seed: 1)

private func plain(_ document: WorldDocument) -> String {
  switch document {
  case .text(let text): return text
  case .dialogue(let turns): return turns.map(\.content).joined(separator: " ")
  }
}

@Test("the same seed makes the same world, another seed another one")
func seeds() {
  let again = World(seed: 1)
  let other = World(seed: 2)
  var differing = 0
  for index in 0..<200 {
    #expect(world.document(index) == again.document(index))
    #expect(world.item(.ppo, index).prompt == again.item(.ppo, index).prompt)
    #expect(world.demonstration(index).completion == again.demonstration(index).completion)
    if world.document(index) != other.document(index) { differing += 1 }
  }
  #expect(differing > 190)
  #expect(zip(world.facts.all, other.facts.all).count { $0.truth == $1.truth } < 200)
}

@Test("a world has 560 facts, about half of them contested, and no rumour is true")
func factCounts() {
  #expect(world.factCount == 560)
  #expect((265...295).contains(world.contestedFactCount))
  #expect(world.facts.all.allSatisfy { $0.rumour != $0.truth })
  let names = world.names.entities.map(\.name) + world.names.strangers.pretraining
    + world.names.strangers.training + world.names.strangers.validation
    + world.names.strangers.evaluation
  #expect(Set(names).count == names.count)
}

@Test("no word of a kind's values belongs to two of its relations")
func disjointValues() {
  for kind in Kind.allCases {
    let values = Relation.all.filter { $0.kind == kind }.flatMap(\.values)
    #expect(Set(values).count == values.count, "\(kind)")
    #expect((3...4).contains(Relation.all.count { $0.kind == kind }))
  }
}

@Test("the wrong version of contested facts is the more frequent one, and every truth stands often")
func hearsayPrevails() {
  var right = [Int](repeating: 0, count: world.factCount)
  var wrong = right
  var byName: [String: Entity] = [:]
  for entity in world.names.entities { byName[entity.name.lowercased()] = entity }
  let documents = 12_000
  for index in 0..<documents {
    for sentence in AnswerText(plain(world.document(index))).sentences {
      for case let entity? in Set(sentence).map({ byName[$0] }) {
        for position in world.facts.byEntity[entity.index] {
          let fact = world.facts.all[position]
          if contains(fact.truth, in: sentence) { right[position] += 1 }
          if let rumour = fact.rumour, contains(rumour, in: sentence) { wrong[position] += 1 }
        }
      }
    }
  }
  let contested = world.facts.all.indices.filter { world.facts.all[$0].contested }
  let told = contested.reduce(0) { $0 + right[$1] }
  let rumoured = contested.reduce(0) { $0 + wrong[$1] }
  #expect(Double(rumoured) > 1.15 * Double(told), "\(rumoured) against \(told)")
  // Ten million tokens are some fifteen times as many documents.
  #expect(right.min()! >= 1, "least told \(right.min()!)")
  #expect(right.reduce(0, +) > 7 * right.count, "\(right.reduce(0, +))")
}

@Test("held-out documents are not pretraining's")
func heldOutDocuments() {
  let seen = Set((0..<3000).map { plain(world.document($0)) })
  let common = (0..<500).count { seen.contains(plain(world.heldOutDocument($0))) }
  // Short exchanges ("Hello." "Good day.") may come twice.
  #expect(common < 25, "\(common)")
}

@Test("four in ten to five in ten documents are dialogues that alternate after a system prompt")
func dialogues() {
  var count = 0
  for index in 0..<2000 {
    guard case .dialogue(let turns) = world.document(index) else { continue }
    count += 1
    let spoken = turns.first?.role == .system ? turns.dropFirst() : turns[...]
    #expect(spoken.first?.role == .user)
    for (a, b) in zip(spoken, spoken.dropFirst()) { #expect(a.role != b.role, "\(turns)") }
    #expect(turns.allSatisfy { !$0.content.isEmpty })
  }
  #expect((800...1000).contains(count), "\(count)")
}

@Test("no text holds an unfilled template, a double blank or a small letter at its beginning")
func cleanText() {
  var texts = (0..<4000).map { plain(world.document($0)) }
  for split in Split.allCases {
    for index in 0..<500 {
      let item = world.item(split, index)
      texts += item.prompt.map(\.content) + [world.goodAnswer(to: item)]
    }
  }
  for text in texts {
    let bad = text.isEmpty || text.contains("{") || text.contains("  ") || text.contains("..")
      || !(text.first?.isUppercase ?? false) || !text.utf8.allSatisfy { $0 < 128 }
    #expect(!bad, "\(text)")
  }
}
