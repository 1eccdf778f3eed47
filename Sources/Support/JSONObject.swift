/// The keys and values of a JSON object, in the order of the text.
///
/// Two objects are equal if they have equal values under equal keys, in any order. Keys are equal if their UTF-8
/// bytes are equal, as in other JSON readers: é as one scalar and é as two scalars are different keys.
public struct JSONObject: Sendable {
  public typealias Element = (key: String, value: JSONValue)

  public private(set) var keys: [String] = []
  public private(set) var values: [JSONValue] = []
  /// The position of each key. Filled once there are so many keys that a linear search is slow.
  private var positions: [[UInt8]: Int] = [:]

  private static let manyKeys = 16

  public init() {}

  /// Keys in alphabetical order.
  public init(_ dictionary: [String: JSONValue]) {
    for key in dictionary.keys.sorted() { append(key, dictionary[key]!) }
  }

  /// The value of a key. Setting a new key appends it; setting an existing key keeps its place; nil removes it.
  public subscript(key: String) -> JSONValue? {
    get { position(of: key).map { values[$0] } }
    set {
      switch (position(of: key), newValue) {
      case (let place?, let value?): values[place] = value
      case (let place?, nil): remove(at: place)
      case (nil, let value?): append(key, value)
      case (nil, nil): break
      }
    }
  }

  /// The members as a dictionary. If Swift's `String` considers two keys equal, the later one wins.
  public var dictionary: [String: JSONValue] { Dictionary(zip(keys, values), uniquingKeysWith: { $1 }) }

  /// Removes a key and returns its value; nil if the key does not exist.
  @discardableResult
  public mutating func removeValue(forKey key: String) -> JSONValue? {
    guard let place = position(of: key) else { return nil }
    defer { remove(at: place) }
    return values[place]
  }

  /// Appends a key that does not exist yet.
  mutating func append(_ key: String, _ value: JSONValue) {
    keys.append(key)
    values.append(value)
    if keys.count == Self.manyKeys {
      for (place, key) in keys.enumerated() { positions[Array(key.utf8)] = place }
    } else if keys.count > Self.manyKeys {
      positions[Array(key.utf8)] = keys.count - 1
    }
  }

  private mutating func remove(at place: Int) {
    let rest = zip(keys, values).enumerated().filter { $0.offset != place }.map(\.element)
    self = JSONObject()
    for (key, value) in rest { append(key, value) }
  }

  private func position(of key: String) -> Int? {
    keys.count < Self.manyKeys
      ? keys.firstIndex { $0.utf8.elementsEqual(key.utf8) } : positions[Array(key.utf8)]
  }
}

extension JSONObject: RandomAccessCollection {
  public var startIndex: Int { 0 }
  public var endIndex: Int { keys.count }

  public subscript(position: Int) -> Element { (keys[position], values[position]) }
}

extension JSONObject: ExpressibleByDictionaryLiteral {
  public typealias Key = String
  public typealias Value = JSONValue

  /// If a key appears twice, the later value wins.
  public init(dictionaryLiteral elements: (String, JSONValue)...) {
    for (key, value) in elements { self[key] = value }
  }
}

extension JSONObject: Hashable {
  public static func == (a: JSONObject, b: JSONObject) -> Bool {
    a.count == b.count && a.allSatisfy { b[$0.key] == $0.value }
  }

  public func hash(into hasher: inout Hasher) {
    for key in keys.sorted() {
      hasher.combine(key)
      hasher.combine(self[key])
    }
  }
}

extension JSONObject: Codable {
  private struct Name: CodingKey {
    let stringValue: String
    var intValue: Int? { nil }
    init(stringValue: String) { self.stringValue = stringValue }
    init?(intValue: Int) { nil }
  }

  public init(from decoder: any Decoder) throws {
    self.init(try decoder.singleValueContainer().decode([String: JSONValue].self))
  }

  public func encode(to encoder: any Encoder) throws {
    var container = encoder.container(keyedBy: Name.self)
    for (key, value) in self { try container.encode(value, forKey: Name(stringValue: key)) }
  }
}
