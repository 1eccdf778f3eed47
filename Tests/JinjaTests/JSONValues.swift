import Jinja

/// Reads JSON into values of the template language; the keys of an object keep their order.
struct JSONValues {
  private let bytes: [UInt8]
  private var place = 0

  static func read(_ text: String) -> Value { read(Array(text.utf8)) }

  static func read(_ bytes: [UInt8]) -> Value {
    var reader = JSONValues(bytes: bytes)
    return reader.value()
  }

  private init(bytes: [UInt8]) { self.bytes = bytes }

  private mutating func skipBlanks() {
    while place < bytes.count, [32, 9, 10, 13].contains(bytes[place]) { place += 1 }
  }

  private mutating func skip(_ byte: UInt8) -> Bool {
    skipBlanks()
    guard place < bytes.count, bytes[place] == byte else { return false }
    place += 1
    return true
  }

  private mutating func value() -> Value {
    skipBlanks()
    switch bytes[place] {
    case UInt8(ascii: "{"): return object()
    case UInt8(ascii: "["): return list()
    case UInt8(ascii: "\""): return .text(Text(string()))
    default: return literal()
    }
  }

  private mutating func object() -> Value {
    var mapping = Mapping()
    place += 1
    while !skip(UInt8(ascii: "}")) {
      skipBlanks()
      let key = string()
      _ = skip(UInt8(ascii: ":"))
      mapping[key] = value()
      _ = skip(UInt8(ascii: ","))
    }
    return .mapping(mapping)
  }

  private mutating func list() -> Value {
    var items: [Value] = []
    place += 1
    while !skip(UInt8(ascii: "]")) {
      items.append(value())
      _ = skip(UInt8(ascii: ","))
    }
    return .list(items)
  }

  private mutating func literal() -> Value {
    let start = place
    while place < bytes.count, !",]} \n".utf8.contains(bytes[place]) { place += 1 }
    let word = String(decoding: bytes[start..<place], as: UTF8.self)
    switch word {
    case "true": return .bool(true)
    case "false": return .bool(false)
    case "null": return .none
    default: return Int(word).map { .integer($0) } ?? .float(Double(word)!)
    }
  }

  private mutating func string() -> String {
    place += 1
    var units: [UInt16] = []
    var plain: [UInt8] = []
    func flush() {
      units += Array(String(decoding: plain, as: UTF8.self).utf16)
      plain = []
    }
    while bytes[place] != UInt8(ascii: "\"") {
      guard bytes[place] == UInt8(ascii: "\\") else {
        plain.append(bytes[place])
        place += 1
        continue
      }
      flush()
      let letter = bytes[place + 1]
      place += 2
      switch letter {
      case UInt8(ascii: "n"): units.append(10)
      case UInt8(ascii: "t"): units.append(9)
      case UInt8(ascii: "r"): units.append(13)
      case UInt8(ascii: "b"): units.append(8)
      case UInt8(ascii: "f"): units.append(12)
      case UInt8(ascii: "u"):
        units.append(UInt16(String(decoding: bytes[place..<place + 4], as: UTF8.self), radix: 16)!)
        place += 4
      default: units.append(UInt16(letter))
      }
    }
    place += 1
    flush()
    return String(decoding: units, as: UTF16.self)
  }
}

extension Value {
  var mapping: Mapping? { if case .mapping(let mapping) = self { mapping } else { nil } }
  var items: [Value]? { if case .list(let list) = self { list.items } else { nil } }
  var string: String? { if case .text(let text) = self { text.string } else { nil } }
}
