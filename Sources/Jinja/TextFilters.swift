import Support

extension Filters {
  /// A filter that converts the text of any value.
  private static func text(_ body: @escaping @Sendable (Text) -> Text) -> Builtin {
    Builtin { renderer, value, _ in
      let text = try renderer.string(value)
      try renderer.chargeText(text.count)
      return .text(body(text))
    }
  }

  static let texts: [String: Builtin] = [
    "capitalize": text { $0.capitalized() },
    "center": Builtin("width") { renderer, value, passed in
      let width = try renderer.integer(passed[0], or: 80)
      return .text(try renderer.string(value).centered(width, fill: 0x20, renderer))
    },
    "e": escape, "escape": escape,
    "forceescape": Builtin { renderer, value, _ in
      .text(try renderer.escapedAgain(renderer.string(value)))
    },
    "format": Builtin(variadic: { renderer, value, passed in
      if !passed.positional.isEmpty, !passed.keywords.isEmpty {
        throw renderer.failure("'format' takes arguments either by place or by name")
      }
      let format = try renderer.string(value)
      guard !passed.keywords.isEmpty else {
        return .text(try renderer.percentFormat(format, .tuple(passed.positional)))
      }
      let named = Mapping(passed.keywords.map { ($0.name, $0.value) })
      return .text(try renderer.percentFormat(format, .mapping(named)))
    }),
    "indent": Builtin("width", "first", "blank") { renderer, value, passed in
      try renderer.indent(value, passed)
    },
    "lower": text { $0.lowercased() },
    "replace": Builtin("old", "new", "count", required: 2) { renderer, value, passed in
      let (old, new) = (try renderer.string(passed[0]!), try renderer.string(passed[1]!))
      let count = passed[2].map(\.isNone) ?? true ? -1 : try renderer.integer(passed[2], or: -1)
      let text = try renderer.string(value)
      try renderer.chargeText(text.count)
      return .text(try text.replacing(old, with: new, limit: count < 0 ? .max : count, renderer))
    },
    "safe": Builtin { renderer, value, _ in
      var text = try renderer.string(value)
      text.isMarkup = true
      return .text(text)
    },
    "title": text { $0.wordsCapitalized() },
    "trim": Builtin("chars") { renderer, value, passed in
      let text = try renderer.string(value)
      try renderer.chargeText(text.count)
      return .text(text.stripped(try renderer.optionalText(passed[0])))
    },
    "truncate": Builtin("length", "killwords", "end", "leeway") { renderer, value, passed in
      try renderer.truncate(value, passed)
    },
    "upper": text { $0.uppercased() },
    "urlencode": Builtin { renderer, value, _ in .text(try renderer.urlEncoded(value)) },
    "wordcount": Builtin { renderer, value, _ in
      let text = try renderer.string(value)
      try renderer.chargeText(text.count)
      let isWord = text.units.map { isAlphanumeric($0) || Text.value($0) == 0x5F }
      return .integer(isWord.indices.count { isWord[$0] && ($0 == 0 || !isWord[$0 - 1]) })
    },
  ]

  private static let escape = Builtin { renderer, value, _ in .text(try renderer.escaped(value)) }
}

extension Renderer {
  /// An integer argument.
  func integer(_ value: Value?, or fallback: Int) throws -> Int {
    guard let value else { return fallback }
    guard let number = value.asInteger else {
      throw failure("an integer is expected, not a value of type \(value.typeName)")
    }
    return number
  }

  func text(_ value: Value?) throws -> Text {
    guard case .text(let text)? = value else {
      throw failure("a text is expected, not a value of type \(value?.typeName ?? "NoneType")")
    }
    return text
  }

  /// An argument that is a text, `None` or missing.
  func optionalText(_ value: Value?) throws -> Text? {
    switch value {
    case nil, .none?: nil
    default: try text(value)
    }
  }

  fileprivate func indent(_ value: Value, _ passed: Passed) throws -> Value {
    if case .undefined(let undefined) = value { throw undefinedFailure(undefined) }
    let text = try text(value)
    let width = passed[0] ?? .integer(4)
    let indentation: Text
    if case .text(let given) = width {
      indentation = given
    } else {
      indentation = try Text(" ").repeated(integer(width, or: 4), self)
    }
    let isFirst = try isTrue(passed[1] ?? .bool(false))
    let isBlank = try isTrue(passed[2] ?? .bool(false))
    let lines = Text(units: text.units + [0x0A]).lines()
    let (growth, overflow) = indentation.count.multipliedReportingOverflow(by: lines.count)
    try chargeText(overflow ? .max : text.count + growth)
    var units = isFirst ? indentation.units : []
    for (index, line) in lines.enumerated() {
      if index > 0 {
        units.append(0x0A)
        if isBlank || !line.isEmpty { units += indentation.units }
      }
      units += line.units
    }
    return .text(text.with(units))
  }

  fileprivate func truncate(_ value: Value, _ passed: Passed) throws -> Value {
    let length = try integer(passed[0], or: 255)
    let end = try passed[2].map { try self.text($0) } ?? Text("...")
    let leeway = passed[3].map(\.isNone) ?? true ? 5 : try integer(passed[3], or: 5)
    guard length >= end.count, leeway >= 0 else { throw failure("'truncate' needs a greater length") }
    if case .undefined = value { return value }
    let text = try text(value)
    if text.count - leeway <= length { return value }
    let start = text.slice(0..<length - end.count)
    if try isTrue(passed[1] ?? .bool(false)) { return .text(text.with(start.units + end.units)) }
    let cut = start.splitFromEnd(Text(" "), limit: 1)[0]
    return .text(text.with(cut.units + end.units))
  }

  fileprivate func urlEncoded(_ value: Value) throws -> Text {
    var pairs: [Value] = []
    switch value {
    case .mapping(let mapping): pairs = zip(mapping.keys, mapping.values).map { .tuple([$0, $1]) }
    case .list, .tuple, .view, .range, .opaque: pairs = try items(value)
    default: return try quoted(string(value), keepsSlash: true)
    }
    var units: [UInt32] = []
    for (index, pair) in pairs.enumerated() {
      let parts = try items(pair)
      guard parts.count == 2 else { throw failure("'urlencode' needs pairs") }
      if index > 0 { units.append(0x26) }
      units += try quoted(string(parts[0]), keepsSlash: false).units
      units.append(0x3D)
      units += try quoted(string(parts[1]), keepsSlash: false).units
      try requireLength(units.count)
    }
    return Text(units: units)
  }

  private func quoted(_ text: Text, keepsSlash: Bool) throws -> Text {
    try chargeText(text.count)
    var units: [UInt32] = []
    for unit in text.units {
      let scalar = Text.scalar(unit)
      let isPlain = scalar.isASCII && (isAlphanumeric(unit) || "_.-~".unicodeScalars.contains(scalar))
      if isPlain || (keepsSlash && scalar == "/") {
        units.append(unit)
      } else if scalar == " ", !keepsSlash {
        units.append("+", like: unit)
      } else {
        for byte in UTF8.encode(scalar)! {
          units.append("%" + hexadecimal(UInt32(byte), 2).uppercased(), like: unit)
        }
      }
    }
    return Text(units: units)
  }
}
