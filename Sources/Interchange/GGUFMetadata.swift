import Checkpoints
import Support

/// A value in the metadata of a GGUF file. Texts and lists are not copied from the file.
enum GGUFValue {
  /// The types of values; the raw values are the format's numbers.
  enum Kind: UInt32 {
    case uint8 = 0
    case int8, uint16, int16, uint32, int32, float32, bool, text, list, uint64, int64, float64

    /// The minimum size of a value, in bytes.
    var size: Int {
      switch self {
      case .uint8, .int8, .bool: 1
      case .uint16, .int16: 2
      case .uint32, .int32, .float32: 4
      case .uint64, .int64, .float64, .text: 8
      case .list: 12
      }
    }

    var isInteger: Bool {
      switch self {
      case .uint8, .int8, .uint16, .int16, .uint32, .int32, .uint64, .int64: true
      case .float32, .bool, .text, .list, .float64: false
      }
    }
  }

  case number(Double)
  case bool(Bool)
  case text(Range<Int>)
  /// The elements begin at byte `first`.
  case list(Kind, count: Int, first: Int)
}

/// The metadata of a mapped GGUF file: the positions of its values, and checked access to them.
struct GGUFMetadata {
  let path: String
  let storage: Storage
  private(set) var values: [String: GGUFValue] = [:]

  /// More than any real file has.
  private static let mostKeys = 1 << 16
  private static let longestKey = 1 << 10

  init(path: String, storage: Storage) {
    self.path = path
    self.storage = storage
  }

  // MARK: From the file

  mutating func read(_ cursor: inout GGUFCursor, count: Int) throws {
    guard count <= Self.mostKeys else { throw cursor.failure("there are \(count) keys; the limit is \(Self.mostKeys)") }
    for _ in 0..<count {
      let start = cursor.offset
      let range = try cursor.text("a key", limit: Self.longestKey)
      guard let key = string(range), !key.isEmpty else {
        throw cursor.failure("a key is empty, or not UTF-8", at: start)
      }
      let value = try value(&cursor, key)
      guard values.updateValue(value, forKey: key) == nil else {
        throw cursor.failure("the key \(quoted(key)) appears twice", at: start)
      }
    }
  }

  private func kind(_ cursor: inout GGUFCursor, _ key: String) throws -> GGUFValue.Kind {
    let start = cursor.offset
    let number = try cursor.number(UInt32.self, "the type of \(quoted(key))")
    guard let kind = GGUFValue.Kind(rawValue: number) else {
      throw cursor.failure("the type of \(quoted(key)) is \(number); the range is 0 to 12", at: start)
    }
    return kind
  }

  private func value(_ cursor: inout GGUFCursor, _ key: String) throws -> GGUFValue {
    switch try kind(&cursor, key) {
    case .text: return .text(try cursor.text(quoted(key)))
    case .list: return try list(&cursor, key)
    case .bool: return .bool(try flag(&cursor, key))
    case let kind:
      let start = cursor.offset
      guard cursor.rest >= kind.size else {
        throw cursor.failure("the value of \(quoted(key)) ends beyond the file's \(cursor.bytes.count) bytes")
      }
      cursor.skip(kind.size)
      return .number(number(kind, at: start))
    }
  }

  private func flag(_ cursor: inout GGUFCursor, _ key: String) throws -> Bool {
    let start = cursor.offset
    let byte = try cursor.number(UInt8.self, "the value of \(quoted(key))")
    guard byte <= 1 else {
      throw cursor.failure("the value of \(quoted(key)) is \(byte), not 0 or 1", at: start)
    }
    return byte == 1
  }

  private func list(_ cursor: inout GGUFCursor, _ key: String) throws -> GGUFValue {
    let start = cursor.offset
    let kind = try kind(&cursor, key)
    guard kind != .list else {
      throw cursor.failure("\(quoted(key)) is a list of lists, which is not supported", at: start)
    }
    let count = try cursor.count("the length of the list \(quoted(key))", of: kind.size, limit: .max)
    let first = cursor.offset
    if kind == .text {
      for index in 0..<count { _ = try cursor.text("element \(index) of \(quoted(key))") }
    } else {
      cursor.skip(count * kind.size)
    }
    return .list(kind, count: count, first: first)
  }

  private func number(_ kind: GGUFValue.Kind, at offset: Int) -> Double {
    func load<T>(_ type: T.Type) -> T { storage.bytes.loadUnaligned(fromByteOffset: offset, as: T.self) }
    switch kind {
    case .uint8: return Double(load(UInt8.self))
    case .int8: return Double(load(Int8.self))
    case .uint16: return Double(load(UInt16.self))
    case .int16: return Double(load(Int16.self))
    case .uint32: return Double(load(UInt32.self))
    case .int32: return Double(load(Int32.self))
    case .uint64: return Double(load(UInt64.self))
    case .int64: return Double(load(Int64.self))
    case .float32: return Double(load(Float.self))
    case .float64: return load(Double.self)
    case .bool, .text, .list: return 0
    }
  }

