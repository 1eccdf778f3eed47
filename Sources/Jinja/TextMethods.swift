import Support

extension Methods {
  static let text: [String: Builtin] = changes.merging(searches) { $1 }.merging(splits) { $1 }
    .merging(questions) { $1 }

  private static func change(_ body: @escaping @Sendable (Text) -> Text) -> Builtin {
    Builtin { renderer, value, _ in
      let text = try renderer.text(value)
      try renderer.chargeText(text.count)
      return .text(body(text))
    }
  }

  private static func strip(left: Bool, right: Bool) -> Builtin {
    Builtin("") { renderer, value, passed in
      let text = try renderer.text(value)
      try renderer.chargeText(text.count)
      return .text(text.stripped(try renderer.optionalText(passed[0]), left: left, right: right))
    }
  }

  private static func pad(
    _ body: @escaping @Sendable (Text, Int, UInt32, Renderer) throws -> Text
  ) -> Builtin {
    Builtin("", "", required: 1) { renderer, value, passed in
      let fill = try passed[1].map { try renderer.text($0) } ?? Text(" ")
      guard fill.count == 1 else { throw renderer.failure("a fill is one character") }
      let text = try renderer.text(value)
      return .text(try body(text, renderer.integer(passed[0], or: 0), fill.units[0], renderer))
    }
  }

  private static let changes: [String: Builtin] = [
    "capitalize": change { $0.capitalized() },
    "casefold": change { $0.casefolded() },
    "lower": change { $0.lowercased() },
    "swapcase": change { $0.swappingCase() },
    "title": change { $0.titlecased() },
    "upper": change { $0.uppercased() },
    "strip": strip(left: true, right: true),
    "lstrip": strip(left: true, right: false),
    "rstrip": strip(left: false, right: true),
    "center": pad { try $0.centered($1, fill: $2, $3) },
    "ljust": pad { try $0.padded(left: 0, right: max($1, $0.count) - $0.count, fill: $2, $3) },
    "rjust": pad { try $0.padded(left: max($1, $0.count) - $0.count, right: 0, fill: $2, $3) },
    "zfill": Builtin("", required: 1) { renderer, value, passed in
      let text = try renderer.text(value)
      let missing = max(try renderer.integer(passed[0], or: 0), text.count) - text.count
      let sign = text.units.first.map(Text.value)
      guard sign == 0x2B || sign == 0x2D else {
        return .text(try text.padded(left: missing, right: 0, fill: 0x30, renderer))
      }
      let rest = try text.slice(1..<text.count).padded(left: missing, right: 0, fill: 0x30, renderer)
      return .text(text.with([text.units[0]] + rest.units))
    },
    "expandtabs": Builtin("tabsize") { renderer, value, passed in
      try renderer.expandTabs(renderer.text(value), renderer.integer(passed[0], or: 8))
    },
    "removeprefix": Builtin("", required: 1) { renderer, value, passed in
      let (text, part) = (try renderer.text(value), try renderer.text(passed[0]))
      return .text(text.matches(part.units, at: 0) ? text.slice(part.count..<text.count) : text)
    },
    "removesuffix": Builtin("", required: 1) { renderer, value, passed in
      let (text, part) = (try renderer.text(value), try renderer.text(passed[0]))
      let start = text.count - part.count
      return .text(text.matches(part.units, at: start) ? text.slice(0..<start) : text)
    },
    "replace": Builtin("", "", "", required: 2) { renderer, value, passed in
      let (text, old) = (try renderer.text(value), try renderer.text(passed[0]))
      try renderer.chargeText(text.count)
      let limit = try renderer.integer(passed[2], or: -1)
      return .text(
        try text.replacing(old, with: renderer.text(passed[1]), limit: limit < 0 ? .max : limit, renderer))
    },
    "format": Builtin(variadic: { renderer, value, passed in
      .text(try renderer.braceFormat(renderer.text(value), passed))
    }),
    "join": Builtin("", required: 1) { renderer, value, passed in
      let separator = try renderer.text(value)
      let items = try renderer.items(passed[0]!)
      for item in items { _ = try renderer.text(item) }
      return .text(try renderer.joined(items, by: separator))
    },
  ]

