import Jinja
import Support

extension ChatFormat {
  /// The chat format of a tokenizer in version 2. That version wrote dialogues from fixed pieces; this makes a
  /// template that writes the same text.
  ///
  /// A text is u16 length and UTF-8; a piece is u8 0 and u32 token, or u8 1 and a text.
  ///
  ///     text name, text answer prefix
  ///     u8 flags: 1 closes past answers, 2 has a default system text; then that text if it has one
  ///     7 lists of pieces, each u8 count and the pieces: begin; opening and closing of the turns of
  ///         system, user and assistant
  ///     3 lists of tokens, each u8 count and u32 ids: end tokens, begin of a document, end of a document
  init(version2 reader: inout ByteReader, tokens: [TokenizerDefinition.Token], at place: String) throws {
    let (name, prefix) = (try reader.text(), try reader.text())
    let flags = try reader.checkedNumber(1)
    guard flags < 4 else { throw reader.failure("the chat format has the flags \(flags), over 3") }
    let standing = flags & 2 != 0 ? try reader.text() : nil
    let names = Dictionary(tokens.map { ($0.id, String(decoding: $0.bytes, as: UTF8.self)) }) { first, _ in first }
    func text(of token: Int32) throws -> String {
      guard let name = names[token] else {
        throw reader.failure("the chat format names token \(token), which does not exist")
      }
      return name
    }
    var literals: [String] = []
    for _ in 0..<7 {
      var literal = ""
      for _ in 0..<(try reader.checkedNumber(1)) {
        switch try reader.checkedNumber(1) {
        case 0: literal += try text(of: try reader.token())
        case 1: literal += try reader.text()
        case let kind: throw reader.failure("the chat format has a piece of kind \(kind), over 1")
        }
      }
      literals.append(literal)
    }
    var lists: [[Int32]] = []
    for _ in 0..<3 {
      var list: [Int32] = []
      for _ in 0..<(try reader.checkedNumber(1)) { list.append(try reader.token()) }
      lists.append(list)
    }
    let template = PiecewiseTemplate(
      begin: literals[0], standing: standing, system: (literals[1], literals[2]),
      user: (literals[3], literals[4]), assistant: (literals[5] + prefix, literals[6]),
      opensAnswer: literals[5], end: try lists[0].first.map(text(of:)) ?? "", closesPastAnswers: flags & 1 != 0)
    let chat = try ChatTemplate(
      [.init(name: ChatTemplate.defaultName, text: template.text)], origin: .named, specialTokens: [:],
      date: ChatTemplate.noDate, at: "\(place), chat template")
    self.init(
      name: name, form: .template(chat), endTokens: lists[0], answerPrefix: prefix, documentBegin: lists[1],
      documentEnd: lists[2])
  }
}

/// Builds the template text from fixed texts.
private struct PiecewiseTemplate {
  let begin: String
  let standing: String?
  let system, user, assistant: (open: String, close: String)
  let opensAnswer: String
  let end: String
  let closesPastAnswers: Bool

  var text: String {
    func turn(_ frame: (open: String, close: String)) -> String {
      "\(literal(frame.open)) + message['content'] + \(literal(frame.close))"
    }
    var lines = ["{{- \(literal(begin)) }}"]
    if let standing {
      lines.append(
        "{%- if not messages or messages[0]['role'] != 'system' %}"
          + "{{- \(literal(system.open + standing + system.close)) }}{%- endif %}")
    }
    lines.append("{%- for message in messages %}")
    lines.append("{%- if message['role'] == 'system' %}{{- \(turn(system)) }}")
    lines.append("{%- elif message['role'] == 'user' %}{{- \(turn(user)) }}")
    lines.append("{%- elif message['role'] == 'assistant' %}{{- \(literal(assistant.open)) + message['content'] }}")
    let isLast = "loop.last and not add_generation_prompt"
    lines.append(
      closesPastAnswers
        ? "{{- \(literal(end)) }}{%- if not (\(isLast)) %}{{- \(literal(assistant.close)) }}{%- endif %}"
        : "{%- if \(isLast) %}{{- \(literal(end)) }}{%- else %}{{- \(literal(assistant.close)) }}{%- endif %}")
    lines.append(
      "{%- else %}{{- raise_exception('this format has no turns of the role \"' + message['role'] + '\"') }}")
    lines += ["{%- endif %}", "{%- endfor %}"]
    lines.append("{%- if add_generation_prompt %}{{- \(literal(opensAnswer)) }}{%- endif %}")
    return lines.joined(separator: "\n")
  }

  /// A text as a quoted Jinja literal.
  private func literal(_ text: String) -> String {
    let escaped = text.unicodeScalars.map { scalar in
      switch scalar {
      case "\\": "\\\\"
      case "'": "\\'"
      case "\n": "\\n"
      case "\r": "\\r"
      case "\t": "\\t"
      default: String(scalar)
      }
    }
    return "'\(escaped.joined())'"
  }
}
