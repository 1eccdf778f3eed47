import Support

/// The role of a speaker in a dialogue, with the name that the data use.
public struct Speaker: RawRepresentable, Hashable, Codable, Sendable {
  public var rawValue: String

  public init(rawValue: String) { self.rawValue = rawValue }

  public static let system = Speaker(rawValue: "system")
  public static let user = Speaker(rawValue: "user")
  public static let assistant = Speaker(rawValue: "assistant")
  /// The result of a tool call.
  public static let tool = Speaker(rawValue: "tool")
  /// The name that newer models use instead of "system".
  public static let developer = Speaker(rawValue: "developer")
}

/// One message of a dialogue.
///
/// In JSON it is `{"role", "content"}` with additional fields.
public struct Turn: Hashable, Sendable {
  public var role: Speaker
  /// The text of the message. If the content is a list of parts, it is their texts, joined.
  public var content: String
  /// The other fields of the message, for the chat template: `tool_calls`, `reasoning_content`,
  /// `name`, `tool_call_id`, … Includes `content` if it is not a text, but a list of parts or null.
  public var fields: JSONObject
  /// Whether the content is raw text that a model writes after the opening of an answer. If false, the chat template
  /// renders the message, and may trim it or write more around it.
  public var isContinuation = false

  public init(_ role: Speaker, _ content: String, fields: JSONObject = [:]) {
    self.role = role
    self.content = content
    self.fields = fields
  }

  /// An answer that is raw text.
  public static func continuation(_ text: String) -> Turn {
    var turn = Turn(.assistant, text)
    turn.isContinuation = true
    return turn
  }

  /// Whether the turn has only a role and a text.
  public var isPlain: Bool { fields.isEmpty }

  /// The JSON message that a chat template reads and that is written to files.
  public var message: JSONObject {
    var message: JSONObject = ["role": .string(role.rawValue), "content": .string(content)]
    for (key, value) in fields { message[key] = value }
    return message
  }
}

extension Turn {
  /// A turn from a JSON message; role and fields may have any value.
  /// - Throws: `Failure(.badData)` if the message has no role, or if its content is not a text, a list of texts, or
  ///   null.
  public init(message: JSONObject) throws {
    var fields = message
    guard let role = fields.removeValue(forKey: "role")?.string else {
      throw Failure(.badData, "a message has no role", remedy: "Give every message a \"role\" and \"content\".")
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
  /// - Throws: `DecodingError` in the same cases as `init(message:)`.
  public init(from decoder: any Decoder) throws {
    do {
      try self.init(message: JSONObject(from: decoder))
    } catch let failure as Failure {
      throw DecodingError.dataCorrupted(.init(codingPath: decoder.codingPath, debugDescription: failure.what))
    }
  }

  public func encode(to encoder: any Encoder) throws { try message.encode(to: encoder) }

  /// The joined texts of `[{"type": "text", "text": …}, …]` or of a list of strings; nil if a part is something else.
  public static func text(ofParts value: JSONValue) -> String? {
    guard let parts = value.array else { return nil }
    let texts = parts.compactMap { part in
      part["type"]?.string == "text" ? part["text"]?.string : part.string
    }
    return texts.count == parts.count ? texts.joined() : nil
  }
}
