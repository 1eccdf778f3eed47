import Support

// Python's operators. Integers have 64 bits; an operation that overflows is refused.
extension Renderer {
  func calculate(_ kind: Operation.Kind, _ left: Value, _ right: Value) throws -> Value {
    if case .text(let text) = left {
      if let value = try calculate(kind, text, right) { return value }
    } else if case .undefined(let undefined) = left {
      throw undefinedFailure(undefined)
    } else if case .undefined(let undefined) = right {
      throw undefinedFailure(undefined)
    } else if let a = left.asInteger, let b = right.asInteger {
      return try calculate(kind, a, b)
    } else if let a = left.asDouble, let b = right.asDouble {
      return try calculate(kind, a, b)
    } else if kind == .add || kind == .multiply, let value = try calculateLists(kind, left, right) {
      return value
    }
    throw failure(
      "'\(kind.rawValue)' has no meaning between a \(left.typeName) and a \(right.typeName)")
  }

  private func calculate(_ kind: Operation.Kind, _ text: Text, _ right: Value) throws -> Value? {
    if kind == .remainder { return .text(try percentFormat(text, right)) }
    if case .undefined(let undefined) = right { throw undefinedFailure(undefined) }
    switch (kind, right) {
    case (.add, .text(let other)):
      try chargeText(text.count + other.count)
      guard text.isMarkup || other.isMarkup else { return .text(Text(units: text.units + other.units)) }
      return .text(Text(units: try escaped(left: text) + escaped(left: other), isMarkup: true))
    case (.multiply, _):
      guard let count = right.asInteger else { return nil }
      return .text(try text.repeated(count, self))
    default: return nil
    }
  }

  private func escaped(left text: Text) throws -> [UInt32] { try escaped(.text(text)).units }

  private func calculateLists(_ kind: Operation.Kind, _ left: Value, _ right: Value) throws -> Value? {
    switch (left, right) {
    case (.list(let a), .list(let b)) where kind == .add: return .list(try join(a, b))
    case (.tuple(let a), .tuple(let b)) where kind == .add: return .tuple(try join(a, b))
    case (_, .text(let text)) where kind == .multiply:
      return try left.asInteger.map { .text(try text.repeated($0, self)) }
    case (.list(let list), _) where kind == .multiply:
      return try right.asInteger.map { .list(try repeated(list, $0)) }
    case (.tuple(let list), _) where kind == .multiply:
      return try right.asInteger.map { .tuple(try repeated(list, $0)) }
    case (_, .list(let list)) where kind == .multiply:
      return try left.asInteger.map { .list(try repeated(list, $0)) }
    case (_, .tuple(let list)) where kind == .multiply:
      return try left.asInteger.map { .tuple(try repeated(list, $0)) }
    default: return nil
    }
  }

  private func join(_ a: List, _ b: List) throws -> List {
    try charge(a.count + b.count)
    return List(a.items + b.items, depth: max(a.depth, b.depth))
  }

  private func repeated(_ list: List, _ count: Int) throws -> List {
    let (total, overflow) = list.count.multipliedReportingOverflow(by: max(count, 0))
    try charge(overflow ? Int.max : total)
    return List(Array(repeatElement(list.items, count: max(count, 0)).joined()), depth: list.depth)
  }

  // MARK: Numbers

  private func whole(_ result: (partialValue: Int, overflow: Bool)) throws -> Value {
    if result.overflow { throw failure("the number is too large") }
    return .integer(result.partialValue)
  }

  private func calculate(_ kind: Operation.Kind, _ a: Int, _ b: Int) throws -> Value {
    switch kind {
    case .add: return try whole(a.addingReportingOverflow(b))
    case .subtract: return try whole(a.subtractingReportingOverflow(b))
    case .multiply: return try whole(a.multipliedReportingOverflow(by: b))
    case .divide:
      if b == 0 { throw failure("a number is divided by zero") }
      return .float(Double(a) / Double(b))
    case .floorDivide, .remainder:
      if b == 0 { throw failure("a number is divided by zero") }
      let (quotient, overflow) = a.dividedReportingOverflow(by: b)
      if overflow { throw failure("the number is too large") }
      let rest = a - quotient * b
      let isBelow = rest != 0 && (rest < 0) != (b < 0)
      return .integer(kind == .remainder ? rest + (isBelow ? b : 0) : quotient - (isBelow ? 1 : 0))
    case .power: return try power(a, b)
    }
  }

  private func power(_ base: Int, _ exponent: Int) throws -> Value {
    if exponent < 0 { return try calculate(.power, Double(base), Double(exponent)) }
    var (result, factor, rest) = (1, base, exponent)
    while rest > 0 {
      if rest & 1 == 1 {
        let (product, overflow) = result.multipliedReportingOverflow(by: factor)
        if overflow { throw failure("the number is too large") }
        result = product
      }
      rest >>= 1
      if rest == 0 { break }
      let (square, overflow) = factor.multipliedReportingOverflow(by: factor)
      if overflow { throw failure("the number is too large") }
      factor = square
    }
    return .integer(result)
  }

  private func calculate(_ kind: Operation.Kind, _ a: Double, _ b: Double) throws -> Value {
    switch kind {
    case .add: return .float(a + b)
    case .subtract: return .float(a - b)
    case .multiply: return .float(a * b)
    case .divide:
      if b == 0 { throw failure("a number is divided by zero") }
      return .float(a / b)
    case .floorDivide, .remainder:
      if b == 0 { throw failure("a number is divided by zero") }
      var rest = a.truncatingRemainder(dividingBy: b)
      if rest != 0, (rest < 0) != (b < 0) { rest += b }
      if rest == 0 { rest = b < 0 ? -0.0 : 0 }
      if kind == .remainder { return .float(rest) }
      return .float(((a - rest) / b).rounded())
    case .power: return .float(try power(a, b))
    }
  }

  private func power(_ base: Double, _ exponent: Double) throws -> Double {
    if exponent == 0.5, base >= 0 { return base.squareRoot() }
    guard exponent == exponent.rounded(), abs(exponent) < 1e6 else {
      throw failure("a power with this exponent is not supported")
    }
    if base == 0, exponent < 0 { throw failure("zero has no negative power") }
    var (result, factor, rest) = (1.0, base, Int(abs(exponent)))
    while rest > 0 {
      if rest & 1 == 1 { result *= factor }
      factor *= factor
      rest >>= 1
    }
    if result.isInfinite, base.isFinite { throw failure("the number is too large") }
    return exponent < 0 ? 1 / result : result
  }

  func negate(_ value: Value, _ place: Position) throws -> Value {
    position = place
    if case .float(let number) = value { return .float(-number) }
    guard let number = try signed(value) else { throw failure("the number is too large") }
    return try whole((0).subtractingReportingOverflow(number))
  }

  func keepSign(_ value: Value, _ place: Position) throws -> Value {
    position = place
    if case .float = value { return value }
    return .integer(try signed(value) ?? 0)
  }

  private func signed(_ value: Value) throws -> Int? {
    if case .undefined(let undefined) = value { throw undefinedFailure(undefined) }
    guard let number = value.asInteger else {
      throw failure("a value of type \(value.typeName) has no sign")
    }
    return number
  }
}

extension Text {
  func repeated(_ count: Int, _ renderer: Renderer) throws -> Text {
    guard count > 0, !isEmpty else { return with([]) }
    let (total, overflow) = self.count.multipliedReportingOverflow(by: count)
    try renderer.chargeText(overflow ? Int.max : total)
    return with(Array(repeatElement(units, count: count).joined()))
  }
}
