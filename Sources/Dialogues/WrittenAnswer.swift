/// The JSON form of an answer: a text for a continuation, else a message.
struct WrittenAnswer: Codable {
  let turn: Turn

  init(turn: Turn) { self.turn = turn }

  init(from decoder: any Decoder) throws {
    let container = try decoder.singleValueContainer()
    if let text = try? container.decode(String.self) {
      turn = .continuation(text)
    } else {
      turn = try container.decode(Turn.self)
    }
  }

  func encode(to encoder: any Encoder) throws {
    if turn.isContinuation {
      try turn.content.encode(to: encoder)
    } else {
      try turn.encode(to: encoder)
    }
  }
}
