import Support
import Testing

@_spi(_Unicode) import Swift

@testable import Tokenizers

@Suite struct NFCTests {
  private func normalized(_ bytes: [UInt8]) -> [UInt8] {
    bytes.withUnsafeBufferPointer { NFC.normalize($0) } ?? bytes
  }

  @Test(
    "marks are sorted and composed, Hangul too, and what is excluded stays apart",
    arguments: [
      ("e\u{301}", "\u{E9}"), ("e\u{323}\u{302}", "\u{1EC7}"), ("e\u{302}\u{323}", "\u{1EC7}"),
      ("\u{1100}\u{1161}\u{11A8}", "\u{AC01}"), ("\u{AC00}\u{11A8}", "\u{AC01}"), ("\u{212B}", "\u{C5}"),
      ("a\u{327}\u{301}\u{323}", "\u{1EA1}\u{327}\u{301}"), ("\u{958}", "\u{915}\u{93C}"), ("\u{301}e", "\u{301}e"),
      ("x\u{E9}\u{301}y", "x\u{E9}\u{301}y"), ("\u{344}", "\u{308}\u{301}"), ("", ""), ("abc", "abc"),
    ])
  func cases(text: String, expected: String) {
    #expect(normalized(Array(text.utf8)) == Array(expected.utf8))
  }

  @Test("it is what the standard library gives, for scalars that both know")
  func standardLibrary() {
    // Assigned in Unicode 10 or before, with many marks.
    let pool = (0x20...0x5FF).map { UInt32($0) } + (0x900...0xDFF) + (0x1100...0x11FF) + (0x1E00...0x1FFF)
      + (0xAC00...0xAC60) + (0xF900...0xF980)
    let known = pool.filter { value in
      Unicode.Scalar(value)?.properties.age.map { $0.major <= 10 } == true
    }
    for index in 0..<300 as Range<UInt64> {
      var random = RandomStream(seed: 3, purpose: "tests/nfc", index: index)
      var text = String.UnicodeScalarView()
      for _ in 0..<30 {
        let value = random.below(3) == 0 ? UInt32(0x300 + random.below(0x60)) : random.pick(known)
        text.append(Unicode.Scalar(value)!)
      }
      var expected = String.UnicodeScalarView()
      expected.append(contentsOf: String(text)._nfc)
      #expect(normalized(Array(String(text).utf8)) == Array(String(expected).utf8))
    }
  }

  @Test("bytes that are no UTF-8 stay, and a normal form is its own")
  func anyBytes() {
    #expect(normalized([0x61, 0x80, 0xCC, 0x81]) == [0x61, 0x80, 0xCC, 0x81])
    #expect(normalized([0x65, 0xCC, 0x81, 0xCC, 0xFF]) == [0xC3, 0xA9, 0xCC, 0xFF])
    for index in 0..<200 as Range<UInt64> {
      let bytes = randomBytes(300, index: index).map { $0 % 3 == 0 ? $0 : [0xCC, 0x81, 0x65][Int($0) % 3] }
      let once = normalized(bytes)
      #expect(normalized(once) == once)
    }
  }
}
