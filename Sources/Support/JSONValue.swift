/// Any JSON value, for fields whose shape depends on the file.
///
/// Two numbers are equal if their values are equal, however they are written: `.integer(1) == .number(1)`.
public enum JSONValue: Hashable, Sendable {
  case null
  case bool(Bool)
  /// A number without a point or exponent that fits into `Int`.
  case integer(Int)
  /// A number without a point or exponent that fits only into `UInt64`.
  case unsigned(UInt64)
  /// Any other number; always finite if it was parsed.
  case number(Double)
  case string(String)
  case array([JSONValue])
  case object(JSONObject)

  /// A seed or another whole number, with all its digits.
  public init(_ value: UInt64) {
    self = Int(exactly: value).map { .integer($0) } ?? .unsigned(value)
  }

  /// The shortest decimal number that gives this float32: 1e-05, not 9.999999747378752e-06.
  public static func decimal(_ value: Float) -> JSONValue { .number(Double("\(value)")!) }

  public static func == (a: JSONValue, b: JSONValue) -> Bool {
    switch (a, b) {
    case (.null, .null): true
    case (.bool(let a), .bool(let b)): a == b
    case (.integer(let a), .integer(let b)): a == b
    case (.unsigned(let a), .unsigned(let b)): a == b
    case (.number(let a), .number(let b)): a == b
    case (.integer(let whole), .number(let number)), (.number(let number), .integer(let whole)):
      Int(exactly: number) == whole
    case (.unsigned(let whole), .number(let number)), (.number(let number), .unsigned(let whole)):
      UInt64(exactly: number) == whole
    case (.string(let a), .string(let b)): a == b
    case (.array(let a), .array(let b)): a == b
    case (.object(let a), .object(let b)): a == b
    default: false
    }
  }

  public func hash(into hasher: inout Hasher) {
    switch self {
    case .null: break
    case .bool(let value): hasher.combine(value)
    case .integer(let value): hasher.combine(value)
    case .unsigned(let value): hasher.combine(value)
    case .number(let value):
      // A number that equals a whole number must have the same hash.
      if let whole = Int(exactly: value) {
        hasher.combine(whole)
      } else if let whole = UInt64(exactly: value) {
        hasher.combine(whole)
      } else {
        hasher.combine(value)
      }
    case .string(let value): hasher.combine(value)
    case .array(let value): hasher.combine(value)
    case .object(let value): hasher.combine(value)
    }
  }

  /// The value of an object's key; nil if the key is missing or this is not an object.
  public subscript(key: String) -> JSONValue? { object?[key] }

  public var isNull: Bool { if case .null = self { true } else { false } }

  public var bool: Bool? { if case .bool(let value) = self { value } else { nil } }

  /// A whole number, also if written as `2.0`.
  public var integer: Int? {
    switch self {
    case .integer(let value): value
    case .number(let value): Int(exactly: value)
    default: nil
    }
  }

  /// A whole number of at least 0, also if written as `2.0`.
  public var unsigned: UInt64? {
    switch self {
    case .integer(let value): UInt64(exactly: value)
    case .unsigned(let value): value
    case .number(let value): UInt64(exactly: value)
    default: nil
    }
  }

  /// Any number; a whole number above 2⁵³ is rounded.
  public var number: Double? {
    switch self {
    case .integer(let value): Double(value)
    case .unsigned(let value): Double(value)
    case .number(let value): value
    default: nil
    }
  }

  public var string: String? { if case .string(let value) = self { value } else { nil } }

  public var array: [JSONValue]? { if case .array(let value) = self { value } else { nil } }

  public var object: JSONObject? { if case .object(let value) = self { value } else { nil } }

  /// What kind of value it is, for messages: `null`, `a number`, `a text`, `a list`, `an object`.
  public var noun: String {
    switch self {
    case .null: "null"
    case .bool(let value): "\(value)"
    case .integer, .unsigned, .number: "a number"
    case .string: "a text"
    case .array: "a list"
    case .object: "an object"
    }
  }
}

extension JSONValue: Codable {
  /// From `JSON.decode`, the value exactly as parsed. From any other decoder, keys of objects are in alphabetical
  /// order.
  public init(from decoder: any Decoder) throws {
    if let decoder = decoder as? JSONValueDecoder {
      self = decoder.value
      return
    }
    let container = try decoder.singleValueContainer()
    if container.decodeNil() {
      self = .null
    } else if let value = try? container.decode(Bool.self) {
      self = .bool(value)
    } else if let value = try? container.decode(Int.self) {
      self = .integer(value)
    } else if let value = try? container.decode(UInt64.self) {
      self = .unsigned(value)
    } else if let value = try? container.decode(Double.self) {
      self = .number(value)
    } else if let value = try? container.decode(String.self) {
      self = .string(value)
    } else if let value = try? container.decode([JSONValue].self) {
      self = .array(value)
    } else {
      self = .object(try container.decode(JSONObject.self))
    }
  }

  public func encode(to encoder: any Encoder) throws {
    var container = encoder.singleValueContainer()
    switch self {
    case .null: try container.encodeNil()
    case .bool(let value): try container.encode(value)
    case .integer(let value): try container.encode(value)
    case .unsigned(let value): try container.encode(value)
    case .number(let value):
      if let whole = Self.shortWhole(value) {
        try container.encode(whole)
      } else {
        try container.encode(value)
      }
    case .string(let value): try container.encode(value)
    case .array(let value): try container.encode(value)
    case .object(let value): try container.encode(value)
    }
  }

  /// A whole number that is written without a point.
  static func shortWhole(_ value: Double) -> Int64? {
    value == value.rounded() && abs(value) < 1e15 ? Int64(value) : nil
  }
}
