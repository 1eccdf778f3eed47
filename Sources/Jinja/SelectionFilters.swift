import Support

extension Filters {
  static let selections: [String: Builtin] = [
    "map": Builtin(variadic: { renderer, value, passed in try renderer.map(value, passed) }),
    "select": selection(isWanted: true, byAttribute: false),
    "reject": selection(isWanted: false, byAttribute: false),
    "selectattr": selection(isWanted: true, byAttribute: true),
    "rejectattr": selection(isWanted: false, byAttribute: true),
  ]

  private static func selection(isWanted: Bool, byAttribute: Bool) -> Builtin {
    Builtin(variadic: { renderer, value, passed in
      guard try renderer.isTrue(value) else {
        return try renderer.generator(from: .list([])) { try $0.next() }
      }
      var rest = passed
      var path: [Value] = []
      if byAttribute {
        guard let attribute = rest.positional.first else {
          throw renderer.failure("the name of an attribute is missing")
        }
        path = try renderer.path(attribute)
        rest.positional.removeFirst()
      }
      let test = rest.positional.isEmpty ? nil : try renderer.text(rest.positional.removeFirst()).string
      if let test, Tests.table[test] == nil { throw renderer.failure("there is no test '\(test)'") }
      return try renderer.generator(from: value) { [unowned renderer] cursor in
        while let item = try cursor.next() {
          try renderer.step()
          let found = try renderer.look(up: path, in: item)
          let passes = try test.map { try renderer.test($0, found, rest) } ?? renderer.isTrue(found)
          if passes == isWanted { return item }
        }
        return nil
      }
    })
  }
}

extension Renderer {
  fileprivate func map(_ value: Value, _ passed: Passed) throws -> Value {
    guard try isTrue(value) else { return try generator(from: .list([])) { try $0.next() } }
    if passed.positional.isEmpty, let attribute = passed.keywords.first(where: { $0.name == "attribute" }) {
      let known = ["attribute", "default"]
      if let other = passed.keywords.first(where: { !known.contains($0.name) }) {
        throw failure("'map' has no use for the argument '\(other.name)'")
      }
      let path = try path(attribute.value)
      let fallback = passed.keywords.first { $0.name == "default" }?.value
      let given = fallback.flatMap { $0.isNone ? nil : $0 }
      return try generator(from: value) { [unowned self] cursor in
        try cursor.next().map { try self.look(up: path, in: $0, default: given) }
      }
    }
    guard let first = passed.positional.first else { throw failure("'map' needs a filter") }
    let name = try text(first).string
    guard Filters.table[name] != nil else { throw failure("there is no filter '\(name)'") }
    var rest = passed
    rest.positional.removeFirst()
    return try generator(from: value) { [unowned self] cursor in
      try cursor.next().map { try self.nestedFilter(name, $0, rest) }
    }
  }

  /// A generator may run inside another; both count as levels.
  private func nestedFilter(_ name: String, _ value: Value, _ passed: Passed) throws -> Value {
    try nested { try requireDepth(filter(name, value, passed)) }
  }
}
