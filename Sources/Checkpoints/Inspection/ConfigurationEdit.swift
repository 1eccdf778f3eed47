import Support

/// Changes to the free metadata of CONFIG: names, licences, notes of people.
public struct ConfigurationEdit: Sendable {
  /// What the program itself must be able to rely on.
  static let owned: Set<String> = ["chat_format"]

  /// Texts by key.
  public var set: [String: String]
  public var unset: Set<String>

  /// - Throws: `Failure(.usage)` for a key that is empty, owned by the program, or both set and
  ///   unset.
  public init(set: [String: String], unset: Set<String>) throws {
    for key in set.keys.sorted() + unset.sorted() {
      guard !Self.owned.contains(key) else {
        throw Failure(
          .usage, "\"\(key)\" is the program's own and no free metadata",
          remedy: "Choose another key.")
      }
      guard !key.isEmpty, Terminal.harmless(key) == key else {
        throw Failure(
          .usage, "\"\(key)\" is no key", remedy: "Give a key without control characters.")
      }
    }
    if let key = unset.intersection(set.keys).min() {
      throw Failure(.usage, "\"\(key)\" cannot be both set and unset")
    }
    self.set = set
    self.unset = unset
  }

  /// Edits a file in place. Its content hash stays; a crash leaves the old text or the new one; who
  /// else edits the same file waits.
  /// - Returns: CONFIG as it is now.
  /// - Throws: `Failure(.usage)` for a key to be unset that is not there, `.badData` for a damaged
  ///   file, `.inputOutput` where it cannot be written.
  @discardableResult
  public func apply(to path: String) throws -> JSONValue {
    var result: JSONValue = .null
    try Checkpoint.editConfiguration(path) { text in
      let place = "\(path), CONFIG"
      var values = try JSON.decode([String: JSONValue].self, from: text, at: place)
      for key in unset.sorted() where values.removeValue(forKey: key) == nil {
        throw Failure(
          .usage, "there is no \"\(key)\" to be unset", at: place,
          remedy: "`tinyrlhf inspect` lists the keys.")
      }
      for (key, value) in set { values[key] = .string(value) }
      result = .object(JSONObject(values))
      return try JSON.encode(values)
    }
    return result
  }
}
