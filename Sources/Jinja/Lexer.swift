import Support

/// Splits a template into tokens as jinja2 does with `trim_blocks` and `lstrip_blocks`: the line end after a block or
/// comment is removed, and so are spaces before one at the start of a line.
struct Lexer {
  let source: [UInt32]
  private let name: String
  var offset = 0
  private var line: Int32 = 1
  private var lineStart = 0
  private var counted = 0
  private var atLineStart = true
  private(set) var tokens: [Token] = []
  /// The open brackets in the current tag.
  private var open: [UInt32] = []

  init(_ source: String, name: String) {
    self.source = Lexer.normalized(source)
    self.name = name
  }

  /// Converts all line ends to "\n" and removes one at the end.
  private static func normalized(_ source: String) -> [UInt32] {
    var units: [UInt32] = []
    var afterReturn = false
    for scalar in source.unicodeScalars {
      defer { afterReturn = scalar == "\r" }
      if scalar == "\n" && afterReturn { continue }
      units.append(scalar == "\r" ? 10 : scalar.value)
    }
    if units.last == 10 { units.removeLast() }
    return units
  }

  static func tokens(_ source: String, name: String) throws -> [Token] {
    var lexer = Lexer(source, name: name)
    while lexer.offset < lexer.source.count { try lexer.scanData() }
    lexer.append(.end)
    return lexer.tokens
  }

  // MARK: Positions

  private mutating func position(_ offset: Int) -> Position {
    while counted < offset {
      if source[counted] == 10 {
        line += 1
        lineStart = counted + 1
      }
      counted += 1
    }
    return Position(line: line, column: Int32(offset - lineStart + 1))
  }

  mutating func failure(_ what: String, at offset: Int) -> Failure {
    var fresh = self
    (fresh.line, fresh.lineStart, fresh.counted) = (1, 0, 0)
    return .template(what, in: name, at: fresh.position(min(offset, source.count)))
  }

  private mutating func append(_ kind: Token.Kind, at start: Int? = nil) {
    tokens.append(Token(kind: kind, position: position(start ?? offset)))
  }

  func peek(_ distance: Int = 0) -> UInt32? {
    offset + distance < source.count ? source[offset + distance] : nil
  }

  func has(_ ascii: StaticString, at start: Int) -> Bool {
    guard start + ascii.utf8CodeUnitCount <= source.count else { return false }
    return (0..<ascii.utf8CodeUnitCount).allSatisfy {
      source[start + $0] == UInt32(ascii.utf8Start[$0])
    }
  }

  func skipSpace(_ start: Int) -> Int {
    var end = start
    while end < source.count, isSpace(source[end]) { end += 1 }
    return end
  }

  // MARK: Text between tags

  private mutating func scanData() throws {
    let start = offset
    var end = start
    while end < source.count,
      !(source[end] == 0x7B && end + 1 < source.count
        && [0x7B, 0x25, 0x23].contains(source[end + 1]))
    {
      end += 1
    }
    guard end < source.count else {
      emit(start..<end)
      offset = end
      return
    }
    let sign = end + 2 < source.count ? source[end + 2] : 0
    emit(stripped(start..<end, sign: sign, isVariable: source[end + 1] == 0x7B))
    offset = end + (sign == 0x2D || sign == 0x2B ? 3 : 2)
    switch source[end + 1] {
    case 0x23: try scanComment(from: end)
    case 0x25:
      if let body = rawBody(offset) {
        offset = body
        try scanRaw(from: end)
      } else {
        append(.blockBegin, at: end)
        try scanTag(isBlock: true, from: end)
      }
    default:
      append(.variableBegin, at: end)
      try scanTag(isBlock: false, from: end)
    }
  }

  private mutating func emit(_ range: Range<Int>) {
    if !range.isEmpty { append(.data(Text(source[range])), at: range.lowerBound) }
  }

  /// The part of the text before a tag that is kept.
  private func stripped(_ range: Range<Int>, sign: UInt32, isVariable: Bool) -> Range<Int> {
    var end = range.upperBound
    while end > range.lowerBound, isSpace(source[end - 1]), sign == 0x2D || source[end - 1] != 10 {
      end -= 1
    }
    if sign == 0x2D { return range.lowerBound..<end }
    guard sign != 0x2B, !isVariable else { return range }
    let isWholeLine = end > range.lowerBound ? source[end - 1] == 10 : atLineStart
    return isWholeLine ? range.lowerBound..<end : range
  }

