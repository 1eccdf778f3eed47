/// Who speaks in a dialogue.
public enum Speaker: String, Codable, Sendable {
  case system, user, assistant
}

/// One contribution to a dialogue.
public struct Turn: Codable, Equatable, Hashable, Sendable {
  public var role: Speaker
  public var content: String

  public init(_ role: Speaker, _ content: String) {
    self.role = role
    self.content = content
  }
}
