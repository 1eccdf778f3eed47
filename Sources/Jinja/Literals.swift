import Support

// Number and string literals of a template.
extension Lexer {
  mutating func scanNumber() throws -> Token.Kind {
    let start = offset
    if let float = floatEnd(start) {
      offset = float
      let digits = spelling(start..<float)
      guard let number = Double(digits) else { throw failure("'\(digits)' is no number", at: start) }
      return .float(number)
    }
    let (digits, radix) = integer(start)
    guard let number = Int(digits, radix: radix) else {
      throw failure("the number is too large", at: start)
    }
    return .integer(number)
  }

  private func spelling(_ range: Range<Int>) -> String {
    Text(units: source[range].filter { $0 != 0x5F }).string
  }

  /// The end of a run of digits, with "_" allowed between two digits.
  private func digits(_ start: Int, _ isDigit: (UInt32) -> Bool = isDigit) -> Int {
    var end = start
    while end < source.count {
      if isDigit(source[end]) {
        end += 1
      } else if source[end] == 0x5F, end > start, end + 1 < source.count, isDigit(source[end + 1]) {
        end += 2
      } else {
        break
      }
    }
    return end
  }

  private func floatEnd(_ start: Int) -> Int? {
    guard start == 0 || source[start - 1] != 0x2E else { return nil }
    var end = digits(start)
    var isFloat = false
    if end + 1 < source.count, source[end] == 0x2E, isDigit(source[end + 1]) {
      end = digits(end + 1)
      isFloat = true
    }
    if end < source.count, source[end] | 0x20 == 0x65 {
      var exponent = end + 1
      if exponent < source.count, source[exponent] == 0x2B || source[exponent] == 0x2D { exponent += 1 }
      let exponentEnd = digits(exponent)
      if exponentEnd > exponent { return exponentEnd }
    }
    return isFloat ? end : nil
  }

  private mutating func integer(_ start: Int) -> (String, Int) {
    let next = start + 1 < source.count ? source[start + 1] | 0x20 : 0
    for (letter, radix) in [(0x62, 2), (0x6F, 8), (0x78, 16)] as [(UInt32, Int)]
    where source[start] == 0x30 && next == letter {
      let isDigit = { (unit: UInt32) in
        unit < 128 && Int(String(Text.scalar(unit)), radix: radix) != nil
      }
      var from = start + 2
      if from < source.count, source[from] == 0x5F { from += 1 }
      let end = digits(from, isDigit)
      if end > from {
        offset = end
        return (spelling(from..<end), radix)
      }
    }
    // As in Python, no number except 0 itself begins with 0.
    offset = source[start] == 0x30 ? digits(start) { $0 == 0x30 } : digits(start)
    return (spelling(start..<offset), 10)
  }

  mutating func scanString(_ quote: UInt32) throws -> Text {
    let start = offset
    var units: [UInt32] = []
    offset += 1
    while let next = peek() {
      offset += 1
      if next == quote { return Text(units: units) }
      if next == 0x5C { try scanEscape(into: &units) } else { units.append(next) }
    }
    throw failure("the end of this string is missing", at: start)
  }

  private mutating func scanEscape(into units: inout [UInt32]) throws {
    guard let letter = peek() else { return }
    offset += 1
    let plain: [UInt32: UInt32] = [
      0x5C: 0x5C, 0x27: 0x27, 0x22: 0x22, 0x61: 7, 0x62: 8, 0x66: 12, 0x6E: 10, 0x72: 13, 0x74: 9,
      0x76: 11,
    ]
    switch letter {
    case 10: break
    case 0x30...0x37:
      var value = letter - 0x30
      for _ in 0..<2 {
        guard let digit = peek(), (0x30...0x37).contains(digit) else { break }
        value = value * 8 + digit - 0x30
        offset += 1
      }
      units.append(value)
    case 0x78: units.append(try hexadecimal(2))
    case 0x75: units.append(try hexadecimal(4))
    case 0x55: units.append(try hexadecimal(8))
    case 0x4E: throw failure("the escape \\N is not supported", at: offset - 2)
    default:
      if let unit = plain[letter] { units.append(unit) } else { units += [0x5C, letter] }
    }
  }

  private mutating func hexadecimal(_ count: Int) throws -> UInt32 {
    let end = offset + count
    guard end <= source.count, source[offset..<end].allSatisfy({ $0 < 128 }),
      let value = UInt32(Text(source[offset..<end]).string, radix: 16), source[offset] != 0x2B,
      Unicode.Scalar(value) != nil
    else { throw failure("this escape names no character", at: offset - 2) }
    offset = end
    return value
  }
}
