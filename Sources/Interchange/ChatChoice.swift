import Jinja
import Support
import Tokenizers

/// The chat template to use for an imported model.
public struct ChatChoice: Sendable {
  public enum Template: Sendable {
    /// The template that came with the model.
    case own
    /// One of `ChatFormat.names`.
    case named(String)
    /// A file with a template.
    case file(String)
  }

  public var template: Template
  /// The result of the template's `strftime_now`.
  public var date: CalendarDate

  public init(_ template: Template = .own, date: CalendarDate) {
    self.template = template
    self.date = date
  }
}

/// Makes the chat format of an imported tokenizer.
struct ChatFormatReader {
  let settings: TokenizerSettings
  let tokens: [TokenizerDefinition.Token]
  /// The tokens that end texts and answers.
  let end: [Int32]
  /// The token that the tokenizer puts before every text.
  let begin: Int32?
  /// Whether the tokenizer splits text like the tokenizers that tinyrlhf trains.
  let isOwn: Bool

  /// - Returns: the format, and notes for the user.
  func format(_ choice: ChatChoice) throws -> (ChatFormat, notes: [String]) {
    switch choice.template {
    case .named(let name): return try named(name, choice)
    case .file(let path):
      let bytes = try Files.read(path, limit: ChatTemplate.longestText)
      guard let text = String(validating: bytes, as: UTF8.self) else {
        throw Failure(.badData, "is not UTF-8", at: path, remedy: "Name the file of a chat template.")
      }
      let source = ChatTemplate.Source(name: ChatTemplate.defaultName, text: text)
      return try made([source], origin: .file, specialTokens: settings.specialTokens, at: path, choice)
    case .own:
      guard !settings.templates.isEmpty else {
        let (format, notes) = try named("plain", choice)
        let names = ChatFormat.names.joined(separator: ", ")
        let missing = "No chat template was found: dialogues are written without roles (plain). Give --chat-format "
          + "(\(names)) or --chat-template FILE if the model has another format."
        return (format, [missing] + notes)
      }
      do {
        return try made(
          settings.templates, origin: settings.templateOrigin, specialTokens: settings.specialTokens,
          at: settings.templatePlace, choice)
      } catch var failure as Failure {
        if failure.remedy == nil {
          failure.remedy = "Give another template with --chat-template FILE, or a known format with --chat-format."
        }
        throw failure
      }
    }
  }

  private func named(_ name: String, _ choice: ChatChoice) throws -> (ChatFormat, notes: [String]) {
    guard let text = ChatFormat.template(named: name) else {
      throw Failure(
        .usage, "the chat format \(name) is unknown",
        remedy: "Choose one of \(ChatFormat.names.joined(separator: ", ")), or give --chat-template FILE.")
    }
    let names = Set(tokens.filter { $0.traits.contains(.added) }.map { String(decoding: $0.bytes, as: UTF8.self) })
    for token in ChatFormat.requiredTokens(ofFormat: name) where !names.contains(token) {
      throw Failure(
        .badData, "the chat format \(name) needs the special token \(token)", at: settings.place,
        remedy: "Choose another of \(ChatFormat.names.joined(separator: ", ")).")
    }
    // These formats begin with the token that the tokenizer puts before every text.
    var special: [String: String] = [:]
    special["bos_token"] = begin.flatMap(text(of:))
    special["eos_token"] = end.first.flatMap(text(of:))
    let source = ChatTemplate.Source(name: ChatTemplate.defaultName, text: text)
    return try made([source], origin: .named, specialTokens: special, at: "chat format \(name)", choice, name: name)
  }

  private func text(of id: Int32) -> String? {
    tokens.first { $0.id == id }.map { String(decoding: $0.bytes, as: UTF8.self) }
  }

  private func made(
    _ sources: [ChatTemplate.Source], origin: ChatTemplate.Origin, specialTokens special: [String: String],
    at place: String, _ choice: ChatChoice, name: String = "template"
  ) throws -> (ChatFormat, notes: [String]) {
    let template = try ChatTemplate(sources, origin: origin, specialTokens: special, date: choice.date, at: place)
    let probe = TemplateProbe(template)
    if isOwn, probe.isTinyrlhf { return (.tinyrlhf, []) }
    var notes: [String] = []
    if sources.count > 1 {
      let names = sources.map(\.name).joined(separator: ", ")
      let tools =
        sources.contains { $0.name == ChatTemplate.toolName } ? "; tool_use is used for dialogues with tools" : ""
      notes.append(
        "There are \(sources.count) chat templates (\(names)); the one with the name default is used\(tools).")
    }
    if let problem = probe.problem { notes.append("The chat template cannot write a question and its answer: \(problem).") }
    let ends = endTokens(probe, &notes)
    let separator = Array(end.prefix(1))
    return (
      ChatFormat(
        name: name, template: template, endTokens: ends, answerPrefix: probe.answerPrefix,
        documentBegin: begin.map { [$0] } ?? separator, documentEnd: separator),
      notes
    )
  }

  /// The settings' end tokens; the one that the template writes after an answer comes first. If the template writes
  /// none of them, the last special token that it writes after an answer is added.
  private func endTokens(_ probe: TemplateProbe, _ notes: inout [String]) -> [Int32] {
    guard let tail = probe.tail else { return end }
    func place(_ id: Int32) -> Range<String.Index>? { text(of: id).flatMap { tail.firstRange(of: $0) } }
    let written = end.filter { place($0) != nil }
      .min { place($0)!.lowerBound < place($1)!.lowerBound }
    if let written { return [written] + end.filter { $0 != written } }
    let special = tokens.filter { $0.traits.contains(.special) && !$0.bytes.isEmpty }
    let last = special.filter { place($0.id) != nil }
      .max { place($0.id)!.upperBound < place($1.id)!.upperBound }
    guard let last else {
      notes.append(
        "The chat template writes no special token after an answer: "
          + "answers in dialogues are learnt without an end token.")
      return end
    }
    let name = String(decoding: last.bytes, as: UTF8.self)
    notes.append("\(name) ends an answer, because the chat template writes it there; the settings do not name it.")
    return [last.id] + end
  }
}
