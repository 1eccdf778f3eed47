import Support

extension World {
  /// Manners of the answers to rank, and how often each is met in samples of a fine-tuned model.
  private static let imitated: [(manner: Manner, share: Int)] = [
    (.good, 36), (.mistaken, 26), (.terse, 7), (.obeying, 5), (.rude, 5), (.evasive, 4),
    (.rambling, 6), (.truncated, 6), (.abstaining, 3), (.refusing, 2),
  ]

  /// Answers as a half-trained model would give them: most right or plausible, some not.
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
