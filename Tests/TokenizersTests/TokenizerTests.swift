import Support
import Testing

@testable import Tokenizers

@Suite struct TokenizerTests {
  @Test("decoding what was encoded gives back any bytes")
  func bytesRoundTrip() {
    for index in 0..<200 as Range<UInt64> {
      let bytes = randomBytes(Int(index) * 3, index: index)
      #expect(sampleTokenizer.decode(sampleTokenizer.encode(bytes: bytes)) == bytes)
    }
  }

  @Test("decoding what was encoded gives back any text")
  func textRoundTrip() {
    for index in 0..<100 as Range<UInt64> {
      let text = randomUnicode(Int(index) * 3, index: index)
      let back = sampleTokenizer.decodeString(sampleTokenizer.encode(text))
      #expect(Array(back.utf8) == Array(text.utf8))
    }
    for document in sampleDocuments(20, seed: 2) {
      #expect(sampleTokenizer.decodeString(sampleTokenizer.encode(document)) == document)
    }
  }

  @Test("the lowest merge goes first, the leftmost of equals")
  func mergeOrder() {
    var merged = 0
    for document in sampleDocuments(5, seed: 3) {
      let tokens = sampleTokenizer.encode(document)
      #expect(tokens == reference(document, merges: sampleTokenizer.merges))
      merged += document.utf8.count - tokens.count
    }
    #expect(merged > 500)
  }

  @Test("searching and the heap merge a piece alike")
  func twoWays() {
    var alphabet = Alphabet()
    alphabet.bytes = (0...255).map { Tokenizer.token(of: $0) }
    var merger = Merger(
      alphabet, PairTable(sampleTokenizer.merges), results: sampleTokenizer.results)
    var random = RandomStream(seed: 1, purpose: "tests/pieces")
    for length in 0..<200 {
      let piece = (0..<length).map { _ in random.pick(Array("aabcdeeino rst".utf8)) }
      var (searched, heaped): ([Int32], [Int32]) = ([], [])
      piece.withUnsafeBufferPointer {
        merger.append($0, to: &searched, searching: .max)
        merger.append($0, to: &heaped, searching: -1)
      }
      #expect(searched == heaped, "length \(length)")
    }
  }

  @Test("a megabyte without a space is encoded in well under a minute")
  func longRun() {
    let clock = ContinuousClock()
    for letters in ["a", "abcde", "aaab"] {
      let text = String(repeating: letters, count: 1_000_000 / letters.count)
      var tokens: [Int32] = []
      let time = clock.measure { tokens = sampleTokenizer.encode(text) }
      #expect(sampleTokenizer.decode(tokens) == Array(text.utf8))
      // A quadratic merge would take hours.
      #expect(time < .seconds(20))
    }
  }

  @Test("text never yields a special token, not even its name")
  func noSpecials() {
    for special in SpecialToken.allCases {
      let tokens = sampleTokenizer.encode("a \(special.name)\(special.name)")
      #expect(tokens.allSatisfy { $0 >= Tokenizer.firstByte })
      #expect(sampleTokenizer.decodeString(tokens) == "a \(special.name)\(special.name)")
    }
  }

  @Test("special tokens decode to nothing, or to their names when asked")
  func specialNames() {
    let tokens: [Int32] = [2] + sampleTokenizer.encode("hi") + [3, 0, 1]
    #expect(sampleTokenizer.decodeString(tokens) == "hi")
    let named = sampleTokenizer.decodeString(tokens, namingSpecialTokens: true)
    #expect(named == "<|user|>hi<|assistant|><|end|><|system|>")
  }

  @Test("an id outside the vocabulary is an error that names it")
  func unknownToken() throws {
    try sampleTokenizer.check([0, 4, Int32(sampleTokenizer.vocabularyCount - 1)])
    for bad in [-1, Int32(sampleTokenizer.vocabularyCount)] {
      #expect {
        try sampleTokenizer.check([5, bad], at: "line 3")
      } throws: { error in
        let failure = error as? Failure
        return failure?.kind == .badData && failure?.place == "line 3"
          && failure?.what.contains("token \(bad) ") == true
      }
    }
  }

  /// BPE as its definition reads: merge by merge, over the whole piece.
  private func reference(_ text: String, merges: [Merge]) -> [Int32] {
    pieces(of: text).flatMap { piece in
      var tokens = piece.utf8.map { Int32($0) + 4 }
      for (index, merge) in merges.enumerated() {
        var position = 0
        while position + 1 < tokens.count {
          if tokens[position] == merge.left, tokens[position + 1] == merge.right {
            tokens.replaceSubrange(position...position + 1, with: [260 + Int32(index)])
          }
          position += 1
        }
      }
      return tokens
    }
  }
}
