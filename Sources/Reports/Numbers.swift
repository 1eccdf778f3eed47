import Support

/// Formats all numbers of the report in one way.
enum Numbers {
  /// The format of a quantity.
  enum Style: Equatable {
    /// This number of decimals.
    case decimal(Int)
    /// A share of 1 as "71.2 %".
    case percent
  }

  static let absent = "–"

  static func text(_ value: Double?, _ style: Style) -> String {
    guard let value, value.isFinite else { return absent }
    switch style {
    case .decimal(let places): return decimal(value, places)
    case .percent: return decimal(value * 100, 1) + "\u{A0}%"
    }
  }

  /// Numbers from this size on are written in scientific notation.
  private static let large = 1e9

  /// `places` decimals; scientific notation for large numbers.
  static func decimal(_ value: Double, _ places: Int) -> String {
    abs(value) < large ? minus(Formatting.fixed(value, places)) : scientific(value)
  }

  /// A value with about three significant digits, as at the end of a curve.
  static func short(_ value: Double) -> String {
    guard value.isFinite else { return absent }
    let size = abs(value)
    if size >= 100_000 || (size > 0 && size < 0.0005) { return scientific(value) }
    let places = size >= 100 ? 0 : size >= 10 ? 1 : size >= 1 ? 2 : size >= 0.1 ? 3 : 4
    return minus(Formatting.fixed(value, places))
  }

  /// "1.5×10⁻⁵".
  static func scientific(_ value: Double) -> String {
    guard value.isFinite else { return absent }
    guard value != 0 else { return "0" }
    var (mantissa, exponent) = (abs(value), 0)
    while mantissa >= 10 { (mantissa, exponent) = (mantissa / 10, exponent + 1) }
    while mantissa < 1 { (mantissa, exponent) = (mantissa * 10, exponent - 1) }
    if mantissa >= 9.95 { (mantissa, exponent) = (1, exponent + 1) }
    let digits = Array("⁰¹²³⁴⁵⁶⁷⁸⁹")
    let power = String(String(abs(exponent)).map { digits[$0.wholeNumberValue!] })
    var text = Formatting.fixed(mantissa, 1)
    if text.hasSuffix(".0") { text = String(text.dropLast(2)) }
    return (value < 0 ? "−" : "") + text + "×10" + (exponent < 0 ? "⁻" : "") + power
  }

  /// "12,480".
  static func count(_ value: Int) -> String {
    let digits = Array(String(value.magnitude))
    var text = ""
    for (index, digit) in digits.enumerated() {
      if index > 0 && (digits.count - index) % 3 == 0 { text.append(",") }
      text.append(digit)
    }
    return (value < 0 ? "−" : "") + text
  }

  /// Rounds to a whole number and formats it like "12,480"; scientific notation for large numbers.
  static func count(_ value: Double) -> String {
    abs(value) < large ? count(Int(nearest: value)) : scientific(value)
  }

  static func minus(_ text: String) -> String {
    text.hasPrefix("-") ? "−" + text.dropFirst() : text
  }
}
