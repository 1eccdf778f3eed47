import Dialogues
import Support

extension World {
  /// The few-shot form of an item's prompt: a few answered questions of the same kind come first, each as turns of
  /// its own.
  ///
  /// The examples use names and wordings of training, also for items of evaluation. They share no name with the item,
  /// and none of them has its answer. With two examples, most items of this world fit into a context of 128 tokens.
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
  /// Whether this draft's answer gives away something about the item: a shared name or a shared answer.
  fileprivate func tells(_ item: WorldItem) -> Bool {
    if !Set(entities).isDisjoint(with: item.entities) { return true }
    guard case .keyed(let ours) = expectation, case .keyed(let theirs) = item.expectation else {
      return false
    }
    return !Set(ours.answers).isDisjoint(with: theirs.answers)
  }
}
