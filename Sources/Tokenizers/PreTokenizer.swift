/// Splits bytes into the pieces that merges never cross. Linear time, no Unicode tables.
///
/// At each position the first rule that matches takes the longest match:
///
///     [space] letters         a letter is a–z, A–Z or any byte ≥ 0x80, so UTF-8 characters are never split;
///                             an apostrophe between two letters belongs to the word: don't
///     1 to 3 digits           without the space, so that a number has the same tokens everywhere
///     [space] punctuation     every other byte that is not white space
///     white space             but its last space is left to a word or punctuation that follows
enum PreTokenizer {
  /// The end of the piece that begins at `start`; always > `start`.
  static func end(ofPieceAt start: Int, in bytes: UnsafeBufferPointer<UInt8>) -> Int {
    let next = start + 1
    switch Self.class(of: bytes[start]) {
    case .letter:
      return endOfLetters(from: next, in: bytes)
    case .digit:
      let limit = min(start + 3, bytes.count)
      return endOfRun(of: .digit, from: next, in: bytes, limit: limit)
    case .punctuation:
      return endOfRun(of: .punctuation, from: next, in: bytes, limit: bytes.count)
    case .space:
      if bytes[start] == space, next < bytes.count {
        switch Self.class(of: bytes[next]) {
        case .letter: return endOfLetters(from: next + 1, in: bytes)
        case .punctuation:
          return endOfRun(of: .punctuation, from: next + 1, in: bytes, limit: bytes.count)
        case .digit, .space: break
        }
      }
      let end = endOfRun(of: .space, from: next, in: bytes, limit: bytes.count)
      let leavesSpace =
        end < bytes.count && bytes[end - 1] == space && Self.class(of: bytes[end]) != .digit
      return leavesSpace && end - 1 > start ? end - 1 : end
    }
  }

  private enum Class { case letter, digit, punctuation, space }

  private static let space = UInt8(ascii: " ")

  @inline(__always)
  private static func `class`(of byte: UInt8) -> Class {
    switch byte {
    case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"), 0x80...:
      return .letter
    case UInt8(ascii: "0")...UInt8(ascii: "9"): return .digit
    case space, 0x09...0x0D: return .space
    default: return .punctuation
    }
  }

  @inline(__always)
  private static func endOfRun(
    of kind: Class, from start: Int, in bytes: UnsafeBufferPointer<UInt8>, limit: Int
  ) -> Int {
    var end = start
    while end < limit, Self.class(of: bytes[end]) == kind { end += 1 }
    return end
  }

  /// `start` follows a letter.
  private static func endOfLetters(
    from start: Int, in bytes: UnsafeBufferPointer<UInt8>
  ) -> Int {
    var end = start
    while end < bytes.count {
      if Self.class(of: bytes[end]) == .letter {
        end += 1
      } else if bytes[end] == UInt8(ascii: "'"), end + 1 < bytes.count,
        Self.class(of: bytes[end + 1]) == .letter
      {
        end += 2
      } else {
        break
      }
    }
    return end
  }
}
