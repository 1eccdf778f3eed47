import Support

/// A JSON text as a tree with texts as bytes.
///
/// A vocabulary may have keys that Swift's `String`, and therefore `JSONDecoder`, considers equal: é as one scalar
/// and as two scalars. So a tokenizer's file is read here, strictly: no duplicate keys, nothing after the value,
/// valid UTF-8.
indirect enum JSONTree: Equatable {
  case null
  case bool(Bool)
  case number(Double)
  case text([UInt8])
  case list([JSONTree])
  case object([Member])

  struct Member: Equatable {
    let key: [UInt8]
    let value: JSONTree
  }

  /// - Throws: `Failure(.badData)` that names the byte.
  init(_ bytes: [UInt8], at place: String) throws {
    guard String(validating: bytes, as: UTF8.self) != nil else {
      throw Failure(.badData, "this is not UTF-8", at: place, remedy: "Copy the file again.")
    }
    self = try bytes.withUnsafeBufferPointer {
      var parser = JSONTreeParser(bytes: $0, place: place)
      return try parser.parse()
    }
  }

  /// A member of an object; nil for null, too.
  subscript(key: String) -> JSONTree? {
    guard case .object(let members) = self else { return nil }
    let value = members.first { $0.key.elementsEqual(key.utf8) }?.value
    return value == .null ? nil : value
  }

  var bytes: [UInt8]? { if case .text(let bytes) = self { bytes } else { nil } }
  var string: String? { bytes.map { String(decoding: $0, as: UTF8.self) } }
  var list: [JSONTree]? { if case .list(let list) = self { list } else { nil } }
  var members: [Member]? { if case .object(let members) = self { members } else { nil } }
  var bool: Bool? { if case .bool(let value) = self { value } else { nil } }
  var integer: Int? { if case .number(let value) = self { Int(exactly: value) } else { nil } }
}

private struct JSONTreeParser {
  let bytes: UnsafeBufferPointer<UInt8>
  let place: String
  private var next = 0
  private var depth = 0
  private var values = 0
  /// Whether the next value is a vocabulary.
  private var isVocabulary = false
  /// The largest number of keys in an object that is not a vocabulary.
  private static let keyLimit = 1 << 12

  init(bytes: UnsafeBufferPointer<UInt8>, place: String) {
    self.bytes = bytes
    self.place = place
  }

  mutating func parse() throws -> JSONTree {
    let tree = try value()
    skipSpace()
    guard next == bytes.count else { throw failure("there is text after the JSON value") }
    return tree
  }

  private func failure(_ what: String) -> Failure {
    Failure(.badData, what, at: "\(place), byte \(next)", remedy: "Copy the file again.")
  }

  private mutating func skipSpace() {
    while next < bytes.count, [0x20, 0x0A, 0x0D, 0x09].contains(bytes[next]) { next += 1 }
  }

  private mutating func take(_ character: Character) -> Bool {
    skipSpace()
    guard next < bytes.count, bytes[next] == character.asciiValue else { return false }
    next += 1
    return true
  }

  private mutating func value() throws -> JSONTree {
    values += 1
    guard values <= JSONKeys.valueLimit else {
      throw failure("has more than \(JSONKeys.valueLimit) values")
    }
    skipSpace()
    guard next < bytes.count else { throw failure("the JSON ends within a value") }
    switch bytes[next] {
    case UInt8(ascii: "{"): return try nested { try $0.object() }
    case UInt8(ascii: "["): return try nested { try $0.list() }
    case UInt8(ascii: "\""): return .text(try text())
    case UInt8(ascii: "t"): return try word("true", .bool(true))
    case UInt8(ascii: "f"): return try word("false", .bool(false))
    case UInt8(ascii: "n"): return try word("null", .null)
    default: return try number()
    }
  }

  private mutating func nested(_ body: (inout Self) throws -> JSONTree) throws -> JSONTree {
    depth += 1
    guard depth <= JSON.depthLimit else {
      throw failure("opens nesting level \(depth)")
    }
    next += 1
    let tree = try body(&self)
    depth -= 1
    return tree
  }

