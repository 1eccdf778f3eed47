import Support

/// The filters, by name.
enum Filters {
  static let table: [String: Builtin] = texts.merging(values) { $1 }.merging(sequences) { $1 }
    .merging(selections) { $1 }

  /// Filters of jinja2 that are not supported, because they produce HTML or use randomness.
  static let refused: Set<String> = [
    "filesizeformat", "pprint", "random", "striptags", "urlize", "wordwrap", "xmlattr",
  ]

  private static let values: [String: Builtin] = [
    "abs": Builtin { renderer, value, _ in
      switch value {
      case .float(let number): return .float(number.magnitude)
      case .undefined(let undefined): throw renderer.undefinedFailure(undefined)
      default:
        guard let number = value.asInteger, number > .min else {
          throw renderer.failure("'abs' needs a number")
        }
        return .integer(abs(number))
      }
    },
    "attr": Builtin("name", required: 1) { renderer, value, passed in
      guard case .text(let name) = passed[0]! else { throw renderer.failure("'attr' needs a name") }
      if case .mapping(let mapping) = value, Methods.mapping[name.string] == nil {
        _ = mapping
        return .undefined(Undefined("'dict object' has no attribute '\(name.string)'"))
      }
      return try renderer.attribute(name.string, of: value)
    },
    "count": Builtin { renderer, value, _ in .integer(try renderer.length(value)) },
    "length": Builtin { renderer, value, _ in .integer(try renderer.length(value)) },
    "d": fallback, "default": fallback,
    "float": Builtin("default") { renderer, value, passed in
      if let number = renderer.parseFloat(value) { return .float(number) }
      if case .undefined(let undefined) = value { throw renderer.undefinedFailure(undefined) }
      return passed[0] ?? .float(0)
    },
    "int": Builtin("default", "base") { renderer, value, passed in
      if case .undefined(let undefined) = value { throw renderer.undefinedFailure(undefined) }
      guard let base = (passed[1] ?? .integer(10)).asInteger else {
        throw renderer.failure("the base is no integer")
      }
      return try renderer.parseInteger(value, base: base) ?? passed[0] ?? .integer(0)
    },
    "round": Builtin("precision", "method") { renderer, value, passed in
      try renderer.round(value, precision: passed[0] ?? .integer(0), method: passed[1] ?? .text("common"))
    },
    "string": Builtin { renderer, value, _ in .text(try renderer.string(value)) },
    "tojson": Builtin("ensure_ascii", "indent", "separators", "sort_keys") { renderer, value, passed in
      var writer = JSONWriter(renderer, indent: try renderer.indentation(passed[1]))
      if let flag = passed[0] { writer.escapesUnicode = try renderer.isTrue(flag) }
      if let flag = passed[3] { writer.sortsKeys = try renderer.isTrue(flag) }
      if let separators = passed[2], !separators.isNone {
        let pair = try renderer.items(separators)
        guard pair.count == 2, case .text(let item) = pair[0], case .text(let key) = pair[1] else {
          throw renderer.failure("'separators' needs two texts")
        }
        (writer.itemSeparator, writer.keySeparator) = (item, key)
      }
      return .text(try writer.text(value))
    },
  ]

  private static let fallback = Builtin("default_value", "boolean") { renderer, value, passed in
    let countsFalse = try renderer.isTrue(passed[1] ?? .bool(false))
    let isMissing = try value.isUndefined || countsFalse && !renderer.isTrue(value)
    return isMissing ? passed[0] ?? .text("") : value
  }
}

extension Renderer {
  /// The indent of `tojson`: a number of spaces, or a text.
  fileprivate func indentation(_ value: Value?) throws -> Text? {
    switch value {
    case nil, .none?: return nil
    case .text(let text)?: return text
    case let value?:
      guard let count = value.asInteger else { throw failure("the indent is no number") }
      return try Text(" ").repeated(count, self)
    }
  }

  func parseFloat(_ value: Value) -> Double? {
    guard case .text(let text) = value else { return value.asDouble }
    let spelled = text.stripped(nil).string.lowercased()
    let unsigned = spelled.drop { $0 == "-" || $0 == "+" }
    guard spelled.count - unsigned.count <= 1 else { return nil }
    if ["inf", "infinity", "nan"].contains(unsigned) { return Double(spelled) }
    guard unsigned.utf8.allSatisfy({ "0123456789.e+-_".utf8.contains($0) }) else { return nil }
    return Double(withoutUnderscores(spelled) ?? "")
  }

  private func withoutUnderscores(_ digits: String) -> String? {
    if digits.hasPrefix("_") || digits.hasSuffix("_") || digits.contains("__") { return nil }
    return digits.filter { $0 != "_" }
  }

  /// Python's `int` of a value. For a text with a decimal point: the part before the point.
  fileprivate func parseInteger(_ value: Value, base: Int) throws -> Value? {
    if let number = value.asInteger { return .integer(number) }
    if case .text(let text) = value {
      var digits = text.stripped(nil).string.lowercased()
      let prefixes = [16: "0x", 8: "0o", 2: "0b"]
      if let prefix = prefixes[base], digits.hasPrefix(prefix) { digits.removeFirst(2) }
      guard (2...36).contains(base) else { throw failure("there is no base \(base)") }
      if let plain = withoutUnderscores(digits), let number = Int(plain, radix: base) {
        return .integer(number)
      }
    }
    guard let number = parseFloat(value), number.isFinite else { return nil }
    guard let whole = Int(exactly: number.rounded(.towardZero)) else {
      throw failure("the number is too large")
    }
    return .integer(whole)
  }

  fileprivate func round(_ value: Value, precision: Value, method: Value) throws -> Value {
    if case .undefined(let undefined) = value { throw undefinedFailure(undefined) }
    guard let places = precision.asInteger, abs(places) <= 300, case .text(let name) = method,
      let number = value.asDouble
    else { throw failure("'round' needs a number and a precision") }
    try charge(Decimal.steps)
    switch name.string {
    case "common":
      if let whole = value.asInteger, places >= 0 { return .integer(whole) }
      guard number.isFinite else { return value }
      if places >= 0 {
        let rounded = Double(Decimal(number).fixed(places)) ?? number
        return .float(number.sign == .minus ? -rounded : rounded)
      }
      let scale = Double(Decimal.powerOfTen(-places))
      let rounded = (number / scale).rounded(.toNearestOrEven) * scale
      return value.asInteger == nil ? .float(rounded) : .integer(Int(exactly: rounded) ?? 0)
    case "ceil", "floor":
      let scale = Double(Decimal.powerOfTen(abs(places)))
      let scaled = places >= 0 ? number * scale : number / scale
      let whole = scaled.rounded(name.string == "ceil" ? .up : .down)
      guard let exact = Int(exactly: whole) else { throw failure("the number is too large") }
      // As in Python: divides two integers, or multiplies by a negative power of ten.
      return .float(places >= 0 ? Double(exact) / scale : Double(exact) * scale)
    default: throw failure("'round' knows no method '\(name.string)'")
    }
  }
}

extension Decimal {
  static func powerOfTen(_ exponent: Int) -> Double {
    (0..<exponent).reduce(1.0) { power, _ in power * 10 }
  }
}
