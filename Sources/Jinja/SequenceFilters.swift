import Support

extension Filters {
  static let sequences: [String: Builtin] = [
    "batch": Builtin("linecount", "fill_with", required: 1) { renderer, value, passed in
      let count = try renderer.integer(passed[0], or: 0)
      let fill = passed[1] ?? .none
      return try renderer.generator(from: value) { [unowned renderer] cursor in
        var batch: [Value] = []
        while batch.count < max(count, 1), let item = try cursor.next() {
          try renderer.step()
          batch.append(item)
        }
        if batch.isEmpty { return nil }
        if !fill.isNone, batch.count < count {
          try renderer.charge(count)
          batch += Array(repeating: fill, count: count - batch.count)
        }
        return try renderer.requireDepth(.list(batch))
      }
    },
    "dictsort": Builtin("case_sensitive", "by", "reverse") { renderer, value, passed in
      guard case .mapping(let mapping) = value else { throw renderer.failure("'dictsort' needs a mapping") }
      let by = try renderer.optionalText(passed[1])?.string ?? "key"
      guard by == "key" || by == "value" else { throw renderer.failure("'dictsort' knows no '\(by)'") }
      let isSensitive = try renderer.isTrue(passed[0] ?? .bool(false))
      let pairs = zip(mapping.keys, mapping.values).map { Value.tuple([$0, $1]) }
      let reverse = try renderer.isTrue(passed[2] ?? .bool(false))
      return .list(
        try renderer.sorted(pairs, reverse: reverse) { pair in
          guard case .tuple(let list) = pair else { return pair }
          let key = list.items[by == "key" ? 0 : 1]
          return isSensitive ? key : renderer.ignoringCase(key)
        })
    },
    "first": Builtin { renderer, value, _ in
      if case .generator(let generator) = renderer.object(value) {
        return try generator.next() ?? .undefined(Undefined("the sequence is empty"))
      }
      var cursor = try renderer.cursor(value)
      return try cursor.next() ?? .undefined(Undefined("the sequence is empty"))
    },
    "groupby": Builtin("attribute", "default", "case_sensitive", required: 1) { renderer, value, passed in
      try renderer.groups(value, passed)
    },
    "items": Builtin { renderer, value, _ in
      switch value {
      case .undefined: break
      case .mapping(let mapping):
        return try renderer.generator(from: .view(.init(kind: .items, mapping: mapping))) { try $0.next() }
      default: throw renderer.failure("'items' needs a mapping")
      }
      return try renderer.generator(from: .list([])) { try $0.next() }
    },
    "join": Builtin("d", "attribute") { renderer, value, passed in
      let path = try renderer.path(passed[1])
      let items = try renderer.items(value).map { try renderer.look(up: path, in: $0) }
      return .text(try renderer.joined(items, by: renderer.string(passed[0] ?? .text(""))))
    },
    "last": Builtin { renderer, value, _ in
      if case .generator = renderer.object(value) {
        throw renderer.failure("a generator has no last item")
      }
      return try renderer.items(value).last ?? .undefined(Undefined("the sequence is empty"))
    },
    "list": Builtin { renderer, value, _ in .list(try renderer.items(value)) },
    "max": extreme { renderer, a, b in try renderer.isLess(b, a) },
    "min": extreme { renderer, a, b in try renderer.isLess(a, b) },
    "reverse": Builtin { renderer, value, _ in
      if case .text(let text) = value { return .text(text.with(text.units.reversed())) }
      let items = Array(try renderer.items(value).reversed())
      return try renderer.generator(from: .list(items)) { try $0.next() }
    },
    "slice": Builtin("slices", "fill_with", required: 1) { renderer, value, passed in
      try renderer.slices(value, passed)
    },
    "sort": Builtin("reverse", "case_sensitive", "attribute") { renderer, value, passed in
      let isSensitive = try renderer.isTrue(passed[1] ?? .bool(false))
      let paths = try renderer.paths(passed[2])
      let reverse = try renderer.isTrue(passed[0] ?? .bool(false))
      return .list(
        try renderer.sorted(renderer.items(value), reverse: reverse) { item in
          .list(
            try paths.map { path in
              let key = try renderer.look(up: path, in: item)
              return isSensitive ? key : renderer.ignoringCase(key)
            })
        })
    },
    "sum": Builtin("attribute", "start") { renderer, value, passed in
      let path = try renderer.path(passed[0])
      var sum = passed[1] ?? .integer(0)
      if case .text = sum { throw renderer.failure("'sum' adds numbers or lists, not texts") }
      for item in try renderer.items(value) {
        sum = try renderer.calculate(.add, sum, renderer.look(up: path, in: item))
      }
      return sum
    },
    "unique": Builtin("case_sensitive", "attribute") { renderer, value, passed in
      let isSensitive = try renderer.isTrue(passed[0] ?? .bool(false))
      let path = try renderer.path(passed[1])
      var seen: Set<Key> = []
      return try renderer.generator(from: value) { [unowned renderer] cursor in
        while let item = try cursor.next() {
          try renderer.step()
          let key = try renderer.look(up: path, in: item)
          if seen.insert(try renderer.key(isSensitive ? key : renderer.ignoringCase(key))).inserted {
            return item
          }
        }
        return nil
      }
    },
  ]

