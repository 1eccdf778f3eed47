import Support

// Python's `str.format`.
extension Renderer {
  func braceFormat(_ format: Text, _ passed: Passed) throws -> Text {
    var run = BraceFormat(self, format, passed)
    return try run.text()
  }
}

private struct BraceFormat {
  private let renderer: Renderer
  private let format: Text
  private let passed: Passed
  private var place = 0
  private var automatic = 0
  /// Whether fields have explicit numbers; nil until the first field.
  private var isNumbered: Bool?

  init(_ renderer: Renderer, _ format: Text, _ passed: Passed) {
    (self.renderer, self.format, self.passed) = (renderer, format, passed)
  }

  private func value(at place: Int) -> UInt32 {
    place < format.count ? Text.value(format.units[place]) : 0
  }

  mutating func text() throws -> Text {
    var result: [UInt32] = []
    while place < format.count {
      let sign = value(at: place)
      if sign == 0x7B || sign == 0x7D {
        if value(at: place + 1) == sign {
          result.append(format.units[place])
          place += 2
          continue
        }
        if sign == 0x7D { throw renderer.failure("the format closes a brace that is not open") }
        let piece = try field()
        try renderer.requireLength(result.count + piece.count)
        result += piece.units
      } else {
        result.append(format.units[place])
        place += 1
      }
    }
    try renderer.chargeText(result.count)
    return format.with(result)
  }

  private mutating func field() throws -> Text {
    let start = place + 1
    var end = start
    var brackets = 0
    while end < format.count, value(at: end) != 0x7D || brackets > 0 {
      if value(at: end) == 0x7B { throw renderer.failure("braces within braces are not supported") }
      if value(at: end) == 0x5B { brackets += 1 }
      if value(at: end) == 0x5D, brackets > 0 { brackets -= 1 }
      end += 1
    }
    guard end < format.count else { throw renderer.failure("the format does not close a brace") }
    place = end + 1
    let body = Array(format.slice(start..<end).string.unicodeScalars)
    let colon = body.firstIndex(of: ":") ?? body.count
    let mark = body[..<colon].firstIndex(of: "!") ?? colon
    let found = try lookUp(body[..<mark])
    let conversion = mark < colon ? String.UnicodeScalarView(body[(mark + 1)..<colon]) : .init()
    let specification = try FormatSpecification(body.dropFirst(colon + 1), renderer)
    switch String(conversion) {
    case "": return try text(found, specification)
    case "s": return try text(.text(renderer.string(found)), specification)
    case "r": return try text(.text(renderer.representation(found)), specification)
    default: throw renderer.failure("the format knows no such conversion")
    }
  }

  /// `name`, `0`, `name.attribute` or `name[item]`.
  private mutating func lookUp(_ path: ArraySlice<Unicode.Scalar>) throws -> Value {
    let stop = path.firstIndex { $0 == "." || $0 == "[" } ?? path.endIndex
    var value = try argument(String(String.UnicodeScalarView(path[..<stop])))
    var rest = path[stop...]
    while let sign = rest.first {
      try renderer.step()
      rest = rest.dropFirst()
      if sign == "." {
        let end = rest.firstIndex { $0 == "." || $0 == "[" } ?? rest.endIndex
        value = try renderer.attribute(String(String.UnicodeScalarView(rest[..<end])), of: value)
        rest = rest[end...]
      } else {
        guard sign == "[", let end = rest.firstIndex(of: "]") else {
          throw renderer.failure("the format has a field that makes no sense")
        }
        let key = String(String.UnicodeScalarView(rest[..<end]))
        value = try renderer.item(Int(key).map { .integer($0) } ?? .text(key), of: value)
        rest = rest[(end + 1)...]
      }
    }
    return value
  }

  private mutating func argument(_ name: String) throws -> Value {
    var index = Int(name)
    if index != nil || name.isEmpty {
      guard isNumbered != name.isEmpty else {
        throw renderer.failure("the format numbers some fields and others not")
      }
      isNumbered = !name.isEmpty
    }
    if name.isEmpty {
      index = automatic
      automatic += 1
    }
    if let index {
      guard passed.positional.indices.contains(index) else {
        throw renderer.failure("the format needs more values")
      }
      return passed.positional[index]
    }
    guard let given = passed.keywords.first(where: { $0.name == name }) else {
      throw renderer.failure("the format names '\(name)', which is not given")
    }
    return given.value
  }

  private func text(_ value: Value, _ specification: FormatSpecification) throws -> Text {
    switch value {
    case .integer(let number):
      if let type = specification.type, "eEfFgG%".contains(type) {
        return try text(.float(Double(number)), specification)
      }
      if specification.type == "c" { break }
      guard let digits = specification.text(number) else { break }
      return try specification.padded(number: digits, isNegative: number < 0, renderer)
    case .bool(let flag) where specification.type != nil && specification.type != "s":
      return try text(.integer(flag ? 1 : 0), specification)
    case .float(let number):
      try renderer.charge(Decimal.steps)
      let isPlain = specification.type == nil && specification.precision == nil
      guard let digits = isPlain ? number.magnitude.representation : specification.text(number) else { break }
      return try specification.padded(number: digits, isNegative: number.sign == .minus, renderer)
    case .text(var text) where specification.type == nil || specification.type == "s":
      if let precision = specification.precision { text = text.slice(0..<min(precision, text.count)) }
      return try specification.padded(text, fallback: "<", renderer)
    default:
      if specification.isEmpty { return try renderer.string(value) }
    }
    throw renderer.failure("this format is not for a value of type \(value.typeName)")
  }
}

extension FormatSpecification {
  var isEmpty: Bool {
    width == 0 && precision == nil && type == nil && alignment == nil && grouping == nil && sign == "-"
  }

  /// Reads `[[fill]align][sign][#][0][width][,][.precision][type]`.
  fileprivate init(_ source: ArraySlice<Unicode.Scalar>, _ renderer: Renderer) throws {
    var rest = source
    func isAlignment(_ scalar: Unicode.Scalar) -> Bool { "<>^=".unicodeScalars.contains(scalar) }
    func takeNumber() throws -> Int? {
      let digits = rest.prefix { (0x30...0x39).contains($0.value) }
      rest = rest.dropFirst(digits.count)
      if digits.isEmpty { return nil }
      guard let number = Int(String(String.UnicodeScalarView(digits))) else {
        throw renderer.failure("a width is too large")
      }
      return number
    }
    if rest.count > 1, isAlignment(rest[rest.startIndex + 1]) {
      fill = rest.removeFirst().value
      alignment = Character(rest.removeFirst())
    } else if let first = rest.first, isAlignment(first) {
      alignment = Character(rest.removeFirst())
    }
    if let first = rest.first, "+- ".unicodeScalars.contains(first) { sign = Character(rest.removeFirst()) }
    if rest.first == "#" {
      isAlternate = true
      rest.removeFirst()
    }
    if rest.first == "0", alignment == nil { (fill, alignment) = (0x30, "=") }
    width = try takeNumber() ?? 0
    if let first = rest.first, first == "," || first == "_" { grouping = Character(rest.removeFirst()) }
    if rest.first == "." {
      rest.removeFirst()
      precision = try takeNumber()
      if precision == nil { throw renderer.failure("the format has a point without a precision") }
    }
    type = rest.popFirst().map(Character.init)
    if !rest.isEmpty { throw renderer.failure("the format makes no sense") }
  }
}
