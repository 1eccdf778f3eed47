import Support

/// Values that are produced one at a time and only once, such as those of `map`.
final class Generator {
  /// The number of generators in the chain that it reads from.
  let depth: Int
  private var produce: (() throws -> Value?)?

  init(depth: Int, _ produce: @escaping () throws -> Value?) {
    self.depth = depth
    self.produce = produce
  }

  func next() throws -> Value? {
    guard let value = try produce?() else {
      produce = nil
      return nil
    }
    return value
  }
}

/// Iterates over the items of a value.
struct Cursor {
  enum Source {
    case items([Value])
    case text(Text)
    case range(Value.IntegerRange)
    case generator(Generator)
  }
  let source: Source
  private var index = 0

  init(_ source: Source) { self.source = source }

  mutating func next() throws -> Value? {
    defer { index += 1 }
    switch source {
    case .items(let items): return index < items.count ? items[index] : nil
    case .text(let text): return index < text.count ? .text(text.slice(index..<index + 1)) : nil
    case .range(let range): return index < range.count ? .integer(range[index]) : nil
    case .generator(let generator): return try generator.next()
    }
  }

  /// The number of items, if known.
  var count: Int? {
    switch source {
    case .items(let items): items.count
    case .text(let text): text.count
    case .range(let range): range.count
    case .generator: nil
    }
  }
}

extension Renderer {
  /// Iterates over a value as Python does.
  func cursor(_ value: Value) throws -> Cursor {
    switch value {
    case .undefined: return Cursor(.items([]))
    case .list(let list), .tuple(let list): return Cursor(.items(list.items))
    case .text(let text): return Cursor(.text(text))
    case .mapping(let mapping): return Cursor(.items(mapping.keys))
    case .range(let range): return Cursor(.range(range))
    case .view(let view):
      try charge(view.mapping.count)
      return Cursor(.items(view.items))
    case .opaque:
      if case .generator(let generator) = object(value) { return Cursor(.generator(generator)) }
    case .none, .bool, .integer, .float: break
    }
    throw failure("a value of type \(value.typeName) cannot be iterated over")
  }

  /// All items of a value.
  func items(_ value: Value) throws -> [Value] {
    switch value {
    case .list(let list), .tuple(let list):
      try charge(list.count / 16)
      return list.items
    default:
      var cursor = try cursor(value)
      var items: [Value] = []
      while let item = try cursor.next() {
        try step()
        items.append(item)
      }
      return items
    }
  }

  /// A generator that reads from `value`.
  func generator(
    from value: Value, _ produce: @escaping (inout Cursor) throws -> Value?
  ) throws -> Value {
    var depth = 1
    if case .generator(let source) = object(value) { depth += source.depth }
    if depth > limits.depth { throw failure("the template is nested too deeply") }
    var cursor = try cursor(value)
    return try keep(
      .generator(
        Generator(depth: depth) { [unowned self] in
          try self.step()
          return try produce(&cursor)
        }))
  }

  func length(_ value: Value) throws -> Int {
    switch value {
    case .undefined: return 0
    case .text(let text): return text.count
    case .list(let list), .tuple(let list): return list.count
    case .mapping(let mapping): return mapping.count
    case .range(let range): return range.count
    case .view(let view): return view.mapping.count
    case .opaque:
      if case .loop(let loop) = object(value) { return try loop.length() }
    case .none, .bool, .integer, .float: break
    }
    throw failure("a value of type \(value.typeName) has no length")
  }

  /// Python's truth value.
  func isTrue(_ value: Value) throws -> Bool {
    switch value {
    case .undefined, .none: false
    case .bool(let flag): flag
    case .integer(let number): number != 0
    case .float(let number): number != 0
    case .text(let text): !text.isEmpty
    case .list(let list), .tuple(let list): list.count > 0
    case .mapping(let mapping): !mapping.isEmpty
    case .range(let range): range.count > 0
    case .view(let view): !view.mapping.isEmpty
    case .opaque:
      if case .loop(let loop) = object(value) { try loop.length() > 0 } else { true }
    }
  }
}
