/// Searching and trimming by bytes: exact, without Unicode's rules for characters.
extension RandomAccessCollection where Element == UInt8, Index == Int {
  /// The index of the first occurrence of `needle`.
  func first(_ needle: [UInt8]) -> Int? {
    guard count >= needle.count else { return nil }
    return (startIndex...endIndex - needle.count).first { matches(needle, at: $0) }
  }

  /// The index of the last occurrence of `needle`.
  func last(_ needle: [UInt8]) -> Int? {
    guard count >= needle.count else { return nil }
    return (startIndex...endIndex - needle.count).last { matches(needle, at: $0) }
  }

  func matches(_ needle: [UInt8], at index: Int) -> Bool {
    index + needle.count <= endIndex && self[index] == needle[0]
      && self[index..<index + needle.count].elementsEqual(needle)
  }

  /// As a string without ASCII white space at both ends.
  var trimmedText: String {
    guard let first = firstIndex(where: { !$0.isSpace }),
      let last = lastIndex(where: { !$0.isSpace })
    else { return "" }
    return String(decoding: self[first...last], as: UTF8.self)
  }
}

extension UInt8 {
  var isSpace: Bool { self == 0x20 || (0x09...0x0D).contains(self) }
}

extension String {
  /// Whether this contains another string, byte for byte, in linear time (Knuth, Morris & Pratt 1977).
  func holds(_ other: String) -> Bool {
    let sought = Array(other.utf8)
    guard !sought.isEmpty, utf8.count >= sought.count else { return sought.isEmpty }
    /// For each prefix of the sought text: the length of its longest proper suffix that is also a prefix.
    var borders = [0]
    func advance(_ matched: Int, _ byte: UInt8) -> Int {
      var matched = matched
      while matched > 0, matched == sought.count || sought[matched] != byte { matched = borders[matched - 1] }
      return sought[matched] == byte ? matched + 1 : 0
    }
    for byte in sought.dropFirst() { borders.append(advance(borders.last!, byte)) }
    var matched = 0
    for byte in utf8 {
      matched = advance(matched, byte)
      if matched == sought.count { return true }
    }
    return false
  }

  /// Whether the string contains only ASCII white space.
  public var isBlank: Bool { utf8.allSatisfy { $0.isSpace } }
}

/// The length of the common prefix of two arrays.
func commonPrefixCount<T: Equatable>(_ a: [T], _ b: [T]) -> Int {
  zip(a, b).prefix { $0 == $1 }.count
}
