/// Decodes Swift types from a parsed JSON value. `JSON.decode` uses it, so that it reads texts exactly as
/// `JSON.parse` does.
///
/// Like `JSONDecoder`, it does not accept a text as a number or a number as a Boolean, and it accepts `2.0` as a
/// whole number.
struct JSONValueDecoder: Decoder {
  let value: JSONValue
  let codingPath: [any CodingKey]
  var userInfo: [CodingUserInfoKey: Any] { [:] }

  init(_ value: JSONValue, at path: [any CodingKey] = []) {
    self.value = value
    codingPath = path
  }

  func container<Key: CodingKey>(keyedBy type: Key.Type) throws -> KeyedDecodingContainer<Key> {
    KeyedDecodingContainer(KeyedValues(try members(), codingPath))
  }

  func unkeyedContainer() throws -> any UnkeyedDecodingContainer {
    guard let values = value.array else { throw mismatch([Any].self) }
    return ListedValues(values, codingPath)
  }

  func singleValueContainer() throws -> any SingleValueDecodingContainer { SingleValue(decoder: self) }

  fileprivate func members() throws -> JSONObject {
    guard let object = value.object else { throw mismatch([String: Any].self) }
    return object
  }

  // MARK: Values

  func decode<T: Decodable>(_ type: T.Type) throws -> T {
    switch type {
    case is Bool.Type: try require(value.bool, type) as! T
    case is String.Type: try require(value.string, type) as! T
    case is Double.Type: try require(value.number, type) as! T
    case is Float.Type: try require(value.number.map { Float($0) }, type) as! T
    case let type as any FixedWidthInteger.Type: try whole(type) as! T
    default: try T(from: self)
    }
  }

  private func whole<T: FixedWidthInteger>(_ type: T.Type) throws -> T {
    let found: T? = switch value {
    case .integer(let value): T(exactly: value)
    case .unsigned(let value): T(exactly: value)
    case .number(let value): T(exactly: value)
    default: throw mismatch(type)
    }
    guard let found else {
      let written = String(decoding: JSON.write(value), as: UTF8.self)
      throw DecodingError.dataCorrupted(.init(
        codingPath: codingPath, debugDescription: "\(written) is not a whole number from \(T.min) to \(T.max)"))
    }
    return found
  }

  private func require<T>(_ found: T?, _ type: any Any.Type) throws -> T {
    guard let found else { throw mismatch(type) }
    return found
  }

  private func mismatch(_ type: any Any.Type) -> DecodingError {
    let context = DecodingError.Context(codingPath: codingPath, debugDescription: "")
    return value.isNull ? .valueNotFound(type, context) : .typeMismatch(type, context)
  }
}

private struct SingleValue: SingleValueDecodingContainer {
  let decoder: JSONValueDecoder
  var codingPath: [any CodingKey] { decoder.codingPath }

  func decodeNil() -> Bool { decoder.value.isNull }
  func decode<T: Decodable>(_ type: T.Type) throws -> T { try decoder.decode(type) }
}

private struct KeyedValues<Key: CodingKey>: KeyedDecodingContainerProtocol {
  private let members: JSONObject
  let codingPath: [any CodingKey]

  init(_ members: JSONObject, _ path: [any CodingKey]) {
    self.members = members
    codingPath = path
  }

  var allKeys: [Key] { members.keys.compactMap { Key(stringValue: $0) } }

  func contains(_ key: Key) -> Bool { members[key.stringValue] != nil }

  private func decoder(_ key: any CodingKey) throws -> JSONValueDecoder {
    guard let value = members[key.stringValue] else {
      throw DecodingError.keyNotFound(key, .init(codingPath: codingPath, debugDescription: ""))
    }
    return JSONValueDecoder(value, at: codingPath + [key])
  }

  func decodeNil(forKey key: Key) throws -> Bool { try decoder(key).value.isNull }
  func decode<T: Decodable>(_ type: T.Type, forKey key: Key) throws -> T { try decoder(key).decode(type) }

  func nestedContainer<Nested: CodingKey>(
    keyedBy type: Nested.Type, forKey key: Key
  ) throws -> KeyedDecodingContainer<Nested> {
    try decoder(key).container(keyedBy: type)
  }

  func nestedUnkeyedContainer(forKey key: Key) throws -> any UnkeyedDecodingContainer {
    try decoder(key).unkeyedContainer()
  }

  func superDecoder() throws -> any Decoder { try decoder(PlaceKey(stringValue: "super")) }
  func superDecoder(forKey key: Key) throws -> any Decoder { try decoder(key) }
}

private struct ListedValues: UnkeyedDecodingContainer {
  private let values: [JSONValue]
  let codingPath: [any CodingKey]
  private(set) var currentIndex = 0

  init(_ values: [JSONValue], _ path: [any CodingKey]) {
    self.values = values
    codingPath = path
  }

  var count: Int? { values.count }
  var isAtEnd: Bool { currentIndex == values.count }

  private func next(_ type: any Any.Type) throws -> JSONValueDecoder {
    let path = codingPath + [PlaceKey(intValue: currentIndex)]
    guard !isAtEnd else {
      throw DecodingError.valueNotFound(type, .init(codingPath: path, debugDescription: "the list has ended"))
    }
    return JSONValueDecoder(values[currentIndex], at: path)
  }

  private mutating func taking<T>(_ type: any Any.Type, _ body: (JSONValueDecoder) throws -> T) throws -> T {
    let result = try body(next(type))
    currentIndex += 1
    return result
  }

  mutating func decodeNil() throws -> Bool {
    guard try next(Never.self).value.isNull else { return false }
    currentIndex += 1
    return true
  }

  mutating func decode<T: Decodable>(_ type: T.Type) throws -> T { try taking(type) { try $0.decode(type) } }

  mutating func nestedContainer<Nested: CodingKey>(
    keyedBy type: Nested.Type
  ) throws -> KeyedDecodingContainer<Nested> {
    try taking(type) { try $0.container(keyedBy: type) }
  }

  mutating func nestedUnkeyedContainer() throws -> any UnkeyedDecodingContainer {
    try taking([Any].self) { try $0.unkeyedContainer() }
  }

  mutating func superDecoder() throws -> any Decoder { try taking(Never.self) { $0 } }
}

/// A position in a list, or a key.
private struct PlaceKey: CodingKey {
  let stringValue: String
  let intValue: Int?

  init(stringValue: String) { (self.stringValue, intValue) = (stringValue, nil) }
  init(intValue: Int) { (stringValue, self.intValue) = ("\(intValue)", intValue) }
}
