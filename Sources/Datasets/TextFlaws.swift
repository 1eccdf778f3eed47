/// Flaws of a text in training data.
public struct TextFlaws: OptionSet, Sendable {
  public let rawValue: Int
  public init(rawValue: Int) { self.rawValue = rawValue }

  /// Control characters other than tab, line feed and carriage return.
  public static let controls = TextFlaws(rawValue: 1)
  /// U+FFFD, which some program wrote instead of invalid UTF-8.
  public static let replacements = TextFlaws(rawValue: 2)

  public init(_ text: String) {
    self = []
    var text = text
    text.withUTF8 { bytes in
      var (before, last): (UInt8, UInt8) = (0, 0)
      for byte in bytes {
        switch byte {
        case 0x00...0x08, 0x0B, 0x0C, 0x0E...0x1F, 0x7F: insert(.controls)
        // U+0080…U+009F
        case 0x80...0x9F where last == 0xC2: insert(.controls)
        case 0xBD where before == 0xEF && last == 0xBF: insert(.replacements)
        default: break
        }
        (before, last) = (last, byte)
      }
    }
  }
}

extension String {
  /// Whether an answer seems to have been cut off: it has at least the length of a sentence and ends with a letter, a
  /// comma or a hyphen.
  public var seemsCut: Bool {
    guard utf8.count >= 80 else { return false }
    let last = unicodeScalars.last { !$0.properties.isWhitespace }
    return last.map { $0.properties.isAlphabetic || $0 == "," || $0 == "-" } ?? false
  }
}
