import Tokenizers

/// What is asked: a dialogue that the assistant is to continue.
///
/// In JSON a string when it is one user turn, else a list of `{role, content}`.
public struct Prompt: Codable, Equatable, Hashable, Sendable {
  public var turns: [Turn]

  public init(turns: [Turn]) { self.turns = turns }

  /// One user turn.
  public init(_ text: String) { turns = [Turn(.user, text)] }

  public init(from decoder: any Decoder) throws {
    let container = try decoder.singleValueContainer()
    if let text = try? container.decode(String.self) {
      self.init(text)
    } else {
      do {
        self.init(turns: try container.decode([Turn].self))
      } catch DecodingError.typeMismatch(_, let context)
        where context.codingPath.count == decoder.codingPath.count
      {
        throw DecodingError.dataCorruptedError(
          in: container, debugDescription: "a prompt is a text or a list of {role, content}")
      }
    }
  }

  public func encode(to encoder: any Encoder) throws {
    var container = encoder.singleValueContainer()
    if turns.count == 1, turns[0].role == .user {
      try container.encode(turns[0].content)
    } else {
      try container.encode(turns)
    }
  }
}
