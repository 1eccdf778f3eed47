import FoundationEssentials

/// Encodes and decodes JSON. Keys are sorted, so that equal values give equal bytes.
public enum JSON {
  /// - Throws: `Failure(.failed)` for a number that is not finite, which JSON cannot hold.
  public static func encode(_ value: some Encodable, pretty: Bool = false) throws -> [UInt8] {
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
    if pretty { encoder.outputFormatting.insert(.prettyPrinted) }
    do {
      return Array(try encoder.encode(value))
    } catch EncodingError.invalidValue(let value, let context) {
      throw Failure(
        .failed, "a result is \(value), which is not a finite number", at: "\"\(path(context.codingPath))\"",
        remedy: "Check the model with `tinyrlhf inspect --verify`.")
    }
  }

  /// The JSON on one line, without a line break at the end.
  public static func line(_ value: some Encodable) throws -> String {
    String(decoding: try encode(value), as: UTF8.self)
  }

  /// The deepest nesting of lists and objects that is read, so that a text cannot overflow the stack.
  public static let depthLimit = 64

  /// - Throws: `Failure(.badData)` that says what is missing or wrong, and where.
  public static func decode<T: Decodable>(
    _ type: T.Type, from bytes: [UInt8], at place: String
  ) throws -> T {
    let value = try parse(bytes, at: place)
    do {
      return try JSONValueDecoder(value).decode(type)
    } catch let error as DecodingError {
      throw explain(error, at: place)
    }
  }

  private static func explain(_ error: DecodingError, at place: String) -> Failure {
    func name(_ context: DecodingError.Context) -> String {
      context.codingPath.isEmpty ? "this" : "\"\(path(context.codingPath))\""
    }
    func failure(_ what: String, _ remedy: String? = nil) -> Failure {
      Failure(.badData, what, at: place, remedy: remedy)
    }
    switch error {
    case .keyNotFound(let key, let context):
      return failure("the key \"\(path(context.codingPath + [key]))\" is missing", "Add it.")
    case .typeMismatch(let type, let context):
      return failure("\(name(context)) is not \(noun(type))", "Give \(noun(type)).")
    case .valueNotFound(let type, let context):
      return failure("\(name(context)) is null", "Give \(noun(type)).")
    case .dataCorrupted(let context):
      return failure(
        "\(name(context)) cannot be read: \(context.debugDescription)", "Correct it or leave it out.")
    @unknown default: return failure("this JSON cannot be read")
    }
  }

  /// `messages[2].role`
  private static func path(_ keys: [any CodingKey]) -> String {
    keys.reduce("") { path, key in
      if let index = key.intValue { return "\(path)[\(index)]" }
      return path.isEmpty ? key.stringValue : "\(path).\(key.stringValue)"
    }
  }

  private static func noun(_ type: any Any.Type) -> String {
    switch type {
    case is String.Type: "a text"
    case is Bool.Type: "true or false"
    case is any BinaryInteger.Type: "a whole number"
    case is any BinaryFloatingPoint.Type: "a number"
    case is [Any].Type: "a list"
    default: "an object"
    }
  }
}
