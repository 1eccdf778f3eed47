/// How dialogues and documents become tokens, as data: the same way in every stage.
///
///     prompt       begin; for each turn what opens it, its content, what closes it; then what opens an answer
///     completion   text, and the first of `endTokens`
///     document     tokens, text, tokens
public struct ChatFormat: Equatable, Sendable {
  /// A part of the frame around what is said.
  public enum Piece: Equatable, Sendable {
    case token(Int32)
    case text(String)
  }

  /// What stands before and after a turn's content.
  public struct Frame: Equatable, Sendable {
    public var open: [Piece]
    public var close: [Piece]

    public init(open: [Piece], close: [Piece] = []) {
      self.open = open
      self.close = close
    }
  }

  public var name: String
  /// What stands before the first turn.
  public var begin: [Piece] = []
  public var system: Frame
  public var user: Frame
  /// `open` is what an answer follows; `close` stands between an answer's end token and the next turn.
  public var assistant: Frame
  /// Each of them ends an answer; an answer that is trained on ends with the first.
  public var endTokens: [Int32]
  /// Whether answers that others follow end with the end token too, and not only the last.
  public var closesPastAnswers = true
  /// What stands before the text of every answer, and belongs to the format and not to the answer.
  public var answerPrefix = ""
  /// What the system says where a dialogue has no turn of its.
  public var standingSystem: String?
  public var documentBegin: [Int32] = []
  public var documentEnd: [Int32] = []

  public init(
    name: String, system: Frame, user: Frame, assistant: Frame, endTokens: [Int32]
  ) {
    self.name = name
    self.system = system
    self.user = user
    self.assistant = assistant
    self.endTokens = endTokens
  }

  func frame(of speaker: Speaker) -> Frame {
    switch speaker {
    case .system, .developer: system
    case .assistant: assistant
    default: user
    }
  }

  /// All pieces, with what they belong to.
  var lists: [(name: String, pieces: [Piece])] {
    [
      ("begin", begin), ("system", system.open), ("system's end", system.close), ("user", user.open),
      ("user's end", user.close), ("assistant", assistant.open), ("assistant's end", assistant.close),
    ]
  }

  /// All tokens that it names.
  public var tokens: [Int32] {
    let pieces = lists.flatMap(\.pieces).compactMap { piece in
      if case .token(let token) = piece { token } else { nil }
    }
    return pieces + endTokens + documentBegin + documentEnd
  }
}
