import Support

/// Changes to the free metadata in CONFIG: names, licences, notes.
public struct ConfigurationEdit: Sendable {
  /// Keys that the program itself relies on.
  static let owned: Set<String> = ["chat_format"]

  /// Values to set, by key.
  public var set: [String: String]
  public var unset: Set<String>

  /// - Throws: `Failure(.usage)` for a key that is empty, reserved for the program, or both set and unset.
  public init(set: [String: String], unset: Set<String>) throws {
    for key in set.keys.sorted() + unset.sorted() {
      guard !Self.owned.contains(key) else {
        throw Failure(
          .usage, "the key \"\(key)\" is reserved for the program",
          remedy: "Choose another key.")
      }
      guard !key.isEmpty, Terminal.harmless(key) == key else {
        throw Failure(
          .usage, "\"\(key)\" is not a valid key", remedy: "Give a key without control characters.")
      }
    }
    if let key = unset.intersection(set.keys).min() {
      throw Failure(.usage, "\"\(key)\" cannot be both set and unset")
    }
    self.set = set
    self.unset = unset
  }

  /// Edits a file in place. The content hash does not change. After a crash the file has the old text or the new one.
  /// Other processes that edit the same file wait.
  /// - Returns: the new CONFIG.
  /// - Throws: `Failure(.usage)` if a key to unset does not exist, `.badData` for a damaged file, `.inputOutput` if
  ///   it cannot be written.
  @discardableResult
  public func apply(to path: String) throws -> JSONValue {
    var result: JSONValue = .null
    try Checkpoint.editConfiguration(path) { text in
      let place = "\(path), CONFIG"
      var values = try JSON.decode([String: JSONValue].self, from: text, at: place)
      for key in unset.sorted() where values.removeValue(forKey: key) == nil {
        throw Failure(
          .usage, "the key \"\(key)\" to unset does not exist", at: place,
          remedy: "`tinyrlhf inspect` lists the keys.")
      }
      for (key, value) in set { values[key] = .string(value) }
      result = .object(JSONObject(values))
      return try JSON.encode(values)
    }
    return result
  }
}
