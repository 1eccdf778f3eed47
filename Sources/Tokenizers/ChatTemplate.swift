import Dialogues
import Jinja
import Support

/// A model's chat templates and the values to render them with.
///
/// A template is run as transformers' `apply_chat_template` runs it. Each character of the result is marked by its
/// origin: the last message, another part of the dialogue, or the template.
public struct ChatTemplate: Sendable {
  /// A template and its name.
  public struct Source: Equatable, Sendable {
    public var name: String
    public var text: String

    public init(name: String, text: String) {
      self.name = name
      self.text = text
    }
  }

  /// The place where the templates were found; an export writes them to the same place.
  public enum Origin: UInt8, CaseIterable, Sendable {
    /// One of `ChatFormat.names`.
    case named
    /// `chat_template.jinja`, and others as `additional_chat_templates/NAME.jinja`.
    case files
    /// The key `chat_template` of `tokenizer_config.json`: a text, or a list of named templates.
    case configuration, configurationList
    /// `tokenizer.chat_template` of a GGUF file.
    case gguf
    /// A file that the user named.
    case file
  }

  public let origin: Origin
  public let sources: [Source]
  /// Special tokens as transformers passes them to a template: `bos_token` → `<s>`.
  public let specialTokens: [String: String]
  /// The date for `strftime_now`; `noDate` if no template uses it.
  public let date: CalendarDate
  private let templates: [String: Template]
  /// Whether a message's content may be a list of parts, by template.
  private let takesParts: [String: Bool]

  /// The date stored if no template uses a date, so that imports on different days give the same bytes.
  static let noDate = CalendarDate(year: 1970, month: 1, day: 1)

  /// The name of the template used by default.
  public static let defaultName = "default"
  /// The name of the template used for dialogues with tools.
  public static let toolName = "tool_use"

  /// - Throws: `Failure(.badData)` if a template uses something that the renderer does not support (with its name,
  ///   line and column), if a template takes more than the limits for a dialogue of a few words, or if none of several
  ///   templates is named default.
  public init(
    _ sources: [Source], origin: Origin, specialTokens: [String: String], date: CalendarDate,
    at place: String
  ) throws {
    self.origin = origin
    self.sources = sources
    self.specialTokens = specialTokens
    self.date = sources.contains { $0.text.contains("strftime_now") } ? date : Self.noDate
    guard sources.contains(where: { $0.name == Self.defaultName }) else {
      let names = sources.map(\.name).joined(separator: ", ")
      throw Failure(
        .badData, "there is no chat template with the name default: \(names.isEmpty ? "there is none" : names)",
        at: place, remedy: "Choose one with --chat-template FILE.")
    }
    var templates: [String: Template] = [:]
    for source in sources {
      guard templates[source.name] == nil else {
        throw Failure(
          .badData, "two chat templates have the name \(source.name)", at: place,
          remedy: "Choose one with --chat-template FILE.")
      }
      let name = sources.count == 1 ? place : "\(place), template \(source.name)"
      templates[source.name] = try Template(source.text, name: name)
    }
    self.templates = templates
    takesParts = try templates.mapValues { [date = self.date] template in
      try Failure.locating(place) { try Self.takesParts(template, specialTokens, date) }
    }
  }

  /// The template that renders a prompt: `tool_use` if it exists and the prompt has tools, else `default`.
  public func name(for prompt: Prompt) -> String {
    !prompt.tools.isEmpty && templates[Self.toolName] != nil ? Self.toolName : Self.defaultName
  }

  /// Whether the template marks answers with `{% generation %}`.
  func marksAnswers(of prompt: Prompt) -> Bool { templates[name(for: prompt)]!.hasGeneration }

  /// The keys of a prompt and its answers that the template does not read.
  public func unread(_ prompt: Prompt, _ answers: [Turn]) -> [String] {
    let template = templates[name(for: prompt)]!
    var keys: [String] = []
    if !prompt.tools.isEmpty, !template.variables.contains("tools") { keys.append("tools") }
    for (key, _) in prompt.templateArguments
    where !template.variables.contains(key) || Self.reserved.contains(key) {
      keys.append("chat_template_kwargs.\(key)")
    }
    for turn in prompt.turns + answers where !turn.isPlain {
      for (key, _) in turn.fields where key != "content" && !Self.reads(key, template) {
        let name = "messages[].\(key)"
        if !keys.contains(name) { keys.append(name) }
      }
    }
    return keys
  }

