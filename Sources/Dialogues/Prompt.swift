import Support

/// A dialogue that the assistant must continue, and further inputs of the chat template.
///
/// In JSON it is a text if it is one plain user turn, a list of messages if it has only turns,
/// else `{"messages", "tools", "chat_template_kwargs"}`.
public struct Prompt: Hashable, Sendable {
  public var turns: [Turn]
  /// The tools that the assistant may call, in the form that the chat template takes.
  public var tools: [JSONValue]
  /// Additional variables for the chat template, such as `enable_thinking`.
  public var templateArguments: JSONObject

  public init(turns: [Turn], tools: [JSONValue] = [], templateArguments: JSONObject = [:]) {
    self.turns = turns
    self.tools = tools
    self.templateArguments = templateArguments
  }

  /// A prompt of one user turn.
  public init(_ text: String) { self.init(turns: [Turn(.user, text)]) }

  /// Whether the prompt has only turns: no tools and no template arguments.
  public var isPlain: Bool { tools.isEmpty && templateArguments.isEmpty }

  /// The JSON form. The keys of tools and messages keep their order.
  public var json: JSONValue {
    if isPlain, turns.count == 1, turns[0].role == .user, turns[0].isPlain { return .string(turns[0].content) }
    let messages = JSONValue.array(turns.map { .object($0.message) })
    guard !isPlain else { return messages }
    var object: JSONObject = ["messages": messages]
    if !tools.isEmpty { object["tools"] = .array(tools) }
    if !templateArguments.isEmpty { object["chat_template_kwargs"] = .object(templateArguments) }
    return .object(object)
  }
}

extension Prompt: Codable {
  private enum Key: String, CodingKey {
    case messages, tools
    case templateArguments = "chat_template_kwargs"
  }

  public init(from decoder: any Decoder) throws {
    if let container = try? decoder.container(keyedBy: Key.self) {
      self.init(
        turns: try container.decode([Turn].self, forKey: .messages),
        tools: try container.decodeIfPresent([JSONValue].self, forKey: .tools) ?? [],
        templateArguments: try container.decodeIfPresent(JSONObject.self, forKey: .templateArguments) ?? [:])
      return
    }
    let container = try decoder.singleValueContainer()
    if let text = try? container.decode(String.self) {
      self.init(text)
      return
    }
    do {
      self.init(turns: try container.decode([Turn].self))
    } catch DecodingError.typeMismatch(_, let context)
      where context.codingPath.count == decoder.codingPath.count
    {
      throw DecodingError.dataCorruptedError(
        in: container, debugDescription: "a prompt must be a text or a list of {role, content}")
    }
  }

  public func encode(to encoder: any Encoder) throws { try json.encode(to: encoder) }
}
