import Support

/// Who speaks in a dialogue, by the name that the data give.
public struct Speaker: RawRepresentable, Hashable, Codable, Sendable {
  public var rawValue: String

  public init(rawValue: String) { self.rawValue = rawValue }

  public static let system = Speaker(rawValue: "system")
  public static let user = Speaker(rawValue: "user")
  public static let assistant = Speaker(rawValue: "assistant")
  /// What a tool answered.
  public static let tool = Speaker(rawValue: "tool")
  /// As newer models call who speaks before the user; elsewhere that is the system.
  public static let developer = Speaker(rawValue: "developer")
}

/// One contribution to a dialogue.
///
/// In JSON `{"role", "content"}` and the fields beside them.
public struct Turn: Hashable, Sendable {
  public var role: Speaker
  /// What is said; of a list of parts the texts, joined.
  public var content: String
  /// What the message says beside role and content, for the chat template: `tool_calls`, `reasoning_content`,
  /// `name`, `tool_call_id`, … With `content` itself where that is no text, but a list of parts or null.
  public var fields: JSONObject
  /// Whether this is an answer's text as a model writes it, behind what opens an answer, and not a message that a chat
  /// template renders: a template may trim a message, or write more around it.
  public var isContinuation = false

  public init(_ role: Speaker, _ content: String, fields: JSONObject = [:]) {
    self.role = role
    self.content = content
    self.fields = fields
  }

  /// An answer that is a text.
  public static func continuation(_ text: String) -> Turn {
    var turn = Turn(.assistant, text)
    turn.isContinuation = true
    return turn
  }

  /// Whether role and text are all there is.
  public var isPlain: Bool { fields.isEmpty }

  /// As a message: what a chat template reads, and what is written to files.
  public var message: JSONObject {
    var message: JSONObject = ["role": .string(role.rawValue), "content": .string(content)]
    for (key, value) in fields { message[key] = value }
    return message
  }
}

extension Turn {
  /// A message as it is, with whatever role and fields it has.
  /// - Throws: `Failure(.badData)` for a message without a role, and for content that is neither a text nor a list of
  ///   texts nor null.
  public init(message: JSONObject) throws {
    var fields = message
    guard let role = fields.removeValue(forKey: "role")?.string else {
      throw Failure(.badData, "a message has no role", remedy: "Give each \"role\" and \"content\".")
    }
    let content: String
    switch fields["content"] {
    case .string(let text):
      content = text
      fields["content"] = nil
    case nil, .null: content = ""
    case let value?:
      guard let text = Self.text(ofParts: value) else {
        throw Failure(.badData, "a message's \"content\" is not a text", remedy: "Give a text, or a list of texts.")
      }
      content = text
    }
    self.init(Speaker(rawValue: role), content, fields: fields)
  }
}

extension Turn: Codable {
  /// - Throws: `DecodingError` as `init(message:)`.
  public init(from decoder: any Decoder) throws {
    do {
      try self.init(message: JSONObject(from: decoder))
    } catch let failure as Failure {
      throw DecodingError.dataCorrupted(.init(codingPath: decoder.codingPath, debugDescription: failure.what))
    }
  }

  public func encode(to encoder: any Encoder) throws { try message.encode(to: encoder) }

  /// The texts of `[{"type": "text", "text": …}, …]`, joined; nil where a part is something else.
  public static func text(ofParts value: JSONValue) -> String? {
    guard let parts = value.array else { return nil }
    let texts = parts.compactMap { part in
      part["type"]?.string == "text" ? part["text"]?.string : part.string
    }
    return texts.count == parts.count ? texts.joined() : nil
  }
}
