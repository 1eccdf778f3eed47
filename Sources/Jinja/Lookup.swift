import Support

// Attributes, items and slices. Things that do not exist, or that the sandbox hides, are undefined.
extension Renderer {
  /// `value.name`: the attribute if it exists, else the item.
  func attribute(_ name: String, of value: Value) throws -> Value {
    if case .undefined(let undefined) = value { throw undefinedFailure(undefined) }
    if let found = try member(name, of: value) { return found }
    if case .mapping(let mapping) = value, let found = mapping[name] { return found }
    return missing(name, value)
  }

  /// `value[index]`: the item if it exists, else the attribute.
  func item(_ index: Value, of value: Value) throws -> Value {
    if case .undefined(let undefined) = value { throw undefinedFailure(undefined) }
    if case .text(let name) = index { try charge(name.count / 16) }
    if let found = try element(index, of: value) { return found }
    if case .text(let name) = index {
      return try member(name.string, of: value) ?? missing(name.string, value)
    }
    return .undefined(Undefined("a value of type \(value.typeName) has no such item"))
  }

  private func missing(_ name: String, _ value: Value) -> Value {
    .undefined(Undefined("'\(value.typeName) object' has no attribute '\(name)'"))
  }

  /// The value at an index or key.
  private func element(_ index: Value, of value: Value) throws -> Value? {
    switch value {
    case .mapping(let mapping):
      guard let key = Key(index) else { return nil }
      return mapping[key]
    case .list(let list), .tuple(let list):
      return place(index, count: list.count).map { list.items[$0] }
    case .text(let text):
      return place(index, count: text.count).map { .text(text.slice($0..<$0 + 1)) }
    case .range(let range): return place(index, count: range.count).map { .integer(range[$0]) }
    case .opaque:
      guard case .namespace(let namespace) = object(value), case .text(let name) = index else {
        return nil
      }
      return namespace.attributes[name.string]
    default: return nil
    }
  }

  private func place(_ index: Value, count: Int) -> Int? {
    guard let index = index.asInteger else { return nil }
    let place = index < 0 ? index + count : index
    return place >= 0 && place < count ? place : nil
  }

  /// A method or property of the Python type.
  private func member(_ name: String, of value: Value) throws -> Value? {
    if name.hasPrefix("__"), name.hasSuffix("__") { return hidden(name, value) }
    switch value {
    case .text: return Methods.text[name] == nil ? nil : .method(value, name)
    case .mapping:
      if Methods.mutators(of: value).contains(name) { return hidden(name, value) }
      return Methods.mapping[name] == nil ? nil : .method(value, name)
    case .list:
      if Methods.mutators(of: value).contains(name) { return hidden(name, value) }
      return Methods.list[name] == nil ? nil : .method(value, name)
    case .tuple(let list):
      if list.isGroup, list.count == 2, name == "grouper" || name == "list" {
        return list.items[name == "grouper" ? 0 : 1]
      }
      return name == "count" || name == "index" ? .method(value, name) : nil
    case .range(let range):
      switch name {
      case "start": return .integer(range.start)
      case "stop": return .integer(range.stop)
      case "step": return .integer(range.step)
      default: return nil
      }
    case .view(let view):
      return name == "mapping" ? .mapping(view.mapping) : nil
    case .opaque: return try member(name, ofObject: value)
    case .undefined, .none, .bool, .integer, .float: return nil
    }
  }

  private func hidden(_ name: String, _ value: Value) -> Value {
    .undefined(Undefined("access to '\(name)' of a value of type \(value.typeName) is not allowed"))
  }

  private func member(_ name: String, ofObject value: Value) throws -> Value? {
    switch object(value) {
    case .namespace(let namespace): return namespace.attributes[name]
    case .loop(let loop):
      if name == "cycle" || name == "changed" { return .method(value, name) }
      return try loop.attribute(name)
    case .cycler(let cycler):
      if name == "next" || name == "reset" { return .method(value, name) }
      return name == "current" ? cycler.items[cycler.index] : nil
    case .macro(let closure):
      switch name {
      case "name": return closure.macro.name.map { .text($0) } ?? Value.none
      case "arguments":
        return .tuple(closure.macro.parameters.map { .text(program.names.words[$0.name]) })
      case "caller": return .bool(closure.macro.caller != nil)
      case "catch_kwargs": return .bool(closure.macro.keywords != nil)
      case "catch_varargs": return .bool(closure.macro.rest != nil)
      default: return nil
      }
    default: return nil
    }
  }

  // MARK: Slices

  func slice(_ value: Value, _ bounds: [Value]) throws -> Value {
    if case .undefined(let undefined) = value { throw undefinedFailure(undefined) }
    var numbers: [Int?] = []
    for bound in bounds {
      if !bound.isNone, bound.asInteger == nil { throw failure("a bound of a slice is no integer") }
      numbers.append(bound.asInteger)
    }
    let step = numbers[2] ?? 1
    if step == 0 { throw failure("the step of a slice is zero") }
    switch value {
    case .text(let text):
      let indices = self.indices(text.count, from: numbers[0], to: numbers[1], by: step)
      try chargeText(indices.count)
      return .text(text.with(indices.map { text.units[$0] }))
    case .list(let list): return .list(try slice(list, numbers, step))
    case .tuple(let list): return .tuple(try slice(list, numbers, step))
    case .range(let range):
      let (first, end) = self.bounds(range.count, from: numbers[0], to: numbers[1], by: step)
      let (product, overflow) = range.step.multipliedReportingOverflow(by: step)
      if overflow || product.magnitude >= 1 << 60 { throw failure("the number is too large") }
      return .range(.init(start: range[first], stop: range[end], step: product))
    default: throw failure("a value of type \(value.typeName) cannot be sliced")
    }
  }

  private func slice(_ list: List, _ numbers: [Int?], _ step: Int) throws -> List {
    let indices = self.indices(list.count, from: numbers[0], to: numbers[1], by: step)
    try charge(indices.count)
    return List(indices.map { list.items[$0] }, depth: list.depth)
  }

  /// The indices that Python's `start:stop:step` selects from `count` items.
  private func indices(_ count: Int, from start: Int?, to stop: Int?, by step: Int) -> [Int] {
    let (first, end) = bounds(count, from: start, to: stop, by: step)
    return Array(stride(from: first, to: end, by: step))
  }

  private func bounds(_ count: Int, from start: Int?, to stop: Int?, by step: Int) -> (Int, Int) {
    let (least, most) = step > 0 ? (0, count) : (-1, count - 1)
    func bound(_ number: Int?, _ fallback: Int) -> Int {
      guard let number else { return fallback }
      return min(max(number < 0 ? number + count : number, least), most)
    }
    return (bound(start, step > 0 ? least : most), bound(stop, step > 0 ? most : least))
  }
}
