/// What a chat template writes between two of its statements, in the order of the file: texts as they are,
/// and marks where a turn's role and content stand.
///
/// It is no Jinja: nothing is computed. What it cannot read becomes `other`, which no known format has.
struct TemplateOutput {
  static let content = "\u{E000}"
  static let role = "\u{E001}"
  static let other = "\u{E002}"
  /// The variable `content`, until it is known what it is.
  private static let variable = "\u{E003}"

  struct Segment: Equatable {
    /// The statement before it, such as `if tools`.
    let statement: String
    let text: String
  }

  private(set) var segments: [Segment] = []
  private let names: [String: String]

  /// - Parameters:
  ///   - begin, end: what stands for `bos_token` and `eos_token`.
  init(_ template: String, begin: String?, end: String?) {
    var names = ["content": Self.variable, "bos_token": begin ?? Self.other, "eos_token": end ?? Self.other]
    for turn in ["message", "messages[0]"] {
      for (key, mark) in [("content", Self.content), ("role", Self.role)] {
        names["\(turn).\(key)"] = mark
        names["\(turn)['\(key)']"] = mark
      }
    }
    self.names = names
    read(Array(template.replacing("\r\n", with: "\n").utf8))
  }

  private mutating func read(_ bytes: [UInt8]) {
    var (statement, text, literal) = ("", "", [UInt8]())
    var (next, isChanged) = (0, false)
    func keepLiteral() {
      text += String(decoding: literal, as: UTF8.self)
      literal = []
    }
    func isSpace(_ byte: UInt8) -> Bool { [0x20, 0x09, 0x0A, 0x0D].contains(byte) }
    while next < bytes.count {
      guard bytes[next] == UInt8(ascii: "{"), next + 1 < bytes.count, "{%#".utf8.contains(bytes[next + 1])
      else {
        literal.append(bytes[next])
        next += 1
        continue
      }
      guard let tag = Tag(bytes, at: next) else {
        segments = []
        return
      }
      // transformers trims as trim_blocks and lstrip_blocks say.
      if tag.trimsBefore {
        while let last = literal.last, isSpace(last) { literal.removeLast() }
      } else if tag.kind != .output {
        var first = next
        while first > 0, [0x20, 0x09].contains(bytes[first - 1]) { first -= 1 }
        if first == 0 || bytes[first - 1] == 0x0A { literal.removeLast(min(literal.count, next - first)) }
      }
      keepLiteral()
      next = tag.end
      if tag.trimsAfter {
        while next < bytes.count, isSpace(bytes[next]) { next += 1 }
      } else if tag.kind != .output, next < bytes.count, bytes[next] == 0x0A {
        next += 1
      }
      switch tag.kind {
      case .comment: break
      case .output: text += value(tag.body)
      case .statement:
        segments.append(Segment(statement: statement, text: text))
        (statement, text) = (tag.body, "")
        guard tag.body.hasPrefix("set "), let equals = tag.body.firstIndex(of: "=") else { continue }
        let assigned = value(tag.body[tag.body.index(after: equals)...])
        segments.append(Segment(statement: statement, text: assigned))
        if tag.body[..<equals].dropFirst(4).trimmed == "content", assigned.count > 1 { isChanged = true }
      }
    }
    keepLiteral()
    segments.append(Segment(statement: statement, text: text))
    let variable = isChanged ? Self.other : Self.content
    segments = segments.map {
      Segment(statement: $0.statement, text: $0.text.replacing(Self.variable, with: variable))
    }
  }

  /// What a sum of texts and names writes.
  private func value(_ expression: some StringProtocol) -> String {
    var operands = [""]
    var (depth, quote, isEscaped) = (0, Character?.none, false)
    for character in expression {
      if let open = quote {
        if !isEscaped, character == open { quote = nil }
        isEscaped = !isEscaped && character == "\\"
      } else {
        switch character {
        case "'", "\"": quote = character
        case "(", "[", "{": depth += 1
        case ")", "]", "}": depth -= 1
        case "+", "~":
          if depth == 0 {
            operands.append("")
            continue
          }
        default: break
        }
      }
      operands[operands.count - 1].append(character)
    }
    return operands.map { operand($0.trimmed) }.joined()
  }

  private func operand(_ text: String) -> String {
    if let quote = text.first, quote == "'" || quote == "\"" { return literal(text, quote) ?? Self.other }
    var name = text.replacing("\"", with: "'").filter { !$0.isWhitespace }
    for suffix in ["|trim", ".strip()"] where name.hasSuffix(suffix) { name.removeLast(suffix.count) }
    return names[name] ?? Self.other
  }

  private static let escapes: [Character: String] = ["n": "\n", "t": "\t", "r": "\r"]

  /// A text in quotes, and nothing behind it.
  private func literal(_ quoted: String, _ quote: Character) -> String? {
    var (text, isEscaped) = ("", false)
    var rest = quoted.dropFirst()
    while let character = rest.popFirst() {
      if isEscaped {
        text += Self.escapes[character] ?? String(character)
        isEscaped = false
      } else if character == "\\" {
        isEscaped = true
      } else if character == quote {
        return rest.isEmpty ? text : nil
      } else {
        text.append(character)
      }
    }
    return nil
  }

  /// `{{ … }}`, `{% … %}` or `{# … #}`.
  private struct Tag {
    enum Kind { case output, statement, comment }
    let kind: Kind
    let body: String
    let trimsBefore: Bool
    let trimsAfter: Bool
    /// Behind it.
    let end: Int

    /// - Returns: nil for one that is not closed.
    init?(_ bytes: [UInt8], at start: Int) {
      let closing: UInt8
      switch bytes[start + 1] {
      case UInt8(ascii: "{"): (kind, closing) = (.output, UInt8(ascii: "}"))
      case UInt8(ascii: "%"): (kind, closing) = (.statement, UInt8(ascii: "%"))
      case UInt8(ascii: "#"): (kind, closing) = (.comment, UInt8(ascii: "#"))
      default: return nil
      }
      var (index, quote) = (start + 2, UInt8?.none)
      while index + 1 < bytes.count {
        let byte = bytes[index]
        if let open = quote {
          if byte == UInt8(ascii: "\\") { index += 1 } else if byte == open { quote = nil }
        } else if byte == closing, bytes[index + 1] == UInt8(ascii: "}") {
          break
        } else if kind != .comment, byte == UInt8(ascii: "'") || byte == UInt8(ascii: "\"") {
          quote = byte
        }
        index += 1
      }
      guard index + 1 < bytes.count else { return nil }
      var inner = bytes[start + 2..<index]
      trimsBefore = inner.first == UInt8(ascii: "-")
      if trimsBefore { inner = inner.dropFirst() }
      trimsAfter = inner.last == UInt8(ascii: "-")
      if trimsAfter { inner = inner.dropLast() }
      body = String(decoding: inner, as: UTF8.self).trimmed
      end = index + 2
    }
  }
}

extension StringProtocol {
  /// Without white space at both ends.
  fileprivate var trimmed: String {
    var text = self[...]
    while text.first?.isWhitespace == true { text = text.dropFirst() }
    while text.last?.isWhitespace == true { text = text.dropLast() }
    return String(text)
  }
}
