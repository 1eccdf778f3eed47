import CSupport

#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#endif

/// What an output descriptor leads to: a person's terminal, or a file or pipe.
public struct Terminal: Sendable, Equatable {
  /// Whether the output is a terminal on which lines can be redrawn.
  public var redraws: Bool
  /// Whether to use colour: a terminal, `NO_COLOR` empty or not set, and not `TERM=dumb`.
  public var colour: Bool
  /// The width in columns; 80 without a terminal.
  public var width: Int

  public init(redraws: Bool, colour: Bool, width: Int) {
    self.redraws = redraws
    self.colour = colour
    self.width = width
  }

  /// Checks `descriptor` and the variables `NO_COLOR` and `TERM`.
  public init(descriptor: Int32) {
    let isTerminal = isatty(descriptor) == 1
    let columns = Int(ts_terminal_width(descriptor))
    self.init(
      isTerminal: isTerminal, columns: columns, noColour: ProcessEnvironment.variable("NO_COLOR"),
      kind: ProcessEnvironment.variable("TERM"))
  }

  init(isTerminal: Bool, columns: Int, noColour: String?, kind: String?) {
    redraws = isTerminal && kind != "dumb"
    colour = redraws && (noColour ?? "").isEmpty
    width = isTerminal && columns > 0 ? columns : 80
  }

  public static var standardOutput: Terminal { Terminal(descriptor: STDOUT_FILENO) }
  public static var standardError: Terminal { Terminal(descriptor: STDERR_FILENO) }

  /// A text style; the raw value is its SGR code.
  public enum Style: Int, Sendable {
    case bold = 1
    case dim = 2
    case red = 31
    case green = 32
    case yellow = 33
    case blue = 34
    case magenta = 35
    case cyan = 36
  }

  /// `text` in `style`, or unchanged without colour.
  public func paint(_ text: String, _ style: Style) -> String {
    colour ? "\u{1B}[\(style.rawValue)m\(text)\u{1B}[0m" : text
  }

  /// Equivalent JSON text without characters that a terminal would interpret: they become escapes. In JSON such
  /// characters occur only inside strings.
  public static func harmlessJSON(_ text: String) -> String {
    var result = String.UnicodeScalarView()
    for scalar in text.unicodeScalars {
      if isObeyed(scalar) && scalar != "\n" {
        let digits = String(scalar.value, radix: 16)
        let zeros = String(repeating: "0", count: 4 - digits.count)
        result.append(contentsOf: "\\u\(zeros)\(digits)".unicodeScalars)
      } else {
        result.append(scalar)
      }
    }
    return String(result)
  }

  private static func isObeyed(_ scalar: Unicode.Scalar) -> Bool {
    switch scalar.value {
    case 0x00...0x1F, 0x7F...0x9F: true
    // Characters that change the direction of the text around them.
    case 0x202A...0x202E, 0x2066...0x2069: true
    default: false
    }
  }

  /// `text` without characters that a terminal would interpret: control characters become "�"; line breaks and tabs
  /// become spaces (line breaks stay with `keepingLines`).
  public static func harmless(_ text: String, keepingLines: Bool = false) -> String {
    var result = String.UnicodeScalarView()
    for scalar in text.unicodeScalars {
      switch scalar {
      case "\n" where keepingLines: result.append(scalar)
      case "\t", "\n", "\r": result.append(" ")
      default: result.append(isObeyed(scalar) ? "\u{FFFD}" : scalar)
      }
    }
    return String(result)
  }
}
