/// The names of special tokens, to find them where they are written out in a text: there they are text, and
/// whoever wrote them may have meant the tokens.
public struct SpecialNames: Sendable {
  private let names: [[UInt8]]
  private let tokens: Set<Int32>
  /// Whether a name begins with a byte.
  private let begins: [Bool]

  /// Shorter names are found in too much that means nothing.
  private static let shortest = 3

  /// Those of a tokenizer's special tokens and of the tokens of its chat format.
  public init(_ tokenizer: Tokenizer) {
    tokens = Set(tokenizer.specialTokens + tokenizer.chatFormat.tokens)
    let names = tokens.map { tokenizer.decode([$0], continuing: true, namingSpecialTokens: true) }
      .filter { $0.count >= Self.shortest }
    // Of two at one place the longer is found.
    self.names = names.sorted { $0.count > $1.count }
    begins = (0...255).map { byte in names.contains { $0[0] == UInt8(byte) } }
  }

  /// Whether a token is one of those that are named.
  public func isSpecial(_ token: Int32) -> Bool { tokens.contains(token) }

  public func occur(in text: String) -> Bool {
    var text = text
    return text.withUTF8 { first(in: $0, from: 0) != nil }
  }

  /// Where names stand in a text, in bytes; they do not overlap.
  public func ranges(in bytes: [UInt8]) -> [Range<Int>] {
    bytes.withUnsafeBufferPointer { bytes in
      var ranges: [Range<Int>] = []
      while let next = first(in: bytes, from: ranges.last?.upperBound ?? 0) { ranges.append(next) }
      return ranges
    }
  }

  private func first(in bytes: UnsafeBufferPointer<UInt8>, from start: Int) -> Range<Int>? {
    for index in bytes.indices[start...] where begins[Int(bytes[index])] {
      let name = names.first { name in
        index + name.count <= bytes.count && bytes[index..<index + name.count].elementsEqual(name)
      }
      if let name { return index..<index + name.count }
    }
    return nil
  }
}

extension Tokenizer {
  /// The ids of the special tokens.
  var specialTokens: [Int32] { (0..<Int32(vocabularyCount)).filter(isSpecial) }
}
