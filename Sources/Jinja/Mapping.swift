/// A Python dictionary: pairs in the order in which keys were inserted.
public struct Mapping: Sendable {
  private(set) var keys: [Value] = []
  private(set) var values: [Value] = []
  private var places: [Key: Int] = [:]
  private(set) var depth = 1

  public init() {}

  /// Pairs in order. For equal keys the last value wins.
  public init(_ pairs: [(String, Value)]) {
    for (key, value) in pairs { self[key] = value }
  }

  public var count: Int { keys.count }
  public var isEmpty: Bool { keys.isEmpty }
  /// Pairs of key and value, in order.
  public var pairs: [(key: Value, value: Value)] { Array(zip(keys, values)).map { ($0, $1) } }

  public subscript(key: String) -> Value? {
    get { self[Key.text(Text(key))] }
    set { if let newValue { set(Text(key), newValue) } else { remove(.text(Text(key))) } }
  }

  /// Sets a value; the key keeps the origins of its scalars.
  public mutating func set(_ key: Text, _ value: Value) { set(.text(key), original: .text(key), to: value) }

  subscript(key: Key) -> Value? { places[key].map { values[$0] } }

  mutating func set(_ key: Key, original: Value, to value: Value) {
    depth = max(depth, 1 + value.depth, 1 + original.depth)
    if let place = places[key] {
      values[place] = value
    } else {
      places[key] = keys.count
      keys.append(original)
      values.append(value)
    }
  }

  private mutating func remove(_ key: Key) {
    guard let place = places.removeValue(forKey: key) else { return }
    keys.remove(at: place)
    values.remove(at: place)
    for (other, index) in places where index > place { places[other] = index - 1 }
  }
}

/// A value as a dictionary key. As in Python, equal numbers of different types are the same key.
enum Key: Hashable, Sendable {
  case none
  case integer(Int)
  case float(Double)
  case text(Text)
  case tuple([Key])
  case undefined
  case object(Int)
  case function(String)

  /// Nil for values that are not hashable in Python.
  init?(_ value: Value) {
    switch value {
    case .none: self = .none
    case .bool(let flag): self = .integer(flag ? 1 : 0)
    case .integer(let number): self = .integer(number)
    case .float(let number):
      if let exact = Int(exactly: number) { self = .integer(exact) } else { self = .float(number) }
    case .text(let text): self = .text(text)
    case .undefined: self = .undefined
    case .tuple(let list):
      var keys: [Key] = []
      for item in list.items {
        guard let key = Key(item) else { return nil }
        keys.append(key)
      }
      self = .tuple(keys)
    case .opaque(let opaque):
      switch opaque.kind {
      case .function(let name): self = .function(name)
      case .object(let index): self = .object(index)
      case .method: return nil
      }
    case .list, .mapping, .range, .view: return nil
    }
  }
}
