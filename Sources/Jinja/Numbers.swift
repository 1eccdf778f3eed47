// Floating-point numbers as Python writes them.

extension Double {
  /// Python's `repr`: the fewest digits that give the same number.
  var representation: String {
    if isNaN { return "nan" }
    if isInfinite { return self < 0 ? "-inf" : "inf" }
    let sign = self.sign == .minus ? "-" : ""
    if self == 0 { return sign + "0.0" }
    let (digits, exponent) = Double.parts(of: "\(magnitude)")
    return sign + Double.spelling(digits, exponent: exponent)
  }

  /// The digits of a written number and its exponent: 0.d₁d₂… × 10^exponent.
  private static func parts(of spelled: String) -> (digits: [UInt8], exponent: Int) {
    let halves = spelled.split(separator: "e")
    let whole = halves[0].split(separator: ".", omittingEmptySubsequences: false)
    var digits = whole.flatMap { $0.utf8.map { $0 - 48 } }
    var exponent = whole[0].utf8.count + (halves.count > 1 ? Int(halves[1]) ?? 0 : 0)
    while digits.count > 1, digits.first == 0 {
      digits.removeFirst()
      exponent -= 1
    }
    while digits.count > 1, digits.last == 0 { digits.removeLast() }
    return (digits, exponent)
  }

  private static func spelling(_ digits: [UInt8], exponent: Int) -> String {
    let text = digits.map { String($0) }.joined()
    switch exponent {
    case -3...0: return "0." + String(repeating: "0", count: -exponent) + text
    case 1...16:
      if text.utf8.count <= exponent {
        return text + String(repeating: "0", count: exponent - text.utf8.count) + ".0"
      }
      return "\(text.prefix(exponent)).\(text.dropFirst(exponent))"
    default:
      return Decimal.scientific(digits, exponent: exponent - 1, point: digits.count > 1)
    }
  }
}

/// The exact decimal digits of a finite number: 0.d₁d₂… × 10^point.
struct Decimal {
  private(set) var digits: [UInt8]
  private(set) var point: Int
  /// The number of steps charged for computing the digits of a number.
  static let steps = 64

  init(_ number: Double) {
    let magnitude = number.magnitude
    guard magnitude > 0 else {
      (digits, point) = ([0], 1)
      return
    }
    let significand = magnitude.significandBitPattern
    let isNormal = magnitude.exponentBitPattern != 0
    let mantissa = isNormal ? significand | 1 << 52 : significand
    let exponent = (isNormal ? Int(magnitude.exponentBitPattern) : 1) - 1075
    var big = Decimal.limbs(mantissa)
    // A half is five tenths: to divide by 2ⁿ, multiply by 5ⁿ and move the point by n digits.
    for _ in 0..<abs(exponent) { Decimal.multiply(&big, by: exponent > 0 ? 2 : 5) }
    var text = String(big.last ?? 0)
    for limb in big.dropLast().reversed() {
      let part = String(limb)
      text += String(repeating: "0", count: 9 - part.utf8.count) + part
    }
    digits = text.utf8.map { $0 - 48 }
    point = digits.count + min(exponent, 0)
  }

  private static func limbs(_ value: UInt64) -> [UInt64] {
    var (rest, limbs) = (value, [UInt64]())
    repeat {
      limbs.append(rest % 1_000_000_000)
      rest /= 1_000_000_000
    } while rest > 0
    return limbs
  }

  private static func multiply(_ limbs: inout [UInt64], by factor: UInt64) {
    var carry: UInt64 = 0
    for index in limbs.indices {
      let product = limbs[index] * factor + carry
      limbs[index] = product % 1_000_000_000
      carry = product / 1_000_000_000
    }
    if carry > 0 { limbs.append(carry) }
  }

  /// Rounds to `count` digits; an exact half goes to the even digit.
  mutating func round(to count: Int) {
    guard count < digits.count else { return }
    guard count >= 0 else {
      (digits, point) = ([0], point)
      return
    }
    let rest = digits[count...]
    let isHalf = rest.first == 5 && rest.dropFirst().allSatisfy { $0 == 0 }
    let goesUp = isHalf ? count > 0 && digits[count - 1] % 2 == 1 : rest.first! >= 5
    digits = Array(digits[..<count])
    guard goesUp else { return }
    var place = count - 1
    while place >= 0, digits[place] == 9 {
      digits[place] = 0
      place -= 1
    }
    if place >= 0 {
      digits[place] += 1
    } else {
      digits.insert(1, at: 0)
      point += 1
    }
  }

  /// With `places` digits after the point, like `%f`.
  func fixed(_ places: Int) -> String {
    var rounded = self
    rounded.round(to: point + places)
    let padded = String(repeating: "0", count: max(0, 1 - rounded.point))
    var text = padded + rounded.digits.map { String($0) }.joined()
    let whole = max(rounded.point, 1)
    text += String(repeating: "0", count: max(0, whole + places - text.utf8.count))
    text = String(text.prefix(whole + places))
    return places == 0 ? text : "\(text.prefix(whole)).\(text.dropFirst(whole))"
  }

  /// With `places` digits after the first, like `%e`.
  func scientific(_ places: Int) -> String {
    var rounded = self
    rounded.round(to: places + 1)
    let missing = max(0, places + 1 - rounded.digits.count)
    let digits = Array(rounded.digits.prefix(places + 1)) + Array(repeating: 0, count: missing)
    let isZero = rounded.digits.allSatisfy { $0 == 0 }
    return Decimal.scientific(digits, exponent: isZero ? 0 : rounded.point - 1, point: places > 0)
  }

  /// The shorter of the two forms with `precision` digits, like `%g`.
  func general(_ precision: Int, keepsZeros: Bool = false) -> String {
    let count = max(precision, 1)
    var rounded = self
    rounded.round(to: count)
    let exponent = rounded.digits.allSatisfy { $0 == 0 } ? 0 : rounded.point - 1
    let isScientific = exponent < -4 || exponent >= count
    let text = isScientific ? scientific(count - 1) : fixed(count - 1 - exponent)
    if keepsZeros || !text.utf8.contains(0x2E) { return text }
    let halves = text.split(separator: "e", maxSplits: 1)
    var mantissa = halves[0]
    while mantissa.last == "0" { mantissa.removeLast() }
    if mantissa.last == "." { mantissa.removeLast() }
    return halves.count > 1 ? "\(mantissa)e\(halves[1])" : String(mantissa)
  }

  static func scientific(_ digits: [UInt8], exponent: Int, point: Bool) -> String {
    let text = digits.map { String($0) }.joined()
    let power = String(abs(exponent))
    let shown = (power.utf8.count < 2 ? "0" : "") + power
    return "\(text.prefix(1))\(point ? "." : "")\(text.dropFirst(1))e\(exponent < 0 ? "-" : "+")\(shown)"
  }
}
