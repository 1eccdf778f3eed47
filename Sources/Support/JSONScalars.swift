#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#endif

extension JSONReader {
  // MARK: Texts

  /// Reads a string; the index is at its opening quotation mark.
  mutating func string() throws -> String {
    let start = index
    index += 1
    var first = index
    while let byte, byte != UInt8(ascii: "\""), byte != UInt8(ascii: "\\"), byte >= 0x20 { index += 1 }
    if byte == UInt8(ascii: "\"") {
      defer { index += 1 }
      return try valid(first..<index)
    }
    var result = ""
    while true {
      while let byte, byte != UInt8(ascii: "\""), byte != UInt8(ascii: "\\"), byte >= 0x20 { index += 1 }
      result += try valid(first..<index)
      switch byte {
      case UInt8(ascii: "\"")?:
        index += 1
        return result
      case UInt8(ascii: "\\")?:
        result.unicodeScalars.append(try escape())
        first = index
      case let control?:
        throw syntax(
          "a text contains the control character \(Self.hexadecimal(control))", at: index,
          remedy: "Write \(Self.escape(of: control)) instead.")
      case nil:
        throw syntax(
          "there is no closing quotation mark for the text that begins", at: start,
          remedy: "The line may have been cut, or a text in it may contain a line break: write \\n instead.")
      }
    }
  }

  private static func escape(of control: UInt8) -> String {
    switch control {
    case 0x0A: "\\n"
    case 0x0D: "\\r"
    case 0x09: "\\t"
    default: "\\u00" + (control < 16 ? "0" : "") + String(control, radix: 16)
    }
  }

  private func valid(_ range: Range<Int>) throws -> String {
    if let string = String(validating: text[range], as: UTF8.self) { return string }
    let bad = range.lowerBound + Self.validPrefix(text[range])
    throw failure(
      "the byte \(Self.hexadecimal(text[bad])) is not UTF-8", at: bad,
      remedy: "Convert the file to UTF-8, for example with iconv.")
  }

  /// The number of bytes before the first byte that is not valid UTF-8.
  static func validPrefix(_ bytes: Slice<UnsafeBufferPointer<UInt8>>) -> Int {
    var decoder = UTF8.ForwardParser()
    var iterator = bytes.makeIterator()
    var count = 0
    while case .valid(let scalar) = decoder.parseScalar(from: &iterator) { count += scalar.count }
    return count
  }

  private mutating func escape() throws -> Unicode.Scalar {
    let start = index
    index += 1
    guard let letter = byte else {
      throw syntax("a text does not end", at: index, remedy: "The line may have been cut.")
    }
    index += 1
    switch letter {
    case UInt8(ascii: "\""), UInt8(ascii: "\\"), UInt8(ascii: "/"): return Unicode.Scalar(letter)
    case UInt8(ascii: "b"): return "\u{08}"
    case UInt8(ascii: "f"): return "\u{0C}"
    case UInt8(ascii: "n"): return "\n"
    case UInt8(ascii: "r"): return "\r"
    case UInt8(ascii: "t"): return "\t"
    case UInt8(ascii: "u"): return try unicodeEscape(start)
    default:
      index -= 1
      throw syntax("a backslash is followed by \(found)", at: start, remedy: "Write \\\\ for a backslash.")
    }
  }

  /// Reads `\uXXXX`, or two of them that form one scalar (a surrogate pair); the index is after the u.
  private mutating func unicodeEscape(_ start: Int) throws -> Unicode.Scalar {
    let unit = try fourDigits(start)
    if let scalar = Unicode.Scalar(UInt32(unit)) { return scalar }
    if UTF16.isLeadSurrogate(unit), index + 1 < text.count, text[index] == UInt8(ascii: "\\"),
      text[index + 1] == UInt8(ascii: "u")
    {
      let second = index
      index += 2
      let trail = try fourDigits(second)
      if UTF16.isTrailSurrogate(trail) { return UTF16.decode(UTF16.EncodedScalar([unit, trail])) }
    }
    let name = String(decoding: text[start..<start + 6], as: UTF8.self)
    throw failure(
      "the unpaired surrogate \(name) is not a character", at: start,
      remedy: "The text was cut inside a character. Write the whole character, or \\ufffd instead.")
  }

  private mutating func fourDigits(_ start: Int) throws -> UInt16 {
    guard index + 4 <= text.count,
      let value = UInt16(String(decoding: text[index..<index + 4], as: UTF8.self), radix: 16),
      text[index] != UInt8(ascii: "+"), text[index] != UInt8(ascii: "-")
    else { throw syntax("\\u is not followed by four hexadecimal digits", at: start) }
    index += 4
    return value
  }

  // MARK: Numbers

  mutating func number() throws -> JSONValue {
    let start = index
    _ = take("-")
    if take("0") {
      if let byte, (0x30...0x39).contains(byte) {
        throw syntax("a number begins with 0", at: start, remedy: "Leave the zero out, or write it as a text.")
      }
    } else {
      try digits(start)
    }
    var isWhole = true
    if take(".") {
      isWhole = false
      try digits(start)
    }
    if take("e") || take("E") {
      isWhole = false
      if !take("+") { _ = take("-") }
      try digits(start)
    }
    if let byte, Self.isWordByte(byte) || byte == UInt8(ascii: ".") {
      throw syntax("found \(found) in a number", at: index)
    }
    let digits = String(decoding: text[start..<index], as: UTF8.self)
    if isWhole, let value = Int(digits) { return .integer(value) }
    if isWhole, let value = UInt64(digits) { return .unsigned(value) }
    // A number beyond the float64 range is refused. A number too small for float64 becomes zero, the nearest value.
    guard let value = Double(digits), value.isFinite else {
      throw failure(
        "the number \(digits.prefix(40)) is too large", at: start, remedy: "The largest number is 1.8e308.")
    }
    return .number(value)
  }

  private mutating func digits(_ start: Int) throws {
    let first = index
    while let byte, (0x30...0x39).contains(byte) { index += 1 }
    guard index > first else {
      throw syntax("a number has no digit where one is required", at: start)
    }
  }
}
