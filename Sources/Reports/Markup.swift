/// Functions that write HTML that is also well-formed XML.
enum Markup {
  /// `text` as the content of an element or of a quoted attribute.
  static func escape(_ text: String) -> String {
    var result = ""
    for scalar in text.unicodeScalars {
      switch scalar {
      case "&": result += "&amp;"
      case "<": result += "&lt;"
      case ">": result += "&gt;"
      case "\"": result += "&quot;"
      case "'": result += "&#39;"
      case "\n", "\t": result.unicodeScalars.append(scalar)
      // HTML does not allow control characters; they are shown as U+FFFD.
      case _ where scalar.value < 0x20 || (0x7F...0x9F).contains(scalar.value):
        result += "\u{FFFD}"
      default: result.unicodeScalars.append(scalar)
      }
    }
    return result
  }

  /// An element whose content is already markup.
  static func element(
    _ name: String, _ attributes: [(String, String)] = [], _ content: String
  ) -> String {
    "<\(name)\(list(attributes))>\(content)</\(name)>"
  }

  /// An element around plain text.
  static func text(
    _ name: String, _ attributes: [(String, String)] = [], _ text: String
  ) -> String {
    element(name, attributes, escape(text))
  }

  /// An element without content.
  static func empty(_ name: String, _ attributes: [(String, String)] = []) -> String {
    "<\(name)\(list(attributes)) />"
  }

  private static func list(_ attributes: [(String, String)]) -> String {
    attributes.map { " \($0.0)=\"\(escape($0.1))\"" }.joined()
  }
}
