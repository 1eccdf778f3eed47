/// A value of the template language. Arithmetic, comparisons and printed forms are as in Python.
public enum Value: Sendable {
  case undefined(Undefined)
  case none
  case bool(Bool)
  case integer(Int)
  case float(Double)
  case text(Text)
  case list(List)
  case tuple(List)
  indirect case mapping(Mapping)
  indirect case range(IntegerRange)
  indirect case view(DictionaryView)
  indirect case opaque(Opaque)

  public static func list(_ items: [Value]) -> Value { .list(List(items)) }
  public static func tuple(_ items: [Value]) -> Value { .tuple(List(items)) }
  public static func text(_ string: String) -> Value { .text(Text(string)) }

  /// The integers of Python's `range`.
  public struct IntegerRange: Sendable, Equatable {
    var start: Int, stop: Int, step: Int

    var count: Int {
      if step > 0 { return start < stop ? (stop - start - 1) / step + 1 : 0 }
      return start > stop ? (start - stop - 1) / -step + 1 : 0
    }

    subscript(index: Int) -> Int { start + index * step }
  }

  /// The result of `keys`, `values` or `items` of a mapping.
  public struct DictionaryView: Sendable {
    enum Kind: String, Sendable { case keys, values, items }
    var kind: Kind
    var mapping: Mapping

    var items: [Value] {
      switch kind {
      case .keys: mapping.keys
      case .values: mapping.values
      case .items: zip(mapping.keys, mapping.values).map { .tuple([$0, $1]) }
      }
    }
  }
}

/// A list or tuple. It stores how deeply it is nested, so that a walk over a value never recurses too deeply.
public struct List: Sendable, ExpressibleByArrayLiteral {
  public let items: [Value]
  private let nesting: Int32
  /// Whether it is a pair from `groupby`, whose items have names.
  var isGroup = false

  public init(_ items: [Value]) {
    self.items = items
    nesting = 1 + Int32(clamping: items.lazy.map(\.depth).max() ?? 0)
  }

  /// A list with items that are known to be nested at most `depth` deep; the items are not examined.
  init(_ items: [Value], depth: Int) { (self.items, nesting) = (items, Int32(clamping: depth)) }

  public init(arrayLiteral elements: Value...) { self.init(elements) }

  public var count: Int { items.count }
  var depth: Int { Int(nesting) }
}

/// The value of a name, an attribute or an item that does not exist.
public struct Undefined: Sendable {
  /// The error for any use except a test.
  let message: String

  init(_ message: String) { self.message = message }
  init(name: String) { message = "'\(name)' is undefined" }
}

/// Values that only a template creates: functions, macros, loops, namespaces.
public struct Opaque: Sendable {
  enum Kind: Sendable {
    case function(String)
    case method(receiver: Value, name: String)
    /// The index of an object stored in the renderer.
    case object(Int)
  }
  let kind: Kind
}

extension Value {
  /// How deeply lists and mappings are nested in it.
  var depth: Int {
    switch self {
    case .list(let list), .tuple(let list): list.depth
    case .mapping(let mapping): mapping.depth
    case .view(let view): view.mapping.depth + 2
    case .opaque(let opaque):
      if case .method(let receiver, _) = opaque.kind { receiver.depth + 1 } else { 1 }
    default: 0
    }
  }

  var isUndefined: Bool { if case .undefined = self { true } else { false } }
  var isNone: Bool { if case .none = self { true } else { false } }

  static func function(_ name: String) -> Value { .opaque(Opaque(kind: .function(name))) }
  static func object(_ index: Int) -> Value { .opaque(Opaque(kind: .object(index))) }
  static func method(_ receiver: Value, _ name: String) -> Value {
    .opaque(Opaque(kind: .method(receiver: receiver, name: name)))
  }

  /// Python's name of the type, for error messages.
  var typeName: String {
    switch self {
    case .undefined: "Undefined"
    case .none: "NoneType"
    case .bool: "bool"
    case .integer: "int"
    case .float: "float"
    case .text: "str"
    case .list: "list"
    case .tuple: "tuple"
    case .mapping: "dict"
    case .range: "range"
    case .view(let view): "dict_\(view.kind.rawValue)"
    case .opaque: "object"
    }
  }

  /// Python's `int` of a number or Boolean.
  var asInteger: Int? {
    switch self {
    case .integer(let number): number
    case .bool(let flag): flag ? 1 : 0
    default: nil
    }
  }

  /// The value as a number, including Booleans.
  var asDouble: Double? {
    if case .float(let number) = self { return number }
    return asInteger.map(Double.init)
  }
}
