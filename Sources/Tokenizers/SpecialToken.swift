/// Tokens that no text yields.
public enum SpecialToken: Int32, CaseIterable, Sendable {
  case end, system, user, assistant

  /// How it is shown to people: `<|end|>`.
  public var name: String { "<|\(self)|>" }
}

extension Speaker {
  /// The token that opens this speaker's turn.
  public var token: Int32 {
    switch self {
    case .system: return SpecialToken.system.rawValue
    case .user: return SpecialToken.user.rawValue
    case .assistant: return SpecialToken.assistant.rawValue
    }
  }
}
