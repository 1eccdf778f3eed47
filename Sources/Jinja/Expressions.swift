import Support

extension Renderer {
  func evaluate(_ expression: Expression) throws -> Value {
    try step()
    switch expression {
    case .constant(let value): return value
    case .name(let name, let place):
      position = place
      return value(of: name)
    default: return try nested { try evaluateCompound(expression) }
    }
  }

  private func evaluateCompound(_ expression: Expression) throws -> Value {
    switch expression {
    case .constant, .name: return try evaluate(expression)
    case .list(let items): return try requireDepth(.list(try items.map(evaluate)))
    case .tuple(let items): return try requireDepth(.tuple(try items.map(evaluate)))
    case .dictionary(let items, let place): return try evaluate(items, place)
    case .negative(let value, let place): return try negate(evaluate(value), place)
    case .positive(let value, let place): return try keepSign(evaluate(value), place)
    case .arithmetic(let first, let rest): return try evaluate(first, rest)
    case .concatenation(let items): return try concatenate(items)
    case .comparison(let first, let rest): return try evaluate(first, rest)
    case .and(let items): return try evaluate(items, until: false)
    case .or(let items): return try evaluate(items, until: true)
    case .not(let value): return .bool(!(try isTrue(evaluate(value))))
    case .conditional(let test, let then, let otherwise):
      return try evaluate(test, then: then, otherwise: otherwise)
    case .postfix(let value, let steps): return try apply(steps, to: evaluate(value))
    }
  }

  private func evaluate(
    _ test: Expression, then: Expression, otherwise: Expression?
  ) throws -> Value {
    if try isTrue(evaluate(test)) { return try evaluate(then) }
    guard let otherwise else {
      return .undefined(Undefined("the condition is false, and there is no 'else'"))
    }
    return try evaluate(otherwise)
  }

  /// `and` stops at the first false value, `or` at the first true one. The result is the value evaluated last.
  private func evaluate(_ items: [Expression], until end: Bool) throws -> Value {
    for item in items.dropLast() {
      let value = try evaluate(item)
      if try isTrue(value) == end { return value }
    }
    return try evaluate(items[items.count - 1])
  }

  private func evaluate(_ items: [(key: Expression, value: Expression)], _ place: Position) throws -> Value {
    var mapping = Mapping()
    for item in items {
      let key = try evaluate(item.key)
      let value = try evaluate(item.value)
      position = place
      mapping.set(try self.key(key), original: key, to: value)
    }
    return try requireDepth(.mapping(mapping))
  }

  func key(_ value: Value) throws -> Key {
    if case .text(let text) = value { try charge(text.count / 16) }
    guard let key = Key(value) else {
      throw failure("a value of type \(value.typeName) cannot be a key")
    }
    return key
  }

  private func evaluate(_ first: Expression, _ rest: [Operation]) throws -> Value {
    var value = try evaluate(first)
    for operation in rest {
      let operand = try evaluate(operation.operand)
      position = operation.position
      value = try calculate(operation.kind, value, operand)
    }
    return value
  }

  private func evaluate(_ first: Expression, _ rest: [Comparison]) throws -> Value {
    var left = try evaluate(first)
    for comparison in rest {
      let right = try evaluate(comparison.operand)
      position = comparison.position
      guard try compare(comparison.kind, left, right) else { return .bool(false) }
      left = right
    }
    return .bool(true)
  }

  private func concatenate(_ items: [Expression]) throws -> Value {
    var units: [UInt32] = []
    for value in try items.map(evaluate) {
      let text = try string(value)
      try requireLength(units.count + text.count)
      try charge(text.count / 16)
      units += text.units
    }
    return .text(Text(units: units))
  }

  // MARK: Attributes, items, calls, filters and tests

  func apply(_ steps: [Postfix], to first: Value) throws -> Value {
    var value = first
    for step in steps { value = try requireDepth(try apply(step, to: value)) }
    return value
  }

  private func apply(_ step: Postfix, to value: Value) throws -> Value {
    try self.step()
    switch step.kind {
    case .attribute(let name):
      position = step.position
      return try attribute(name, of: value)
    case .item(let item):
      let index = try evaluate(item)
      position = step.position
      return try self.item(index, of: value)
    case .slice(let start, let stop, let stride):
      return try slice(value, from: start, to: stop, by: stride, step.position)
    case .call(let arguments):
      let passed = try evaluate(arguments)
      position = step.position
      return try call(value, passed)
    case .filter(let name, let arguments):
      let passed = try evaluate(arguments)
      position = step.position
      return try filter(name, value, passed)
    case .test(let name, let arguments, let isNegated):
      let passed = try evaluate(arguments)
      position = step.position
      return .bool(try test(name, value, passed) != isNegated)
    }
  }

  func filter(_ name: String, _ value: Value, _ passed: Passed) throws -> Value {
    guard let filter = Filters.table[name] else { throw failure("there is no filter '\(name)'") }
    return try filter.call(self, value, passed, name: name)
  }

  func test(_ name: String, _ value: Value, _ passed: Passed) throws -> Bool {
    guard let test = Tests.table[name] else { throw failure("there is no test '\(name)'") }
    return try isTrue(test.call(self, value, passed, name: name))
  }

  private func slice(
    _ value: Value, from start: Expression?, to stop: Expression?, by stride: Expression?,
    _ place: Position
  ) throws -> Value {
    let bounds = try [start, stop, stride].map { try $0.map(evaluate) ?? .none }
    position = place
    return try slice(value, bounds)
  }
}
