/// Who speaks in a dialogue.
public enum Speaker: String, Codable, Sendable {
  case system, user, assistant

  public init(from decoder: any Decoder) throws {
    let container = try decoder.singleValueContainer()
    let name = try container.decode(String.self)
    guard let speaker = Speaker(rawValue: name) else {
      throw DecodingError.dataCorruptedError(
        in: container, debugDescription: "\"\(name)\" is none of system, user and assistant")
    }
    self = speaker
  }
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