  private mutating func object() throws -> JSONTree {
    var members: [JSONTree.Member] = []
    var keys: Set<[UInt8]> = []
    let limit = isVocabulary ? JSONKeys.valueLimit : Self.keyLimit
    isVocabulary = false
    if take("}") { return .object([]) }
    repeat {
      skipSpace()
      guard next < bytes.count, bytes[next] == UInt8(ascii: "\"") else {
        throw failure("a key is missing")
      }
      let key = try text()
      guard keys.insert(key).inserted else {
        throw failure("the key \(quoted(key)) appears twice in one object")
      }
      guard take(":") else { throw failure("a colon is missing") }
      isVocabulary = key.elementsEqual("vocab".utf8)
      members.append(.init(key: key, value: try value()))
      guard members.count <= limit else { throw failure("an object has more than \(limit) keys") }
    } while take(",")
    guard take("}") else { throw failure("an object is not closed") }
    return .object(members)
  }

  private mutating func list() throws -> JSONTree {
    var values: [JSONTree] = []
    if take("]") { return .list([]) }
    repeat { values.append(try value()) } while take(",")
    guard take("]") else { throw failure("a list is not closed") }
    return .list(values)
  }

  private mutating func word(_ word: String, _ tree: JSONTree) throws -> JSONTree {
    guard bytes[next...].starts(with: word.utf8) else { throw failure("this is not a JSON value") }
    next += word.utf8.count
    return tree
  }

  private mutating func number() throws -> JSONTree {
    let start = next
    while next < bytes.count, "+-.0123456789eE".utf8.contains(bytes[next]) { next += 1 }
    let text = String(decoding: bytes[start..<next], as: UTF8.self)
    guard let first = text.utf8.first, first != UInt8(ascii: "+"), let number = Double(text) else {
      next = start
      throw failure("this is not a JSON value")
    }
    return .number(number)
  }

  /// A text that begins at the current position.
  private mutating func text() throws -> [UInt8] {
    next += 1
    var output: [UInt8] = []
    while next < bytes.count {
      let byte = bytes[next]
      switch byte {
      case UInt8(ascii: "\""):
        next += 1
        return output
      case UInt8(ascii: "\\"): try escape(into: &output)
      case ..<0x20: throw failure("a text contains a control character")
      default:
        output.append(byte)
        next += 1
      }
    }
    throw failure("a text is not closed")
  }

  private mutating func escape(into output: inout [UInt8]) throws {
    guard next + 1 < bytes.count else { throw failure("a text is not closed") }
    let escaped = bytes[next + 1]
    next += 2
    switch escaped {
    case UInt8(ascii: "\""), UInt8(ascii: "\\"), UInt8(ascii: "/"): output.append(escaped)
    case UInt8(ascii: "b"): output.append(0x08)
    case UInt8(ascii: "f"): output.append(0x0C)
    case UInt8(ascii: "n"): output.append(0x0A)
    case UInt8(ascii: "r"): output.append(0x0D)
    case UInt8(ascii: "t"): output.append(0x09)
    case UInt8(ascii: "u"):
      var value = try unit()
      if (0xD800..<0xDC00).contains(value), bytes[next...].starts(with: "\\u".utf8) {
        next += 2
        let low = try unit()
        guard (0xDC00..<0xE000).contains(low) else { throw failure("a surrogate is not paired") }
        value = 0x10000 + (value - 0xD800) << 10 + (low - 0xDC00)
      }
      guard let scalar = Unicode.Scalar(value) else { throw failure("a surrogate is not paired") }
      output += Array(String(Character(scalar)).utf8)
    default: throw failure("\\\(Character(Unicode.Scalar(escaped))) is not a valid escape")
    }
  }

  /// Four hexadecimal digits.
  private mutating func unit() throws -> UInt32 {
    guard next + 4 <= bytes.count,
      let value = UInt32(String(decoding: bytes[next..<next + 4], as: UTF8.self), radix: 16),
      bytes[next] != UInt8(ascii: "+"), bytes[next] != UInt8(ascii: "-")
    else { throw failure("\\u is not followed by four digits") }
    next += 4
    return value
  }
}
