import Support

/// Writes JSON like Python's `json.dumps`. Quotes and punctuation have the template's origin; the characters of a
/// text keep their origin.
struct JSONWriter {
  let renderer: Renderer
  var escapesUnicode = false
  var indent: Text?
  var itemSeparator: Text
  var keySeparator: Text
  var sortsKeys = false
  private var units: [UInt32] = []

  init(_ renderer: Renderer, indent: Text?) {
    self.renderer = renderer
    self.indent = indent
    itemSeparator = Text(indent == nil ? ", " : ",")
    keySeparator = Text(": ")
  }

  func text(_ value: Value) throws -> Text {
    var writer = self
    try writer.write(value, level: 0)
    return Text(units: writer.units)
  }

  private mutating func write(_ value: Value, level: Int) throws {
    try renderer.step()
    try renderer.requireLength(units.count)
    switch value {
    case .none: units.append("null")
    case .bool(let flag): units.append(flag ? "true" : "false")
    case .integer(let number): units.append(String(number))
    case .float(let number): units.append(JSONWriter.spelling(number))
    case .text(let text): write(text)
    case .list(let list), .tuple(let list): try write(list.items, level)
    case .mapping(let mapping): try write(mapping, level)
    default: throw renderer.failure("a value of type \(value.typeName) has no form in JSON")
    }
  }

  private static func spelling(_ number: Double) -> String {
    if number.isNaN { return "NaN" }
    if number.isInfinite { return number < 0 ? "-Infinity" : "Infinity" }
    return number.representation
  }

  private mutating func breakLine(_ level: Int) throws {
    guard let indent else { return }
    units.append(0x0A)
    if level > 0 { units += try indent.repeated(level, renderer).units }
  }

  private mutating func write(_ items: [Value], _ level: Int) throws {
    if items.isEmpty { return units.append("[]") }
    units.append("[")
    for (index, item) in items.enumerated() {
      if index > 0 { units += itemSeparator.units }
      try breakLine(level + 1)
      try write(item, level: level + 1)
    }
    try breakLine(level)
    units.append("]")
  }

  private mutating func write(_ mapping: Mapping, _ level: Int) throws {
    if mapping.isEmpty { return units.append("{}") }
    var pairs = mapping.pairs
    if sortsKeys {
      let order = try renderer.sorted(mapping.keys, reverse: false) { $0 }
      pairs = order.map { key in (key, mapping[Key(key)!]!) }
    }
    units.append("{")
    for (index, pair) in pairs.enumerated() {
      if index > 0 { units += itemSeparator.units }
      try breakLine(level + 1)
      try write(key: pair.key)
      units += keySeparator.units
      try write(pair.value, level: level + 1)
    }
    try breakLine(level)
    units.append("}")
  }

  private mutating func write(key: Value) throws {
    switch key {
    case .text(let text): write(text)
    case .none: units.append("\"null\"")
    case .bool(let flag): units.append(flag ? "\"true\"" : "\"false\"")
    case .integer(let number): units.append("\"\(number)\"")
    case .float(let number): units.append("\"\(JSONWriter.spelling(number))\"")
    default: throw renderer.failure("a value of type \(key.typeName) is no key of JSON")
    }
  }

  private mutating func write(_ text: Text) {
    units.append(0x22)
    for unit in text.units {
      switch Text.value(unit) {
      case 0x22: units.append("\\\"", like: unit)
      case 0x5C: units.append("\\\\", like: unit)
      case 0x0A: units.append("\\n", like: unit)
      case 0x0D: units.append("\\r", like: unit)
      case 0x09: units.append("\\t", like: unit)
      case 0x0C: units.append("\\f", like: unit)
      case 0x08: units.append("\\b", like: unit)
      case let value where value < 0x20 || (escapesUnicode && value > 0x7E):
        for code in Text.scalar(unit).utf16 {
          units.append("\\u" + hexadecimal(UInt32(code), 4), like: unit)
        }
      default: units.append(unit)
      }
    }
    units.append(0x22)
  }
}
