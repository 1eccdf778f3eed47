import Support

/// The keys and values of a row or a request, and which of the keys were read: what means nothing to the
/// program is named, and not passed over.
public final class RowFields {
  public let object: JSONObject
  private var used: Set<String> = []
  /// Keys inside values that mean nothing here: `messages[].weight of a user`.
  private var inner: [String] = []
  /// What the reader did with the row beyond what it says.
  var remarks: Set<RowRemark> = []

  public init(_ object: JSONObject) { self.object = object }

  /// - Throws: `Failure(.badData)` for what is no object.
  public convenience init(_ value: JSONValue) throws {
    guard let object = value.object else {
      throw Failure(.badData, "this is \(value.noun), not an object", remedy: "Write one object a line.")
    }
    self.init(object)
  }

  /// The value of a key, which counts as read; nil where it is missing.
  public subscript(key: String) -> JSONValue? {
    guard let value = object[key] else { return nil }
    used.insert(key)
    return value
  }

  /// Whether a key stands there with something in it: not null, not an empty list, not a blank text.
  func says(_ key: String) -> Bool { object[key].map { !$0.isEmpty } ?? false }

  /// - Throws: `Failure(.badData)` where the key is missing.
  func value(_ key: String) throws -> JSONValue {
    guard let value = self[key] else { throw Failure(.badData, "the key \"\(key)\" is missing") }
    return value
  }

  /// - Throws: `Failure(.badData)` that names what stands in the text's place.
  public func text(_ key: String) throws -> String { try value(key).text(named: key) }

  /// nil where the key is missing or null.
  func optionalText(_ key: String) throws -> String? {
    guard let value = self[key], !value.isNull else { return nil }
    return try value.text(named: key)
  }

  /// A name, also one that is a whole number.
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

  /// By how much the better answer should win, in the reward model's units.
  func margin() throws -> Double? {
    guard let margin = try optionalNumber("margin") else { return nil }
    guard abs(margin) <= Self.largestMargin else {
      throw Failure(
        .badData, "\"margin\" is \(margin), beyond the \(Int(Self.largestMargin)) that scores could differ by",
        remedy: "Scale the margins to the reward model's units, a few at most, or leave the key out.")
    }
    return margin
  }

  /// Beyond it no difference of scores satisfies the loss, whose sums are then infinite.
  private static let largestMargin = 1e6

  /// Names a key inside a value that means nothing here.
  public func ignore(inner key: String) {
    if !inner.contains(key) { inner.append(key) }
  }

  /// The keys that nothing was done with. Keys without anything in them do not count.
  public var unusedKeys: [String] {
    object.compactMap { key, value in
      used.contains(key) || value.isEmpty ? nil : key
    } + inner
  }
}

/// What the reader does with a row beyond what it says; told with the number of the rows.
public enum RowRemark: String, Codable, CaseIterable, Sendable {
  case implicitPrompt = "the prompt is what both answers begin with"
  case trailingTurns = "the turns behind the last answer are left out"
}

extension JSONValue {
  /// Whether there is nothing in it: null, a blank text, an empty list or object.
  var isEmpty: Bool {
    switch self {
    case .null: true
    case .string(let text): text.isBlank
    case .array(let values): values.isEmpty
    case .object(let members): members.isEmpty
    default: false
    }
  }

  /// `"completion" is a number, not a text`; of null that alone, and a number itself where another was wanted.
  /// - Parameter index: of the value in the list of that name.
  func isNot(_ noun: String, named name: String, at index: Int? = nil) -> Failure {
    let name = "\"\(name)\"" + (index.map { "[\($0)]" } ?? "")
    return Failure(.badData, isNull ? "\(name) is null" : "\(name) is \(noun.hasSuffix("text") ? self.noun : shown), not \(noun)")
  }

  /// A number as it is, of anything else what it is.
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
