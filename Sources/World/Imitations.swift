import Support

extension World {
  /// The manners of imitation answers, with the frequency of each in samples of a fine-tuned model, in percent.
  private static let imitated: [(manner: Manner, share: Int)] = [
    (.good, 58), (.mistaken, 20), (.terse, 4), (.obeying, 3), (.rude, 2), (.evasive, 2),
    (.rambling, 6), (.truncated, 3), (.abstaining, 1), (.refusing, 1),
  ]

  /// Answers like those of a model after a few demonstrations: most are correct, some are not.
  public func imitationAnswers(
    for item: WorldItem, count: Int, stream: inout RandomStream
  ) -> [String] {
    var answerer = Answerer(world: self, stream: stream)
    defer { stream = answerer.stream }
    let total = World.imitated.reduce(0) { $0 + $1.share }
    return (0..<count).map { _ in
      var rest = answerer.stream.below(total)
      for (manner, share) in World.imitated {
        rest -= share
        if rest < 0 { return answerer.answer(item.expectation, manner) }
      }
      preconditionFailure("shares do not sum")
    }
  }
}
