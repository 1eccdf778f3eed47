import Testing

@testable import Tokenizers

@Suite struct PreTokenizerTests {
  @Test(
    "a piece is a word, a number of up to three digits, a punctuation run or white space",
    arguments: [
      ("Hello world", ["Hello", " world"]),
      ("don't 'quote' it's'", ["don't", " '", "quote", "'", " it's", "'"]),
      ("in 1953, 12345", ["in", " ", "195", "3", ",", " ", "123", "45"]),
      ("a  b", ["a", " ", " b"]),
      ("a\n\nb \n c", ["a", "\n\n", "b", " \n", " c"]),
      ("x   12", ["x", "   ", "12"]),
      ("end.  ", ["end", ".", "  "]),
      (" ", [" "]),
      ("naïve—été 日本", ["naïve—été", " 日本"]),
      ("f(x) != {}", ["f", "(", "x", ")", " !=", " {}"]),
      ("\t\u{1}a", ["\t", "\u{1}", "a"]),
      ("", []),
    ])
  func rules(text: String, expected: [String]) {
    #expect(pieces(of: text) == expected)
  }

  @Test("pieces joined are the text, and UTF-8 is never cut inside a scalar")
  func partition() {
    for index in 0..<50 as Range<UInt64> {
      let text = randomUnicode(200, index: index)
      let parts = pieces(of: text)
      #expect(Array(parts.joined().utf8) == Array(text.utf8))
      #expect(parts.allSatisfy { !$0.isEmpty })
    }
  }
}
