/// The tokens of a text that a chat template wrote, and the part of the text that each token came from.
struct EncodedDialogue {
  let tokens: [Int32]
  let sections: [Encoder.Section]

  /// The number of tokens that end at or before a byte of the text, and the index of the first token that begins at
  /// or after it. They differ by one if a token crosses the byte.
  ///
  /// - Parameter text: the text, in UTF-8.
  func place(ofByte byte: Int, of text: [UInt8], by tokenizer: Tokenizer) -> (before: Int, after: Int) {
    guard let section = sections.first(where: { byte < $0.bytes.upperBound }) else {
      return (tokens.count, tokens.count)
    }
    let first = section.tokens.lowerBound
    if byte <= section.bytes.lowerBound { return (first, first) }
    guard let position = section.position else { return (first, section.tokens.upperBound) }
    // Encoding the text only up to this byte gives the same tokens, except for the last ones, which the bytes after
    // it may change.
    let alone = text[section.bytes.lowerBound..<byte].withUnsafeBufferPointer {
      tokenizer.encode($0, at: position)
    }
    let encoded = tokens[section.tokens]
    let common = zip(alone, encoded).prefix { $0 == $1 }.count
    func bytes(_ tokens: some Sequence<Int32>) -> Int {
      tokenizer.decode(tokens, continuing: true, namingSpecialTokens: true).count
    }
    let wanted = bytes(alone[common...])
    var (index, seen) = (first + common, 0)
    while seen < wanted, index < section.tokens.upperBound {
      let next = seen + bytes([tokens[index]])
      if next > wanted { return (index, index + 1) }
      (index, seen) = (index + 1, next)
    }
    return (index, index)
  }
}
