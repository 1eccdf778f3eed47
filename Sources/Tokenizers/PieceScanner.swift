/// Splits text into the pieces that merges never cross, in linear time.
protocol PieceScanner {
  /// Classes of scalars that always end a piece and are pieces of their own.
  static var barrier: UInt8 { get }
  /// The end of the piece that begins at `start`; always > `start`.
  static func end(ofPieceAt start: Int, in text: ScannedText) -> Int
}

extension PieceScanner {
  static var barrier: UInt8 { 0 }

  /// `\s+(?!\S)|\s+`: white space, whose last scalar is left to the text that follows it.
  /// `last` is the start of the last scalar in the run up to `end`.
  @inline(__always)
  static func endOfSpace(_ start: Int, last: Int, end: Int, in text: ScannedText) -> Int {
    last > start && text[end].classes & ScannedText.end == 0 ? last : end
  }
}

extension PreTokenizer: PieceScanner {
  @inline(__always)
  static func end(ofPieceAt start: Int, in text: ScannedText) -> Int {
    end(ofPieceAt: start, in: text.bytes)
  }
}

/// GPT-2's pattern:
///
///     's|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+
enum GPT2Scanner: PieceScanner {
  static func end(ofPieceAt start: Int, in text: ScannedText) -> Int {
    typealias Text = ScannedText
    let byte = text.bytes[start]
    if byte == UInt8(ascii: "'"), let end = endOfContraction(start, text.bytes) { return end }
    var (first, index) = (text.first(at: start), start)
    if byte == UInt8(ascii: " ") {
      let next = text[start + 1]
      if next.classes & (Text.space | Text.end) == 0 { (first, index) = (next, start + 1) }
    }
    index += first.length
    if first.classes & Text.letter != 0 { return text.end(ofRun: Text.letter, from: index) }
    if first.classes & Text.number != 0 { return text.end(ofRun: Text.number, from: index) }
    guard first.classes & Text.space != 0 else {
      return text.end(ofRunWithout: Text.notOther, from: index)
    }
    var last = start
    while text[index].classes & Text.space != 0 {
      last = index
      index += text[index].length
    }
    return endOfSpace(start, last: last, end: index, in: text)
  }

  private static func endOfContraction(_ start: Int, _ bytes: UnsafeBufferPointer<UInt8>) -> Int? {
    guard start + 1 < bytes.count else { return nil }
    switch bytes[start + 1] {
    case UInt8(ascii: "s"), UInt8(ascii: "t"), UInt8(ascii: "m"), UInt8(ascii: "d"): return start + 2
    default: break
    }
    guard start + 2 < bytes.count else { return nil }
    switch (bytes[start + 1], bytes[start + 2]) {
    case (UInt8(ascii: "r"), UInt8(ascii: "e")), (UInt8(ascii: "v"), UInt8(ascii: "e")),
      (UInt8(ascii: "l"), UInt8(ascii: "l")):
      return start + 3
    default: return nil
    }
  }
}

/// Each digit is a piece; GPT-2's pattern applies between digits.
enum SmolLMScanner: PieceScanner {
  static var barrier: UInt8 { ScannedText.digit }

  static func end(ofPieceAt start: Int, in text: ScannedText) -> Int {
    let first = text.first(at: start)
    guard first.classes & ScannedText.digit == 0 else { return start + first.length }
    return GPT2Scanner.end(ofPieceAt: start, in: text)
  }
}

/// Llama 3's pattern; Qwen2's has `\p{N}` instead of `\p{N}{1,3}`:
///
///     (?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}
///       | ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+
enum Llama3Scanner: PieceScanner {
  static func end(ofPieceAt start: Int, in text: ScannedText) -> Int {
    end(ofPieceAt: start, in: text, digits: 3)
  }

  @inline(__always)
  static func end(ofPieceAt start: Int, in text: ScannedText, digits: Int) -> Int {
    typealias Text = ScannedText
    let byte = text.bytes[start]
    if byte == UInt8(ascii: "'"), let end = endOfContraction(start, text.bytes) { return end }
    var first = text.first(at: start)
    var index = start + first.length
    if first.classes & Text.letter != 0 { return text.end(ofRun: Text.letter, from: index) }
    if first.classes & Text.number != 0 {
      for _ in 1..<digits {
        let next = text[index]
        guard next.classes & Text.number != 0 else { break }
        index += next.length
      }
      return index
    }
    let next = text[index]
    if next.classes & Text.letter != 0, !isNewline(byte) {
      return text.end(ofRun: Text.letter, from: index + next.length)
    }
    if byte == UInt8(ascii: " "), next.classes & Text.notOther == 0 {
      first = next
      index += next.length
    }
    if first.classes & Text.space == 0 {
      index = text.end(ofRunWithout: Text.notOther, from: index)
      while index < text.count, isNewline(text.bytes[index]) { index += 1 }
      return index
    }
    var (last, afterNewline) = (start, isNewline(byte) ? index : start)
    while text[index].classes & Text.space != 0 {
      last = index
      index += text[index].length
      if isNewline(text.bytes[last]) { afterNewline = index }
    }
    return afterNewline > start ? afterNewline : endOfSpace(start, last: last, end: index, in: text)
  }

  @inline(__always)
  private static func isNewline(_ byte: UInt8) -> Bool { byte == 0x0A || byte == 0x0D }

  /// Case is folded as in Unicode: `ſ` counts as an s.
  private static func endOfContraction(_ start: Int, _ bytes: UnsafeBufferPointer<UInt8>) -> Int? {
    guard start + 1 < bytes.count else { return nil }
    switch bytes[start + 1] | 0x20 {
    case UInt8(ascii: "s"), UInt8(ascii: "t"), UInt8(ascii: "m"), UInt8(ascii: "d"): return start + 2
    default: break
    }
    guard start + 2 < bytes.count else { return nil }
    if bytes[start + 1] == 0xC5, bytes[start + 2] == 0xBF { return start + 3 }
    switch (bytes[start + 1] | 0x20, bytes[start + 2] | 0x20) {
    case (UInt8(ascii: "r"), UInt8(ascii: "e")), (UInt8(ascii: "v"), UInt8(ascii: "e")),
      (UInt8(ascii: "l"), UInt8(ascii: "l")):
      return start + 3
    default: return nil
    }
  }
}

/// The same as `Llama3Scanner`, but each scalar of a number is a piece.
enum Qwen2Scanner: PieceScanner {
  static func end(ofPieceAt start: Int, in text: ScannedText) -> Int {
    Llama3Scanner.end(ofPieceAt: start, in: text, digits: 1)
  }
}
