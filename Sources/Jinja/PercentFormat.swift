import Support

// Python's `text % values`.
extension Renderer {
  func percentFormat(_ format: Text, _ values: Value) throws -> Text {
    var run = PercentFormat(self, format, values)
    return try run.text()
  }
}

private struct PercentFormat {
  private let renderer: Renderer
  private let format: Text
  private let values: Value
  private let listed: [Value]
  private var used = 0
  private var place = 0
  private var isNamed = false

  init(_ renderer: Renderer, _ format: Text, _ values: Value) {
    (self.renderer, self.format, self.values) = (renderer, format, values)
    if case .tuple(let list) = values { listed = list.items } else { listed = [values] }
  }

  mutating func text() throws -> Text {
    var result: [UInt32] = []
    while place < format.count {
      let unit = format.units[place]
      place += 1
      if Text.value(unit) == 0x25 {
        let piece = try directive()
        try renderer.requireLength(result.count + piece.count)
        result += piece.units
      } else {
        result.append(unit)
      }
    }
    try renderer.chargeText(result.count)
    if !isNamed, used < listed.count {
      switch values {
      case .mapping, .list, .range, .view: break
      default: throw renderer.failure("the format has no place for all values")
      }
    }
    return format.with(result)
  }

  private mutating func next() throws -> Character {
    guard place < format.count else { throw renderer.failure("the format is incomplete") }
    defer { place += 1 }
    return Character(Text.scalar(format.units[place]))
  }

  private mutating func argument() throws -> Value {
    guard used < listed.count else { throw renderer.failure("the format needs more values") }
    used += 1
    return listed[used - 1]
  }

  private mutating func named() throws -> Value? {
    guard place < format.count, Text.value(format.units[place]) == 0x28 else { return nil }
    let start = place + 1
    var depth = 0
    repeat {
      switch try next() {
      case "(": depth += 1
      case ")": depth -= 1
      default: break
      }
    } while depth > 0
    guard case .mapping(let mapping) = values else {
      throw renderer.failure("the format needs a mapping")
    }
    isNamed = true
    let key = format.slice(start..<place - 1)
    guard let value = mapping[.text(key)] else {
      throw renderer.failure("the format names '\(key.string)', which is not given")
    }
    return value
  }

  private mutating func number(_ first: Character) throws -> (Int?, Character) {
    if first == "*" {
      guard let width = try argument().asInteger else { throw renderer.failure("a width is no integer") }
      return (width, try next())
    }
    var (digits, letter) = ("", first)
    while letter.isASCII, letter.isNumber {
      digits.append(letter)
      letter = try next()
    }
    if digits.isEmpty { return (nil, letter) }
    guard let number = Int(digits) else { throw renderer.failure("a width is too large") }
    return (number, letter)
  }

  private mutating func directive() throws -> Text {
    let given = try named()
    var specification = FormatSpecification()
    var letter = try next()
    var isLeft = false
    var hasZero = false
    while "-+ #0".contains(letter) {
      switch letter {
      case "-": isLeft = true
      case "+": specification.sign = "+"
      case " ": if specification.sign == "-" { specification.sign = " " }
      case "#": specification.isAlternate = true
      default: hasZero = true
      }
      letter = try next()
    }
    let (width, afterWidth) = try number(letter)
    letter = afterWidth
    if let width {
      specification.width = Int(clamping: width.magnitude)
      if width < 0 { isLeft = true }
    }
    if letter == "." {
      let (precision, afterPrecision) = try number(try next())
      specification.precision = max(precision ?? 0, 0)
      letter = afterPrecision
    }
    while "hlL".contains(letter) { letter = try next() }
    if isLeft { specification.alignment = "<" }
    specification.type = letter
    if letter == "%" { return Text("%") }
    return try text(given ?? argument(), &specification, zeros: hasZero && !isLeft)
  }

  private func text(
    _ value: Value, _ specification: inout FormatSpecification, zeros: Bool
  ) throws -> Text {
    switch specification.type {
    case "s", "r", "a":
      var text =
        try specification.type == "s" ? renderer.string(value) : renderer.representation(value)
      if let precision = specification.precision { text = text.slice(0..<min(precision, text.count)) }
      return try specification.padded(text, fallback: ">", renderer)
    case "c":
      if case .text(let text) = value, text.count == 1 {
        return try specification.padded(text, fallback: ">", renderer)
      }
      guard let code = value.asInteger, let scalar = UInt32(exactly: code).flatMap(Unicode.Scalar.init)
      else { throw renderer.failure("'%c' needs a character") }
      return try specification.padded(Text(units: [scalar.value]), fallback: ">", renderer)
    case "d", "i", "u", "x", "X", "o", "e", "E", "f", "F", "g", "G":
      if zeros { (specification.fill, specification.alignment) = (0x30, "=") }
      return try numeral(value, specification)
    default: throw renderer.failure("the format knows no such letter")
    }
  }

  private func numeral(_ value: Value, _ specification: FormatSpecification) throws -> Text {
    if case .undefined(let undefined) = value { throw renderer.undefinedFailure(undefined) }
    if "diuxXo".contains(specification.type!) {
      var number = value.asInteger
      if case .float(let float) = value, "diu".contains(specification.type!) {
        number = Int(exactly: float.rounded(.towardZero))
      }
      guard let number, var digits = specification.text(number) else {
        throw renderer.failure("the format needs an integer, not a \(value.typeName)")
      }
      if let precision = specification.precision, precision > digits.utf8.count {
        try renderer.chargeText(precision)
        digits = String(repeating: "0", count: precision - digits.utf8.count) + digits
      }
      return try specification.padded(number: digits, isNegative: number < 0, renderer)
    }
    try renderer.charge(Decimal.steps)
    guard let number = value.asDouble, let digits = specification.text(number) else {
      throw renderer.failure("the format needs a number, not a \(value.typeName)")
    }
    return try specification.padded(number: digits, isNegative: number.sign == .minus, renderer)
  }
}