  /// A method that searches for a part: it returns the position, or reports that there is none.
  private static func search(fromEnd: Bool, mustFind: Bool) -> Builtin {
    Builtin("", "", "", required: 1) { renderer, value, passed in
      let (text, part) = (try renderer.text(value), try renderer.text(passed[0]))
      try renderer.chargeText(text.count)
      if let start = passed[1]?.asInteger, start > text.count { return .integer(-1) }
      let range = try renderer.bounds(from: passed[1], to: passed[2], count: text.count)
      let place =
        fromEnd
        ? text.findLast(part, from: range.lowerBound, to: range.upperBound)
        : text.find(part, from: range.lowerBound, to: range.upperBound)
      if place == nil, mustFind { throw renderer.failure("the text does not contain the part") }
      return .integer(place ?? -1)
    }
  }

  private static func affix(atEnd: Bool) -> Builtin {
    Builtin("", "", "", required: 1) { renderer, value, passed in
      let text = try renderer.text(value)
      if let start = passed[1]?.asInteger, start > text.count { return .bool(false) }
      let range = try renderer.bounds(from: passed[1], to: passed[2], count: text.count)
      let part = text.slice(range)
      var wanted = [passed[0]!]
      if case .tuple(let list) = wanted[0] { wanted = list.items }
      try renderer.charge(wanted.count)
      return .bool(
        try wanted.contains { item in
          let affix = try renderer.text(item)
          return part.matches(affix.units, at: atEnd ? part.count - affix.count : 0)
        })
    }
  }

  private static let searches: [String: Builtin] = [
    "find": search(fromEnd: false, mustFind: false),
    "rfind": search(fromEnd: true, mustFind: false),
    "index": search(fromEnd: false, mustFind: true),
    "rindex": search(fromEnd: true, mustFind: true),
    "startswith": affix(atEnd: false),
    "endswith": affix(atEnd: true),
    "count": Builtin("", "", "", required: 1) { renderer, value, passed in
      let (whole, part) = (try renderer.text(value), try renderer.text(passed[0]))
      try renderer.chargeText(whole.count)
      let text = whole.slice(try renderer.bounds(from: passed[1], to: passed[2], count: whole.count))
      return .integer(part.isEmpty ? text.count + 1 : text.occurrences(of: part).count)
    },
  ]

  private static func question(_ body: @escaping @Sendable (Text) -> Bool) -> Builtin {
    Builtin { renderer, value, _ in
      let text = try renderer.text(value)
      try renderer.chargeText(text.count)
      return .bool(body(text))
    }
  }

  private static let questions: [String: Builtin] = [
    "isalnum": question { $0.all(isAlphanumeric) },
    "isalpha": question { $0.all(isAlphabetic) },
    "isascii": question(\.isASCII),
    "isdecimal": question { $0.all(isDecimal) },
    "isdigit": question { $0.all(isDigitLike) },
    "isidentifier": question(\.isIdentifier),
    "islower": question(\.isAllLowercase),
    "isnumeric": question { $0.all(isNumeric) },
    "isprintable": question { $0.units.allSatisfy(isPrintable) },
    "isspace": question { $0.all(isSpace) },
    "istitle": question(\.isTitle),
    "isupper": question(\.isAllUppercase),
  ]
}

extension Renderer {
  fileprivate func expandTabs(_ text: Text, _ size: Int) throws -> Value {
    var units: [UInt32] = []
    var column = 0
    for unit in text.units {
      switch Text.value(unit) {
      case 9:
        let count = size > 0 ? size - column % size : 0
        try requireLength(units.count + min(count, limits.output + 1))
        units += Array(repeating: Text.unit(0x20, like: unit), count: count)
        column += count
      case 10, 13:
        column = 0
        units.append(unit)
      default:
        column += 1
        units.append(unit)
      }
    }
    return .text(text.with(units))
  }
}
