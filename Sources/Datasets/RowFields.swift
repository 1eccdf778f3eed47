import Support

/// The keys and values of a row or a request. It records which keys were read, so that keys with no meaning to the
/// program are reported.
public final class RowFields {
  public let object: JSONObject
  private var used: Set<String> = []
  /// Keys inside values that have no meaning here: `messages[].weight of a user`.
  private var inner: [String] = []
  /// Changes that the reader made to the row.
  var remarks: Set<RowRemark> = []

  public init(_ object: JSONObject) { self.object = object }

  /// - Throws: `Failure(.badData)` if the value is not an object.
  public convenience init(_ value: JSONValue) throws {
    guard let object = value.object else {
      throw Failure(.badData, "this is \(value.noun), not an object", remedy: "Write one object per line.")
    }
    self.init(object)
  }

  /// The value of a key, which then counts as read; nil if it is missing.
  public subscript(key: String) -> JSONValue? {
    guard let value = object[key] else { return nil }
    used.insert(key)
    return value
  }

  /// Whether a key has a non-empty value: not null, not an empty list, not a blank text.
  func says(_ key: String) -> Bool { object[key].map { !$0.isEmpty } ?? false }

  /// - Throws: `Failure(.badData)` if the key is missing.
  func value(_ key: String) throws -> JSONValue {
    guard let value = self[key] else { throw Failure(.badData, "the key \"\(key)\" is missing") }
    return value
  }

  /// - Throws: `Failure(.badData)` that tells what is there instead of a text.
  public func text(_ key: String) throws -> String { try value(key).text(named: key) }

  /// nil if the key is missing or null.
  func optionalText(_ key: String) throws -> String? {
    guard let value = self[key], !value.isNull else { return nil }
    return try value.text(named: key)
  }

  /// A name; a whole number is accepted too.
  func optionalName(_ key: String) throws -> String? {
    if let value = object[key], let number = value.integer.map({ "\($0)" }) ?? value.unsigned.map({ "\($0)" }) {
      used.insert(key)
      return number
    }
    return try optionalText(key)
  }

  func optionalNumber(_ key: String) throws -> Double? {
    guard let value = self[key], !value.isNull else { return nil }
    guard let number = value.number else { throw value.isNot("a number", named: key) }
    return number
  }

  /// The margin by which the better answer should win, in the reward model's units.
  func margin() throws -> Double? {
    guard let margin = try optionalNumber("margin") else { return nil }
    guard abs(margin) <= Self.largestMargin else {
      throw Failure(
        .badData, "\"margin\" is \(margin); the largest margin is \(Int(Self.largestMargin))",
        remedy: "Scale the margins to the reward model's units (a few at most), or leave the key out.")
    }
    return margin
  }

  /// A larger margin cannot be reached by any difference of scores, and would make the sums of the loss infinite.
  private static let largestMargin = 1e6

  /// Records a key inside a value that has no meaning here.
  public func ignore(inner key: String) {
    if !inner.contains(key) { inner.append(key) }
  }

  /// The keys that were not used. Keys with empty values do not count.
  public var unusedKeys: [String] {
    object.compactMap { key, value in
      used.contains(key) || value.isEmpty ? nil : key
    } + inner
  }
}

/// Changes that the reader made to a row; reported with the number of such rows.
public enum RowRemark: String, Codable, CaseIterable, Sendable {
  case implicitPrompt = "the prompt is what both answers begin with"
  case trailingTurns = "the turns behind the last answer are left out"
}

extension JSONValue {
  /// Whether the value is empty: null, a blank text, an empty list or object.
  var isEmpty: Bool {
    switch self {
    case .null: true
    case .string(let text): text.isBlank
    case .array(let values): values.isEmpty
    case .object(let members): members.isEmpty
    default: false
    }
  }

  /// `"completion" is a number, not a text`. For null only that; for a wrong number its value.
  /// - Parameter index: the position of the value in the list of this name.
  func isNot(_ noun: String, named name: String, at index: Int? = nil) -> Failure {
    let name = "\"\(name)\"" + (index.map { "[\($0)]" } ?? "")
    return Failure(.badData, isNull ? "\(name) is null" : "\(name) is \(noun.hasSuffix("text") ? self.noun : shown), not \(noun)")
  }

  /// The value of a number; for anything else its kind.
  var shown: String {
    switch self {
    case .integer(let value): "\(value)"
    case .unsigned(let value): "\(value)"
    case .number(let value): "\(value)"
    default: noun
    }
  }

  func text(named name: String) throws -> String {
    guard let text = string else { throw isNot("a text", named: name) }
    return text
  }
}