  private func string(_ range: Range<Int>) -> String? {
    String(validating: UnsafeRawBufferPointer(rebasing: storage.bytes[range]), as: UTF8.self)
  }

  // MARK: For readers

  func place(_ key: String) -> String { "\(path), key \"\(key)\"" }

  func failure(at key: String, _ what: String, remedy: String = GGUFCursor.remedy) -> Failure {
    Failure(.badData, what, at: place(key), remedy: remedy)
  }

  func optionalText(_ key: String, limit: Int = 1 << 16) throws -> String? {
    guard let value = values[key] else { return nil }
    guard case .text(let range) = value else { throw failure(at: key, "is not a text") }
    guard range.count <= limit else { throw failure(at: key, "has \(range.count) bytes; the limit is \(limit)") }
    guard let text = string(range) else { throw failure(at: key, "is not UTF-8") }
    return text
  }

  func optionalFlag(_ key: String) throws -> Bool? {
    guard let value = values[key] else { return nil }
    guard case .bool(let flag) = value else { throw failure(at: key, "is neither true nor false") }
    return flag
  }

  /// A whole number.
  func optionalInteger(_ key: String) throws -> Int? {
    guard let value = values[key] else { return nil }
    guard case .number(let number) = value, let integer = Int(exactly: number) else {
      throw failure(at: key, "is not a whole number")
    }
    return integer
  }

  /// - Throws: `Failure(.badData)` for more than `limit` elements, and for an element that `element` refuses.
  private func list<T>(
    _ key: String, of noun: String, limit: Int, where isKind: (GGUFValue.Kind) -> Bool,
    _ element: (inout GGUFCursor, GGUFValue.Kind, Int) throws -> T
  ) throws -> [T]? {
    guard let value = values[key] else { return nil }
    guard case .list(let kind, let count, let first) = value, isKind(kind) else {
      throw failure(at: key, "is not a list of \(noun)")
    }
    guard count <= limit else { throw failure(at: key, "has \(count) elements; the limit is \(limit)") }
    var cursor = GGUFCursor(storage.bytes, path: path, at: first)
    return try (0..<count).map { try element(&cursor, kind, $0) }
  }

  /// - Parameter longest: the largest size of an element, in bytes.
  func texts(_ key: String, limit: Int, longest: Int) throws -> [[UInt8]]? {
    try list(key, of: "texts", limit: limit, where: { $0 == .text }) { cursor, _, index in
      let range = try cursor.text("element \(index)")
      guard range.count <= longest else {
        throw failure(at: key, "element \(index) has \(range.count) bytes; the limit is \(longest)")
      }
      return Array(storage.bytes[range])
    }
  }

  func numbers(_ key: String, limit: Int) throws -> [Double]? {
    try list(key, of: "numbers", limit: limit, where: { $0.isInteger || $0 == .float32 || $0 == .float64 }) {
      cursor, kind, _ in
      defer { cursor.skip(kind.size) }
      return number(kind, at: cursor.offset)
    }
  }

  // MARK: As the fields of a configuration

  private static let longestFieldList = 1 << 12

  /// The values of all keys with this prefix, under their full names. A list whose values are all equal becomes this
  /// value.
  func fields(_ prefix: String) throws -> ConfigurationFields {
    var object: [String: JSONValue] = [:]
    for (key, value) in values where key.hasPrefix(prefix) { object[key] = try json(key, value) }
    return ConfigurationFields(object, at: path, judge: "llama.cpp")
  }

  private func json(_ key: String, _ value: GGUFValue) throws -> JSONValue {
    switch value {
    case .number(let number): return json(number)
    case .bool(let flag): return .bool(flag)
    case .text: return .string(try optionalText(key)!)
    case .list(.text, _, _):
      let texts = try texts(key, limit: Self.longestFieldList, longest: 1 << 12)!
      return .array(texts.map { .string(String(decoding: $0, as: UTF8.self)) })
    case .list(.bool, let count, let first):
      guard count <= Self.longestFieldList else {
        throw failure(at: key, "has \(count) elements; the limit is \(Self.longestFieldList)")
      }
      return uniform((0..<count).map { .bool(storage.bytes[first + $0] != 0) })
    case .list: return uniform(try numbers(key, limit: Self.longestFieldList)!.map(json))
    }
  }

  /// JSON supports only finite numbers.
  private func json(_ number: Double) -> JSONValue { number.isFinite ? .number(number) : .string("\(number)") }

  /// llama.cpp accepts one number for all layers, or one for each layer.
  private func uniform(_ list: [JSONValue]) -> JSONValue {
    guard let first = list.first, list.allSatisfy({ $0 == first }) else { return .array(list) }
    return first
  }
}
