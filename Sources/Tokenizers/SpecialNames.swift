/// Finds the names of special tokens written out in a text. There they are plain text, although their author may have
/// meant the tokens.
public struct SpecialNames: Sendable {
  private let names: [[UInt8]]
  private let tokens: Set<Int32>
  /// For each byte, whether a name begins with it.
  private let begins: [Bool]

  /// Shorter names are ignored: they would match too much ordinary text.
  private static let shortest = 3

  /// The names of a tokenizer's special tokens and of the tokens in its chat format.
  public init(_ tokenizer: Tokenizer) {
    tokens = Set(tokenizer.specialTokens + tokenizer.chatFormat.tokens)
    let names = tokens.map { tokenizer.decode([$0], continuing: true, namingSpecialTokens: true) }
      .filter { $0.count >= Self.shortest }
    // Sorted so that at one position the longest name is found.
    self.names = names.sorted { $0.count > $1.count }
    begins = (0...255).map { byte in names.contains { $0[0] == UInt8(byte) } }
  }

  /// Whether a token is one of the named tokens.
  public func isSpecial(_ token: Int32) -> Bool { tokens.contains(token) }

  public func occur(in text: String) -> Bool {
    var text = text
    return text.withUTF8 { first(in: $0, from: 0) != nil }
  }

  /// The byte ranges of names in a text; they do not overlap.
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
