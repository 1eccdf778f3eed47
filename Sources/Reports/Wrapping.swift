import Support

/// Wraps plain text for a terminal of a given width.
enum Wrapping {
  /// Splits text into lines that fit the width. Control characters are removed, so that a model's text cannot control
  /// the terminal.
  static func lines(_ text: String, width: Int, indent: Int = 0) -> [String] {
    let margin = String(repeating: " ", count: indent)
    let room = max(width - indent, 20)
    var lines: [String] = []
    for paragraph in Terminal.harmless(text, keepingLines: true).split(
      separator: "\n", omittingEmptySubsequences: false)
    {
      var line = ""
      for word in paragraph.split(separator: " ") {
        var word = String(word)
        if !line.isEmpty && line.count + 1 + word.count > room {
          lines.append(line)
          line = ""
        }
        while word.count > room {
          lines.append(String(word.prefix(room)))
          word = String(word.dropFirst(room))
        }
        line += (line.isEmpty ? "" : " ") + word
      }
      lines.append(line)
    }
    return lines.map { margin + $0 }
  }
}
