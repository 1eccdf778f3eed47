import Support

// Equality, order and membership.
extension Renderer {
  func compare(_ kind: Comparison.Kind, _ left: Value, _ right: Value) throws -> Bool {
    switch kind {
    case .equal: try isEqual(left, right)
    case .unequal: try !isEqual(left, right)
    case .less: try isLess(left, right, "<")
    case .greater: try isLess(right, left, ">")
    case .lessOrEqual: try isAtMost(left, right, "<=")
    case .greaterOrEqual: try isAtMost(right, left, ">=")
    case .contained: try contains(right, item: left)
    case .notContained: try !contains(right, item: left)
    }
  }

  func isEqual(_ left: Value, _ right: Value) throws -> Bool {
    try step()
    switch (left, right) {
    case (.undefined, .undefined), (.none, .none): return true
    case (.text(let a), .text(let b)):
      if a.count == b.count { try chargeText(a.count) }
      return a == b
    case (.list(let a), .list(let b)), (.tuple(let a), .tuple(let b)): return try isEqual(a.items, b.items)
    case (.mapping(let a), .mapping(let b)): return try isEqual(a, b)
    case (.range(let a), .range(let b)):
      return a.count == b.count && (0..<min(a.count, 2)).allSatisfy { a[$0] == b[$0] }
    case (.view(let a), .view(let b)) where a.kind != .values && a.kind == b.kind:
      guard a.mapping.count == b.mapping.count else { return false }
      let others = b.items
      for item in a.items where try !contains(.list(others), item: item) { return false }
      return true
    case (.opaque(let a), .opaque(let b)):
      switch (a.kind, b.kind) {
      case (.object(let a), .object(let b)):
        if case (.namespace(let one), .namespace(let other)) = (objects[a], objects[b]) {
          return one === other
        }
        return a == b
      case (.function(let a), .function(let b)): return a == b
      default: return false
      }
    default: break
    }
    if let a = left.asInteger, let b = right.asInteger { return a == b }
    if let a = left.asDouble, let b = right.asDouble { return a == b }
    return false
  }

  private func isEqual(_ a: [Value], _ b: [Value]) throws -> Bool {
    guard a.count == b.count else { return false }
    for (one, other) in zip(a, b) where try !isEqual(one, other) { return false }
    return true
  }

  private func isEqual(_ a: Mapping, _ b: Mapping) throws -> Bool {
    guard a.count == b.count else { return false }
    for (key, value) in a.pairs {
      guard let key = Key(key), let other = b[key], try isEqual(value, other) else { return false }
    }
    return true
  }

  func isLess(_ left: Value, _ right: Value, _ sign: String = "<") throws -> Bool {
    try step()
    switch (left, right) {
    case (.undefined(let undefined), _), (_, .undefined(let undefined)):
      throw undefinedFailure(undefined)
    case (.text(let a), .text(let b)):
      try chargeText(min(a.count, b.count))
      return a.precedes(b)
    case (.list(let a), .list(let b)), (.tuple(let a), .tuple(let b)):
      for (one, other) in zip(a.items, b.items) where try !isEqual(one, other) {
        return try isLess(one, other, sign)
      }
      return a.count < b.count
    default: break
    }
    if let a = left.asInteger, let b = right.asInteger { return a < b }
    if let a = left.asDouble, let b = right.asDouble { return a < b }
    throw failure("'\(sign)' has no meaning between a \(left.typeName) and a \(right.typeName)")
  }

  private func isAtMost(_ left: Value, _ right: Value, _ sign: String) throws -> Bool {
    if case .float(let number) = left, number.isNaN { return false }
    if case .float(let number) = right, number.isNaN { return false }
    return try !isLess(right, left, sign)
  }

  func contains(_ container: Value, item value: Value) throws -> Bool {
    switch container {
    case .undefined: return false
    case .text(let text):
      guard case .text(let part) = value else {
        throw failure("a text contains texts, not a \(value.typeName)")
      }
      try charge((text.count + part.count) / 16)
      return text.find(part, from: 0) != nil
    case .mapping(let mapping): return mapping[try key(value)] != nil
    case .range(let range):
      guard let number = value.asDouble else { return false }
      for index in 0..<range.count where Double(range[index]) == number { return true }
      return false
    default:
      var cursor = try cursor(container)
      while let item = try cursor.next() {
        if try isEqual(item, value) { return true }
      }
      return false
    }
  }

  /// Sorts by keys; items with equal keys keep their order.
  func sorted(_ items: [Value], reverse: Bool, by key: (Value) throws -> Value) throws -> [Value] {
    let keys = try items.map(key)
    var order = Array(items.indices)
    var buffer = order
    var width = 1
    // Bottom-up merge sort: it uses no recursion and makes each comparison once.
    while width < order.count {
      for start in stride(from: 0, to: order.count, by: 2 * width) {
        let middle = min(start + width, order.count)
        let end = min(start + 2 * width, order.count)
        var (left, right) = (start, middle)
        for place in start..<end {
          let takesRight =
            try left == middle
            || (right < end
              && (reverse
                ? isLess(keys[order[left]], keys[order[right]])
                : isLess(keys[order[right]], keys[order[left]])))
          buffer[place] = order[takesRight ? right : left]
          if takesRight { right += 1 } else { left += 1 }
        }
      }
      swap(&order, &buffer)
      width *= 2
    }
    return order.map { items[$0] }
  }
}
