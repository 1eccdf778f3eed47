import Support

/// Methods of Python's types, by name.
enum Methods {
  /// The names of all methods of all types.
  static let names: Set<String> = Set(text.keys).union(mapping.keys).union(list.keys).union(object.keys)
    .union(listMutators).union(mappingMutators)

  /// Methods that the sandbox hides because they would change the value.
  static func mutators(of value: Value) -> Set<String> {
    switch value {
    case .list: listMutators
    case .mapping: mappingMutators
    default: []
    }
  }

  private static let listMutators: Set<String> = [
    "append", "clear", "extend", "insert", "pop", "remove", "reverse", "sort",
  ]
  private static let mappingMutators: Set<String> = ["clear", "pop", "popitem", "setdefault", "update"]

  static let mapping: [String: Builtin] = [
    "get": Builtin("", "", required: 1) { renderer, value, passed in
      guard case .mapping(let mapping) = value else { return .none }
      return mapping[try renderer.key(passed[0]!)] ?? passed[1] ?? .none
    },
    "items": view(.items), "keys": view(.keys), "values": view(.values),
    "copy": Builtin { _, value, _ in value },
  ]

  private static func view(_ kind: Value.DictionaryView.Kind) -> Builtin {
    Builtin { _, value, _ in
      guard case .mapping(let mapping) = value else { return .none }
      return .view(.init(kind: kind, mapping: mapping))
    }
  }

  static let list: [String: Builtin] = [
    "copy": Builtin { _, value, _ in value },
    "count": Builtin("", required: 1) { renderer, value, passed in
      .integer(try renderer.items(value).count { try renderer.isEqual($0, passed[0]!) })
    },
    "index": Builtin("", "", "", required: 1) { renderer, value, passed in
      let items = try renderer.items(value)
      let range = try renderer.bounds(from: passed[1], to: passed[2], count: items.count)
      for index in range where try renderer.isEqual(items[index], passed[0]!) { return .integer(index) }
      throw renderer.failure("the value is not in the list")
    },
  ]

  /// Methods of objects that only templates create.
  static let object: [String: Builtin] = [
    "cycle": Builtin(variadic: { renderer, value, passed in
      guard case .loop(let loop) = renderer.object(value), !passed.positional.isEmpty else {
        throw renderer.failure("'cycle' needs values")
      }
      return passed.positional[loop.index % passed.positional.count]
    }),
    "changed": Builtin(variadic: { renderer, value, passed in
      guard case .loop(let loop) = renderer.object(value) else { return .none }
      if let last = loop.lastChanged,
        try renderer.isEqual(.tuple(last), .tuple(passed.positional))
      {
        return .bool(false)
      }
      loop.lastChanged = passed.positional
      return .bool(true)
    }),
    "next": Builtin { renderer, value, _ in
      guard case .cycler(let cycler) = renderer.object(value) else { return .none }
      defer { cycler.index = (cycler.index + 1) % cycler.items.count }
      return cycler.items[cycler.index]
    },
    "reset": Builtin { renderer, value, _ in
      if case .cycler(let cycler) = renderer.object(value) { cycler.index = 0 }
      return .none
    },
  ]
}

extension Renderer {
  /// The range for Python's `start` and `end` arguments of a search.
  func bounds(from start: Value?, to end: Value?, count: Int) throws -> Range<Int> {
    func bound(_ value: Value?, _ fallback: Int) throws -> Int {
      guard let value, !value.isNone else { return fallback }
      let number = try integer(value, or: fallback)
      return min(max(number < 0 ? number + count : number, 0), count)
    }
    let first = try bound(start, 0)
    return try first..<max(first, bound(end, count))
  }
}