  private static func reads(_ key: String, _ template: Template) -> Bool {
    let names = Turn.reasoningKeys.contains(key) ? ["reasoning_content", "thinking"] + [key] : [key]
    return names.contains(where: template.attributes.contains)
  }

  /// Renders the text of a dialogue.
  ///
  /// - Parameters:
  ///   - answers: whether the text ends with the opening of an answer (`add_generation_prompt`).
  ///   - verbatim: passes contents in parts as parts, even to a template that only reads texts.
  ///   - limits: of the time and the text; `probing` for a dialogue of a few words.
  /// - Throws: `Failure(.badData)` with the template's own message, or with the error that occurred in it.
  public func render(_ prompt: Prompt, answers: Bool, verbatim: Bool = false, limits: Limits = Limits()) throws
    -> RenderedDialogue
  {
    let name = name(for: prompt)
    let parts = verbatim || takesParts[name]!
    let messages = prompt.turns.enumerated().map { index, turn in
      let isLast = index == prompt.turns.count - 1
      return turn.value(origin: isLast ? RenderedDialogue.lastMessage : RenderedDialogue.messages, parts: parts)
    }
    let text = try Self.render(
      templates[name]!, messages, tools: prompt.tools, arguments: prompt.templateArguments,
      answers: answers, specialTokens: specialTokens, date: date, limits: limits)
    return RenderedDialogue(text.runs)
  }

  /// Limits for a dialogue of a few words, of which real templates make a few thousand characters at most. Such dialogues
  /// are rendered several times whenever a model is opened.
  static let probing = Limits(steps: 200_000, output: 100_000)

  /// Variables that a dialogue's arguments cannot set.
  private static let reserved: Set<String> = ["messages", "tools", "documents", "add_generation_prompt"]

  private static func render(
    _ template: Template, _ messages: [Value], tools: [JSONValue] = [], arguments: JSONObject = [:],
    answers: Bool, specialTokens: [String: String], date: CalendarDate, limits: Limits
  ) throws -> Text {
    var variables: [(String, Value)] = [
      ("messages", .list(messages)),
      ("tools", tools.isEmpty ? .none : .list(tools.map { Value($0, origin: RenderedDialogue.tools) })),
      ("documents", .none), ("add_generation_prompt", .bool(answers)),
    ]
    // As in transformers, a dialogue's own arguments override the special tokens' names.
    for (key, token) in specialTokens.sorted(by: { $0.key < $1.key }) where arguments[key] == nil {
      variables.append((key, .text(token)))
    }
    for (key, value) in arguments where !reserved.contains(key) {
      variables.append((key, Value(value, origin: RenderedDialogue.tools)))
    }
    do {
      return try template.render(variables, limits: limits, date: date)
    } catch var failure as Failure {
      // The place of an error is the data row. For an error in the template, its position is added to the message.
      if let place = failure.place, !failure.what.hasPrefix("the chat template says: ") {
        failure.what = "the chat template fails at \(place.split(separator: "/").last ?? ""): \(failure.what)"
      }
      failure.place = nil
      throw failure
    }
  }

  /// Whether the template handles a content in parts: it renders the same as the plain text, or it writes the texts
  /// of the parts and nothing else from the message.
  /// - Throws: `Failure(.badData)` if the template takes more than `probing`.
  private static func takesParts(
    _ template: Template, _ specialTokens: [String: String], _ date: CalendarDate
  ) throws -> Bool {
    let text = "a b"
    let part: JSONObject = ["type": .string("text"), "text": .string(text)]
    let turns = [Turn(.user, text), Turn(.user, text, fields: ["content": .array([.object(part)])])]
    let shown = try turns.map { turn -> Text? in
      let message = turn.value(origin: RenderedDialogue.lastMessage, parts: true)
      do {
        return try render(
          template, [message], answers: true, specialTokens: specialTokens, date: date, limits: probing)
      } catch let failure as Failure where failure.code != .templateLimit {
        return nil
      }
    }
    guard let parts = shown[1] else { return false }
    let said = parts.runs.filter { $0.origin == RenderedDialogue.lastMessage }.map(\.text).joined()
    return shown[0]?.string == parts.string || said == text
  }
}

extension ChatTemplate: Equatable {
  public static func == (left: ChatTemplate, right: ChatTemplate) -> Bool {
    left.origin == right.origin && left.sources == right.sources && left.date == right.date
      && left.specialTokens == right.specialTokens
  }
}

/// The text that a template made from a dialogue, as UTF-8, with the origin of its bytes.
public struct RenderedDialogue: Sendable {
  /// The origins of text from a dialogue: its last message; other messages; tools and other variables.
  static let (lastMessage, messages, tools) = (1, 2, 3)