  /// If the tag is a raw block: the start of its text. `start` is after `{%` or `{%-`.
  private func rawBody(_ start: Int) -> Int? {
    var end = skipSpace(start)
    guard has("raw", at: end) else { return nil }
    end = skipSpace(end + 3)
    if has("-%}", at: end) { return skipSpace(end + 3) }
    return has("%}", at: end) ? end + 2 : nil
  }

  private mutating func scanRaw(from begin: Int) throws {
    atLineStart = source[offset - 1] == 10
    let start = offset
    var end = start
    while end < source.count {
      if has("{%", at: end) {
        let sign = end + 2 < source.count ? source[end + 2] : 0
        let word = skipSpace(end + (sign == 0x2D || sign == 0x2B ? 3 : 2))
        if has("endraw", at: word), let close = closing(skipSpace(word + 6), 0x25, plus: true) {
          emit(stripped(start..<end, sign: sign, isVariable: false))
          return finish(close)
        }
      }
      end += 1
    }
    throw failure("the end of this raw block is missing", at: begin)
  }

  private mutating func scanComment(from begin: Int) throws {
    var end = offset
    while end < source.count {
      if let close = closing(end, 0x23, plus: true) { return finish(close) }
      end += 1
    }
    throw failure("the end of this comment is missing", at: begin)
  }

  /// If a tag's end begins at `start`: the index after it. With "-" the following white space is included; otherwise
  /// one line end after a block.
  private func closing(_ start: Int, _ sign: UInt32, plus: Bool) -> Int? {
    guard start < source.count else { return nil }
    let isSigned = source[start] == 0x2D || (plus && source[start] == 0x2B)
    let at = isSigned ? start + 1 : start
    guard at + 1 < source.count, source[at] == sign, source[at + 1] == 0x7D else { return nil }
    if isSigned { return source[start] == 0x2D ? skipSpace(at + 2) : at + 2 }
    return plus && at + 2 < source.count && source[at + 2] == 10 ? at + 3 : at + 2
  }

  private mutating func finish(_ end: Int) {
    offset = end
    atLineStart = source[end - 1] == 10
  }

  // MARK: Tags

  private mutating func scanTag(isBlock: Bool, from begin: Int) throws {
    open = []
    while true {
      if open.isEmpty, let close = closing(offset, isBlock ? 0x25 : 0x7D, plus: isBlock) {
        append(isBlock ? .blockEnd : .variableEnd)
        return finish(close)
      }
      guard let next = peek() else { throw failure("the end of this tag is missing", at: begin) }
      if isSpace(next) {
        offset = skipSpace(offset)
      } else {
        let start = offset
        append(try scanToken(next), at: start)
      }
    }
  }

  private mutating func scanToken(_ first: UInt32) throws -> Token.Kind {
    let start = offset
    if isDigit(first) { return try scanNumber() }
    if first == 0x22 || first == 0x27 { return .string(try scanString(first)) }
    if Text.scalar(first).properties.isXIDStart || first == 0x5F {
      while let next = peek(), Text.scalar(next).properties.isXIDContinue || next == 0x5F { offset += 1 }
      return .name(Text(source[start..<offset]).string)
    }
    for sign in ["//", "**", "==", "!=", ">=", "<="] as [StaticString] where has(sign, at: start) {
      offset += 2
      return .operator("\(sign)")
    }
    guard first < 128, "+-/*%~[](){}><=.:|,;".unicodeScalars.contains(Text.scalar(first)) else {
      throw failure("there is no use for the character '\(Text.scalar(first))' here", at: start)
    }
    try balance(first)
    offset += 1
    return .operator(String(Text.scalar(first)))
  }

  private mutating func balance(_ sign: UInt32) throws {
    switch sign {
    case 0x28: open.append(0x29)
    case 0x5B: open.append(0x5D)
    case 0x7B: open.append(0x7D)
    case 0x29, 0x5D, 0x7D:
      if open.popLast() != sign {
        throw failure("nothing opens what '\(Text.scalar(sign))' closes", at: offset)
      }
    default: break
    }
  }
}
