import Support

/// The tests, by name: the words allowed after `is`.
enum Tests {
  private static func plain(_ body: @escaping @Sendable (Value) -> Bool) -> Builtin {
    Builtin { _, value, _ in .bool(body(value)) }
  }

  private static func comparison(_ kind: Comparison.Kind) -> Builtin {
    Builtin("", required: 1) { renderer, value, passed in
      .bool(try renderer.compare(kind, value, passed[0]!))
    }
  }

  private static func divisible(_ divisor: Int, rest: Int) -> Builtin {
    Builtin { renderer, value, _ in
      let number = try renderer.calculate(.remainder, value, .integer(divisor))
      return .bool(try renderer.isEqual(number, .integer(rest)))
    }
  }

  static let table: [String: Builtin] = comparisons.merging(types) { $1 }

  private static let comparisons: [String: Builtin] = [
    "==": comparison(.equal), "eq": comparison(.equal), "equalto": comparison(.equal),
    "!=": comparison(.unequal), "ne": comparison(.unequal),
    ">": comparison(.greater), "gt": comparison(.greater), "greaterthan": comparison(.greater),
    ">=": comparison(.greaterOrEqual), "ge": comparison(.greaterOrEqual),
    "<": comparison(.less), "lt": comparison(.less), "lessthan": comparison(.less),
    "<=": comparison(.lessOrEqual), "le": comparison(.lessOrEqual),
    "in": Builtin("seq", required: 1) { renderer, value, passed in
      .bool(try renderer.contains(passed[0]!, item: value))
    },
    "odd": divisible(2, rest: 1), "even": divisible(2, rest: 0),
    "divisibleby": Builtin("num", required: 1) { renderer, value, passed in
      let rest = try renderer.calculate(.remainder, value, passed[0]!)
      return .bool(try renderer.isEqual(rest, .integer(0)))
    },
    "sameas": Builtin("other", required: 1) { renderer, value, passed in
      .bool(try renderer.isSame(value, passed[0]!))
    },
  ]

  private static let types: [String: Builtin] = [
    "defined": plain { !$0.isUndefined }, "undefined": plain(\.isUndefined),
    "none": plain(\.isNone),
    "boolean": plain { if case .bool = $0 { true } else { false } },
    "true": plain { if case .bool(true) = $0 { true } else { false } },
    "false": plain { if case .bool(false) = $0 { true } else { false } },
    "integer": plain { if case .integer = $0 { true } else { false } },
    "float": plain { if case .float = $0 { true } else { false } },
    "number": plain { $0.asDouble != nil },
    "string": plain { if case .text = $0 { true } else { false } },
    "mapping": plain { if case .mapping = $0 { true } else { false } },
    "escaped": plain { if case .text(let text) = $0 { text.isMarkup } else { false } },
    "lower": cased(\.isAllLowercase), "upper": cased(\.isAllUppercase),
    "sequence": plain { value in
      switch value {
      case .text, .list, .tuple, .mapping, .range, .undefined: true
      default: false
      }
    },
    "iterable": Builtin { renderer, value, _ in
      if case .loop = renderer.object(value) { return .bool(true) }
      return .bool((try? renderer.cursor(value)) != nil)
    },
    "callable": Builtin { renderer, value, _ in
      if case .undefined = value { return .bool(true) }
      guard case .opaque(let opaque) = value else { return .bool(false) }
      guard case .object = opaque.kind else { return .bool(true) }
      switch renderer.object(value) {
      case .macro, .loop, .joiner: return .bool(true)
      default: return .bool(false)
      }
    },
    "filter": named { Filters.table[$0] != nil || Filters.refused.contains($0) },
    "test": named { table[$0] != nil },
  ]

  private static func cased(_ body: @escaping @Sendable (Text) -> Bool) -> Builtin {
    Builtin { renderer, value, _ in
      let text = try renderer.string(value)
      try renderer.chargeText(text.count)
      return .bool(body(text))
    }
  }

  private static func named(_ isKnown: @escaping @Sendable (String) -> Bool) -> Builtin {
    Builtin { renderer, value, _ in
      guard case .text(let text) = value else {
        _ = try renderer.key(value)
        return .bool(false)
      }
      return .bool(isKnown(text.string))
    }
  }
}

extension Renderer {
  /// Python's `is`, as far as values have an identity here: equal texts and numbers count as identical.
  fileprivate func isSame(_ left: Value, _ right: Value) throws -> Bool {
    guard left.typeName == right.typeName else { return false }
    switch left {
    case .list, .mapping, .range, .view: return false
    default: return try isEqual(left, right)
    }
  }
}
