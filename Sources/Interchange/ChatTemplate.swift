import Tokenizers

/// A chat format as a Jinja template, with which `apply_chat_template` gives what `encode(dialogue:)`
/// gives, and with `add_generation_prompt` what `encode(prompt:)` gives.
struct ChatTemplate {
  private let format: ChatFormat
  private let names: [Int32: [UInt8]]

  init(_ format: ChatFormat, _ names: [Int32: [UInt8]]) {
    self.format = format
    self.names = names
  }

  var text: String {
    var lines: [String] = []
    if !format.begin.isEmpty { lines.append("{{- \(literal(format.begin)) }}") }
    if let standing = format.standingSystem {
      let turn = literal(format.system.open + [.text(standing)] + format.system.close)
      lines.append("{%- if not messages or messages[0]['role'] != 'system' %}{{- \(turn) }}{%- endif %}")
    }
    lines.append("{%- for message in messages %}")
    lines.append("{%- if message['role'] == 'system' %}{{- \(turn(format.system)) }}")
    lines.append("{%- elif message['role'] == 'user' %}{{- \(turn(format.user)) }}")
    let open = literal(format.assistant.open + [.text(format.answerPrefix)])
    lines.append("{%- elif message['role'] == 'assistant' %}{{- \(open) + message['content'] }}")
    let end = literal(format.endTokens.prefix(1).map { .token($0) })
    let close = literal(format.assistant.close)
    if format.closesPastAnswers {
      lines.append("{{- \(end) }}{%- if not loop.last or add_generation_prompt %}{{- \(close) }}{%- endif %}")
    } else {
      lines.append(
        "{%- if loop.last and not add_generation_prompt %}{{- \(end) }}{%- else %}{{- \(close) }}{%- endif %}")
    }
    lines.append("{%- endif %}")
    lines.append("{%- endfor %}")
    lines.append("{%- if add_generation_prompt %}{{- \(literal(format.assistant.open)) }}{%- endif %}")
    return lines.joined(separator: "\n")
  }

  private func turn(_ frame: ChatFormat.Frame) -> String {
    "\(literal(frame.open)) + message['content'] + \(literal(frame.close))"
  }

  /// Pieces as one text in Jinja's quotes.
  private func literal(_ pieces: [ChatFormat.Piece]) -> String {
    let text = pieces.map { piece in
      switch piece {
      case .text(let text): text
      case .token(let token): String(decoding: names[token] ?? [], as: UTF8.self)
      }
    }.joined()
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
