import Support

// Values as written by Python's `str` and `repr`.
extension Renderer {
  func print(_ value: Value) throws {
    if case .text(let text) = value { try write(text.units) } else { try write(string(value).units) }
  }

  func string(_ value: Value) throws -> Text {
    if case .text(let text) = value { return text }
    var units: [UInt32] = []
    if case .undefined = value { return Text(units: []) }
    try represent(value, into: &units)
    return Text(units: units)
  }

  func representation(_ value: Value) throws -> Text {
    var units: [UInt32] = []
    try represent(value, into: &units)
    return Text(units: units)
  }

  private func represent(_ value: Value, into units: inout [UInt32]) throws {
    try step()
    try requireLength(units.count)
    switch value {
    case .undefined: units.append("Undefined")
    case .none: units.append("None")
    case .bool(let flag): units.append(flag ? "True" : "False")
    case .integer(let number): units.append(String(number))
    case .float(let number): units.append(number.representation)
    case .text(let text):
      if text.isMarkup { units.append("Markup(") }
      units += text.quoted
      if text.isMarkup { units.append(")") }
    case .list(let list): try represent(list.items, between: "[", and: "]", into: &units)
    case .tuple(let list):
      try represent(list.items, between: "(", and: list.count == 1 ? ",)" : ")", into: &units)
    case .mapping(let mapping): try represent(mapping, into: &units)
    case .range(let range):
      let step = range.step == 1 ? "" : ", \(range.step)"
      units.append("range(\(range.start), \(range.stop)\(step))")
    case .view(let view):
      units.append("dict_\(view.kind.rawValue)(")
      try represent(view.items, between: "[", and: "]", into: &units)
      units.append(")")
    case .opaque: try nested { try represent(object: value, into: &units) }
    }
  }

  private func represent(
    _ items: [Value], between open: String, and close: String, into units: inout [UInt32]
  ) throws {
    units.append(open)
    for (index, item) in items.enumerated() {
      if index > 0 { units.append(", ") }
      try represent(item, into: &units)
    }
    units.append(close)
  }

  private func represent(_ mapping: Mapping, into units: inout [UInt32]) throws {
    units.append("{")
    for (index, pair) in mapping.pairs.enumerated() {
      if index > 0 { units.append(", ") }
      try represent(pair.key, into: &units)
      units.append(": ")
      try represent(pair.value, into: &units)
    }
    units.append("}")
  }

  private func represent(object value: Value, into units: inout [UInt32]) throws {
    switch object(value) {
    case .namespace(let namespace):
      units.append("<Namespace ")
      try represent(namespace.attributes, into: &units)
      units.append(">")
    case .loop(let loop): units.append("<LoopContext \(loop.index + 1)/\(try loop.length())>")
    case .macro(let closure):
      units.append(closure.macro.name.map { "<Macro '\($0)'>" } ?? "<Macro anonymous>")
    default: throw failure("a function or generator has no printed form")
    }
  }

  // MARK: HTML

  /// The text with HTML characters escaped, unless it is already escaped.
  func escaped(_ value: Value) throws -> Text {
    let text = try string(value)
    if text.isMarkup { return text }
    return try escapedAgain(text)
  }

  func escapedAgain(_ text: Text) throws -> Text {
    try chargeText(text.count)
    var units: [UInt32] = []
    for unit in text.units {
      switch Text.value(unit) {
      case 0x26: units.append("&amp;", like: unit)
      case 0x3C: units.append("&lt;", like: unit)
      case 0x3E: units.append("&gt;", like: unit)
      case 0x27: units.append("&#39;", like: unit)
      case 0x22: units.append("&#34;", like: unit)
      default: units.append(unit)
      }
    }
    return Text(units: units, isMarkup: true)
  }
}

extension [UInt32] {
  /// Appends characters with the template's origin.
  mutating func append(_ string: String) {
    for scalar in string.unicodeScalars { append(scalar.value) }
  }

  /// Appends characters with the origin of `unit`.
  mutating func append(_ string: String, like unit: UInt32) {
    for scalar in string.unicodeScalars { append(Text.unit(scalar.value, like: unit)) }
  }
}

extension Text {
  /// The text in Python's quotes; an escape has the origin of its character.
  var quoted: [UInt32] {
    let hasSingle = units.contains { Text.value($0) == 0x27 }
    let hasDouble = units.contains { Text.value($0) == 0x22 }
    let quote: UInt32 = hasSingle && !hasDouble ? 0x22 : 0x27
    var result = [quote]
    for unit in units {
      switch Text.value(unit) {
      case 0x5C: result.append("\\\\", like: unit)
      case 0x0A: result.append("\\n", like: unit)
      case 0x0D: result.append("\\r", like: unit)
      case 0x09: result.append("\\t", like: unit)
      case quote: result.append("\\" + String(Text.scalar(unit)), like: unit)
      case let value where !isPrintable(unit):
        let (letter, width) = value < 0x100 ? ("x", 2) : value < 0x10000 ? ("u", 4) : ("U", 8)
        result.append("\\\(letter)\(hexadecimal(value, width))", like: unit)
      default: result.append(unit)
      }
    }
    return result + [quote]
  }
}

func hexadecimal(_ value: UInt32, _ width: Int) -> String {
  let digits = String(value, radix: 16)
  return String(repeating: "0", count: max(0, width - digits.count)) + digits
}
