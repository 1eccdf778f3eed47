import Support

/// The fields of a `config.json` or of a GGUF file's metadata; each is read with its own error message.
struct ConfigurationFields {
  let object: [String: JSONValue]
  /// The file.
  let place: String
  /// The program that defines the effect of an unknown key.
  let judge: String

  init(_ object: [String: JSONValue], at place: String, judge: String = "transformers") {
    self.object = object
    self.place = place
    self.judge = judge
  }

  /// nil for a field that is missing or null.
  subscript(key: String) -> JSONValue? { object[key].flatMap { $0 == .null ? nil : $0 } }

  func failure(_ what: String, remedy: String) -> Failure {
    Failure(.badData, what, at: place, remedy: remedy)
  }

  /// The failure for something that this program does not compute.
  func unsupported(_ what: String) -> Failure {
    failure(what, remedy: "Such a model cannot be imported.")
  }

  private func wrong(_ key: String, isNot noun: String) -> Failure {
    failure("\"\(key)\" is not \(noun)", remedy: "Copy the file again, or correct it.")
  }

  private func required<T>(_ key: String, _ value: T?) throws -> T {
    guard let value else {
      throw failure("the key \"\(key)\" is missing", remedy: "Copy the file again, or add it.")
    }
    return value
  }

  /// A count, at least 1.
  func count(_ key: String) throws -> Int { try required(key, optionalCount(key)) }

  func optionalCount(_ key: String) throws -> Int? {
    guard let value = self[key] else { return nil }
    guard let number = value.number, let count = Int(exactly: number), (1...(1 << 24)).contains(count)
    else { throw wrong(key, isNot: "a whole number in 1…16,777,216") }
    return count
  }

  func optionalNumber(_ key: String) throws -> Double? {
    guard let value = self[key] else { return nil }
    guard let number = value.number, number.isFinite else { throw wrong(key, isNot: "a number") }
    return number
  }

  func number(_ key: String) throws -> Double { try required(key, optionalNumber(key)) }

  /// A number that is finite as a float32.
  func float(_ key: String) throws -> Float {
    let value = Float(try number(key))
    guard value.isFinite else { throw wrong(key, isNot: "a float32 number") }
    return value
  }

  func bool(_ key: String, default standard: Bool) throws -> Bool {
    guard let value = self[key] else { return standard }
    guard case .bool(let bool) = value else { throw wrong(key, isNot: "true or false") }
    return bool
  }

  func optionalText(_ key: String) throws -> String? {
    guard let value = self[key] else { return nil }
    guard let text = value.string else { throw wrong(key, isNot: "a text") }
    return text
  }

  /// The fields of an object in a field.
  func optionalFields(_ key: String) throws -> ConfigurationFields? {
    guard let value = self[key] else { return nil }
    guard case .object(let object) = value else { throw wrong(key, isNot: "an object") }
    return ConfigurationFields(object.dictionary, at: "\(place), \"\(key)\"")
  }

  func optionalList(_ key: String) throws -> [JSONValue]? {
    guard let value = self[key] else { return nil }
    guard let list = value.array else { throw wrong(key, isNot: "a list") }
    return list
  }
}
