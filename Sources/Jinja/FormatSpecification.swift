import Support

/// The format of a value, for both `%` and `str.format`.
struct FormatSpecification {
  var fill: UInt32 = 0x20
  /// "<", ">", "^" or "="; nil for the default of the type.
  var alignment: Character?
  /// "+", " " or "-".
  var sign: Character = "-"
  var isAlternate = false
  var grouping: Character?
  var width = 0
  var precision: Int?
  var type: Character?

  /// Formats a finite or infinite number by its type.
  func text(_ number: Double) -> String? {
    let kind = type ?? "g"
    if !number.isFinite {
      let name = number.isNaN ? "nan" : "inf"
      return kind.isUppercase ? name.uppercased() : name
    }
    let places = precision ?? 6
    guard places <= 1000 else { return nil }
    let decimal = Decimal(number)
    let digits: String
    switch kind {
    case "f", "F": digits = grouped(decimal.fixed(places))
    case "e", "E": digits = decimal.scientific(places)
    case "g", "G": digits = decimal.general(places, keepsZeros: isAlternate)
    case "%": digits = Decimal(number * 100).fixed(places) + "%"
    default: return nil
    }
    return kind == "E" || kind == "G" ? digits.uppercased() : digits
  }

  func text(_ number: Int) -> String? {
    let digits: String
    switch type ?? "d" {
    case "d", "i", "u", "n": digits = grouped(String(number.magnitude))
    case "x": digits = (isAlternate ? "0x" : "") + String(number.magnitude, radix: 16)
    case "X": digits = (isAlternate ? "0X" : "") + String(number.magnitude, radix: 16).uppercased()
    case "o": digits = (isAlternate ? "0o" : "") + String(number.magnitude, radix: 8)
    case "b": digits = (isAlternate ? "0b" : "") + String(number.magnitude, radix: 2)
    default: return nil
    }
    return digits
  }

  private func grouped(_ digits: String) -> String {
    guard let grouping else { return digits }
    let whole = digits.prefix { $0 != "." }
    var text = ""
    for (index, digit) in whole.enumerated() {
      if index > 0, (whole.count - index) % 3 == 0 { text.append(grouping) }
      text.append(digit)
    }
    return text + digits.dropFirst(whole.count)
  }

  /// The digits of a number with its sign, padded to the width.
  func padded(number digits: String, isNegative: Bool, _ renderer: Renderer) throws -> Text {
    let shown = isNegative ? "-" : sign == "-" ? "" : String(sign)
    if alignment == "=" {
      let missing = width - shown.count - digits.count
      let filled = try Text(digits).padded(left: missing, right: 0, fill: fill, renderer)
      return Text(units: Text(shown).units + filled.units)
    }
    return try padded(Text(shown + digits), fallback: ">", renderer)
  }

  func padded(_ text: Text, fallback: Character, _ renderer: Renderer) throws -> Text {
    let missing = width - text.count
    switch alignment ?? fallback {
    case "<": return try text.padded(left: 0, right: missing, fill: fill, renderer)
    case "^":
      guard missing > 0 else { return text }
      return try text.padded(left: missing / 2, right: missing - missing / 2, fill: fill, renderer)
    default: return try text.padded(left: missing, right: 0, fill: fill, renderer)
    }
  }
}