  public private(set) var bytes: [UInt8] = []
  /// The byte ranges that came from a dialogue, with their origin; ranges may be adjacent.
  private(set) var data: [(range: Range<Int>, origin: Int)] = []
  /// The byte ranges inside `{% generation %}`.
  private(set) var generated: [Range<Int>] = []

  init(_ runs: [Text.Run]) {
    for run in runs {
      let start = bytes.count
      bytes += run.text.utf8
      if run.origin != 0 { data.append((start..<bytes.count, run.origin)) }
      guard run.isGeneration else { continue }
      if let last = generated.last, last.upperBound == start {
        generated[generated.count - 1] = last.lowerBound..<bytes.count
      } else {
        generated.append(start..<bytes.count)
      }
    }
  }

  public var text: String { String(decoding: bytes, as: UTF8.self) }

  /// The range from the first to the last byte of the last message; nil if the template does not show it.
  var extentOfLastMessage: Range<Int>? {
    let own = data.filter { $0.origin == Self.lastMessage }
    guard let first = own.first, let last = own.last else { return nil }
    return first.range.lowerBound..<last.range.upperBound
  }

  /// The text cut to its first `count` bytes.
  func prefix(_ count: Int) -> RenderedDialogue {
    var copy = self
    copy.bytes = Array(bytes[..<count])
    copy.data = data.filter { $0.range.lowerBound < count }.map { ($0.range.clamped(to: 0..<count), $0.origin) }
    copy.generated = generated.filter { $0.lowerBound < count }.map { $0.clamped(to: 0..<count) }
    return copy
  }

  /// This text, followed by the bytes of another text from `start` on.
  func followed(by other: RenderedDialogue, from start: Int) -> RenderedDialogue {
    var copy = self
    let shift = bytes.count - start
    copy.bytes += other.bytes[start...]
    copy.data += other.data.filter { $0.range.upperBound > start }.map {
      (max($0.range.lowerBound, start) + shift..<$0.range.upperBound + shift, $0.origin)
    }
    copy.generated += other.generated.filter { $0.upperBound > start }.map {
      max($0.lowerBound, start) + shift..<$0.upperBound + shift
    }
    return copy
  }
}

extension Turn {
  /// The keys under which data may store a message's reasoning.
  fileprivate static let reasoningKeys = ["reasoning_content", "thinking", "reasoning"]

  /// The message as the template receives it.
  ///
  /// - Parameters:
  ///   - origin: the origin of the message's texts.
  ///   - parts: whether a content in parts stays a list.
  fileprivate func value(origin: Int, parts: Bool) -> Value {
    var message = fields
    if !parts { message["content"] = nil }
    // A role counts as written by the template, because templates put it inside the name of a special token. A role
    // that is not a simple word counts as data.
    let isWord = role.rawValue.utf8.allSatisfy { (0x61...0x7A).contains($0 | 0x20) || $0 == 0x5F }
    var mapping = Mapping([])
    // transformers passes reasoning under the key that most templates read, and under gpt-oss's key, which comes first.
    if let reasoning = Self.reasoningKeys.lazy.compactMap({ self.fields[$0] }).first(where: { !$0.isNull }) {
      if message["thinking"] == nil { mapping.set(Text("thinking"), Value(reasoning, origin: origin)) }
      message["reasoning_content"] = reasoning
    }
    mapping.set(Text("role"), .text(Text(role.rawValue, origin: isWord ? 0 : origin)))
    if message["content"] == nil { mapping.set(Text("content"), .text(Text(content, origin: origin))) }
    for (key, value) in message { mapping.set(Text(key, origin: origin), Value(value, origin: origin)) }
    return .mapping(mapping)
  }
}

extension Value {
  /// A JSON value as the corresponding Python value. Keys have the same origin as the values, because `tojson` writes
  /// them.
  init(_ json: JSONValue, origin: Int) {
    switch json {
    case .null: self = .none
    case .bool(let value): self = .bool(value)
    case .integer(let value): self = .integer(value)
    case .unsigned(let value): self = .float(Double(value))
    case .number(let value): self = .float(value)
    case .string(let value): self = .text(Text(value, origin: origin))
    case .array(let values): self = .list(values.map { Value($0, origin: origin) })
    case .object(let object):
      var mapping = Mapping()
      for (key, value) in object { mapping.set(Text(key, origin: origin), Value(value, origin: origin)) }
      self = .mapping(mapping)
    }
  }
}
