import Dialogues
import Support

extension World {
  /// The prompt of an item behind a few answered questions of the same kind, each as turns of its own:
  /// the few-shot form of a dialogue.
  ///
  /// The examples are about names of training in wordings of training, also for items of evaluation;
  /// they name nobody whom the item names, and none of them has its answer. Two of them leave most
  /// items of this world within a context of 128 tokens.
  public func fewShotPrompt(_ split: Split, _ index: Int, examples count: Int) -> [Turn] {
    let (item, kind, _) = draw(split, index)
    let stream = RandomStream(
      seed: seed, purpose: "world/examples/\(split.rawValue)", index: UInt64(index))
    var draw = ItemDraw(world: self, audience: .training, stream: stream)
    var turns: [Turn] = []
    var left = count
    while left > 0 {
      let draft = draw.draft(kind)
      var answerer = Answerer(world: self, stream: draw.stream)
      let answer = answerer.answer(draft.expectation, .good)
      draw.stream = answerer.stream
      guard !draft.tells(item) else { continue }
      turns += draft.turns + [Turn(.assistant, answer)]
      left -= 1
    }
    return turns + item.prompt
  }
}

extension Draft {
  /// Whether its answer says something about what the item asks for.
  fileprivate func tells(_ item: WorldItem) -> Bool {
    if !Set(entities).isDisjoint(with: item.entities) { return true }
    guard case .keyed(let ours) = expectation, case .keyed(let theirs) = item.expectation else {
      return false
    }
    return !Set(ours.answers).isDisjoint(with: theirs.answers)
  }
}