  /// A filter that returns the first item that comes before all others.
  private static func extreme(
    _ isBetter: @escaping @Sendable (Renderer, Value, Value) throws -> Bool
  ) -> Builtin {
    Builtin("case_sensitive", "attribute") { renderer, value, passed in
      let isSensitive = try renderer.isTrue(passed[0] ?? .bool(false))
      let path = try renderer.path(passed[1])
      var best: (key: Value, item: Value)?
      for item in try renderer.items(value) {
        var key = try renderer.look(up: path, in: item)
        if !isSensitive { key = renderer.ignoringCase(key) }
        if let found = best, try !isBetter(renderer, key, found.key) { continue }
        best = (key, item)
      }
      return best?.item ?? .undefined(Undefined("the sequence is empty"))
    }
  }
}

extension Renderer {
  func ignoringCase(_ value: Value) -> Value {
    if case .text(let text) = value { .text(text.lowercased()) } else { value }
  }

  /// The steps of an attribute path such as "function.name" or "0.id".
  func path(_ attribute: Value?) throws -> [Value] {
    switch attribute {
    case nil, .none?: return []
    case .text(let text)?:
      return text.split(Text("."), limit: .max).map { part in
        Int(part.string).map { part.all(isDigit) ? .integer($0) : .text(part) } ?? .text(part)
      }
    case let other?: return [other]
    }
  }

  /// Several attribute paths, separated by commas.
  fileprivate func paths(_ attribute: Value?) throws -> [[Value]] {
    guard case .text(let text)? = attribute else { return [try path(attribute)] }
    return try text.split(Text(","), limit: .max).map { try path(.text($0)) }
  }

  func look(up path: [Value], in item: Value, default fallback: Value? = nil) throws -> Value {
    var value = item
    for part in path {
      try step()
      value = try self.item(part, of: value)
      if let fallback, value.isUndefined { value = fallback }
    }
    return value
  }

  func joined(_ items: [Value], by separator: Text) throws -> Text {
    var units: [UInt32] = []
    for (index, item) in items.enumerated() {
      if index > 0 { units += separator.units }
      units += try string(item).units
      try requireLength(units.count)
      try charge(separator.count / 16)
    }
    return Text(units: units)
  }

  fileprivate func slices(_ value: Value, _ passed: Passed) throws -> Value {
    let items = try items(value)
    let count = try integer(passed[0], or: 0)
    guard count != 0 else { throw failure("'slice' needs a number of slices") }
    try charge(count)
    let fill = passed[1] ?? .none
    let (size, longer) = (items.count / max(count, 1), items.count % max(count, 1))
    var slices: [Value] = []
    var start = 0
    for index in 0..<max(count, 0) {
      let end = start + size + (index < longer ? 1 : 0)
      var slice = Array(items[start..<end])
      if !fill.isNone, index >= longer { slice.append(fill) }
      slices.append(.list(slice))
      start = end
    }
    return try generator(from: requireDepth(.list(slices))) { try $0.next() }
  }

  fileprivate func groups(_ value: Value, _ passed: Passed) throws -> Value {
    let isSensitive = try isTrue(passed[2] ?? .bool(false))
    let path = try path(passed[0])
    let fallback = passed[1].flatMap { $0.isNone ? nil : $0 }
    func key(_ item: Value) throws -> Value {
      let key = try look(up: path, in: item, default: fallback)
      return isSensitive ? key : ignoringCase(key)
    }
    var groups: [(key: Value, items: [Value])] = []
    for item in try sorted(items(value), reverse: false, by: key) {
      let own = try key(item)
      if let last = groups.last, try isEqual(last.key, own) {
        groups[groups.count - 1].items.append(item)
      } else {
        groups.append((own, [item]))
      }
    }
    return .list(
      try groups.map { group in
        let shown = isSensitive ? group.key : try look(up: path, in: group.items[0], default: fallback)
        var pair = List([shown, .list(group.items)])
        pair.isGroup = true
        return .tuple(pair)
      })
  }
}
