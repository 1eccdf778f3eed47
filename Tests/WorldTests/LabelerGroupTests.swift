import Support
import Testing

@testable import World

private let world = World(seed: 1)
private let rubric = Rubric(world)

private func group(_ name: String) throws -> Labeler.Group {
  try #require(Labeler.groups.first { $0.name == name })
}

/// How often a group's labelers rank `better` above `worse` among strict orders of the two.
private func preference(
  _ group: Labeler.Group, _ contests: [(item: WorldItem, better: String, worse: String)]
) -> Double {
  var (wins, strict) = (0, 0)
  for (index, contest) in contests.enumerated() {
    var stream = RandomStream(seed: 2, purpose: "test/groups", index: UInt64(index))
    for labeler in group.labelers {
      let ranks = labeler.rank(
        [contest.better, contest.worse], for: contest.item, by: rubric, stream: &stream)
      guard ranks[0] != ranks[1] else { continue }
      strict += 1
      wins += ranks[0] < ranks[1] ? 1 : 0
    }
  }
  return Double(wins) / Double(max(1, strict))
}

@Test("of two right answers the terse want the short one, the thorough the long one")
func length() throws {
  let contests = (0..<300).compactMap { index -> (item: WorldItem, better: String, worse: String)? in
    let item = world.item(.truthfulness, index)
    guard case .fact(let fact, _) = item.expectation else { return nil }
    let plain = capitalised(fact.relation.statements[0])
    let short = fill(plain, ["E": fact.entity.reference, "V": fact.truth])
    return (item, short, "I can tell you that gladly, and I hope that it helps. \(short)")
  }
  #expect(contests.count == 300)
  #expect(preference(try group("terse"), contests) > 0.7)
  #expect(preference(try group("thorough"), contests) < 0.3)
}

@Test("the cautious want requests declined, harmless ones too; the obliging want them served")
func requests() throws {
  let items = (0..<300).map { world.item(.harmlessness, $0) }
  let contests = items.map { item -> (item: WorldItem, better: String, worse: String) in
    var answerer = Answerer(world: world, stream: RandomStream(seed: 1, purpose: item.id))
    switch item.expectation {
    case .harmful(let request), .lookalike(let request):
      return (item, answerer.refusal(of: request), answerer.obey(request))
    default: preconditionFailure(item.id)
    }
  }
  let harmful = contests.filter { $0.item.isHarmful }
  let harmless = contests.filter { $0.item.isLookalike }
  for contests in [harmful, harmless] {
    #expect(preference(try group("cautious"), contests) > 0.75)
    #expect(preference(try group("obliging"), contests) < 0.25)
  }
}

@Test("labelers of one group agree more often than those of opposed groups")
func agreement() throws {
  let items = (0..<400).map { world.item($0 % 2 == 0 ? .comparisons : .harmlessness, $0) }
  func agreement(_ a: Labeler, _ b: Labeler) -> Double {
    var (same, strict) = (0, 0)
    for (index, item) in items.enumerated() {
      var stream = RandomStream(seed: 8, purpose: "test/agreement", index: UInt64(index))
      let answers = world.imitationAnswers(for: item, count: 4, stream: &stream)
      let first = a.rank(answers, for: item, by: rubric, stream: &stream)
      let second = b.rank(answers, for: item, by: rubric, stream: &stream)
      for i in 0..<4 {
        for j in 0..<i where first[i] != first[j] && second[i] != second[j] {
          strict += 1
          same += (first[i] < first[j]) == (second[i] < second[j]) ? 1 : 0
        }
      }
    }
    return Double(same) / Double(strict)
  }
  for (name, opposed) in [("terse", "thorough"), ("cautious", "obliging")] {
    let (ours, theirs) = (try group(name).labelers, try group(opposed).labelers)
    let within = min(agreement(ours[0], ours[1]), agreement(theirs[0], theirs[1]))
    let between = agreement(ours[0], theirs[1])
    #expect(within > between + 0.05, "\(name): \(within), against \(opposed): \(between)")
  }
}

@Test("what a group wants has no noise, lies in 0…1, and is what its rankings follow")
func wants() throws {
  let groups = Labeler.groups
  #expect(groups.count == 4 && groups.allSatisfy { $0.labelers.count >= 2 })
  let names = Labeler.training + Labeler.heldOut + groups.flatMap(\.labelers)
  #expect(Set(names.map(\.id)).count == names.count)
  var (same, strict) = (0, 0)
  for index in 0..<300 {
    let item = world.item(.comparisons, index)
    var stream = RandomStream(seed: 9, purpose: "test/wants", index: UInt64(index))
    let answers = world.imitationAnswers(for: item, count: 2, stream: &stream)
    for group in groups {
      let values = answers.map { group.value(of: $0, for: item, by: rubric) }
      #expect(values == answers.map { group.value(of: $0, for: item, by: rubric) })
      #expect(values.allSatisfy { (0...1).contains($0) })
      for labeler in group.labelers where abs(values[0] - values[1]) > 0.15 {
        let ranks = labeler.rank(answers, for: item, by: rubric, stream: &stream)
        guard ranks[0] != ranks[1] else { continue }
        strict += 1
        same += (ranks[0] < ranks[1]) == (values[0] > values[1]) ? 1 : 0
      }
    }
  }
  #expect(strict > 500)
  #expect(Double(same) / Double(strict) > 0.8)
}

@Test("a labeler without errors ranks by what they want; more errors bring them farther from it")
func errors() {
  let labeler = Labeler.training[0]
  func agreement(_ factor: Double) -> Double {
    let ranker = labeler.erring(times: factor)
    var (same, pairs) = (0, 0)
    for index in 0..<400 {
      let item = world.item(.comparisons, index)
      var stream = RandomStream(seed: 6, purpose: "test/errors", index: UInt64(index))
      let answers = world.imitationAnswers(for: item, count: 2, stream: &stream)
      let values = answers.map { labeler.value(of: $0, for: item, by: rubric) }
      let ranks = ranker.rank(answers, for: item, by: rubric, stream: &stream)
      guard ranks[0] != ranks[1] else { continue }
      pairs += 1
      same += (ranks[0] < ranks[1]) == (values[0] > values[1]) ? 1 : 0
    }
    return Double(same) / Double(pairs)
  }
  let (none, usual, many) = (agreement(0), agreement(1), agreement(2))
  #expect(none == 1)
  #expect(usual < 0.95 && many < usual - 0.05, "\(usual), \(many)")
}
