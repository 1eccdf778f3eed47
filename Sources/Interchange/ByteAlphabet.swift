/// The characters that represent bytes in the vocabularies of byte-level tokenizers. A printable byte is its own
/// Latin-1 character; the other bytes are U+0100 and following.
enum ByteAlphabet {
  static let characters: [UInt32] = {
    var next: UInt32 = 256
    return (0...255).map { (byte: UInt32) in
      if (33...126).contains(byte) || (161...172).contains(byte) || byte >= 174 { return byte }
      defer { next += 1 }
      return next
    }
  }()

  private static let bytes: [UInt32: UInt8] = Dictionary(
    uniqueKeysWithValues: characters.enumerated().map { ($1, UInt8($0)) })

  /// The bytes that a text of the alphabet represents; nil if it has another character.
  static func decode(_ text: [UInt8]) -> [UInt8]? {
    var output: [UInt8] = []
    for scalar in String(decoding: text, as: UTF8.self).unicodeScalars {
      guard let byte = bytes[scalar.value] else { return nil }
      output.append(byte)
    }
    return output
  }

  static func encode(_ bytes: [UInt8]) -> [UInt8] {
    bytes.flatMap { byte -> [UInt8] in
      let scalar = characters[Int(byte)]
      return scalar < 0x80 ? [UInt8(scalar)] : [UInt8(0xC0 | scalar >> 6), UInt8(0x80 | scalar & 0x3F)]
    }
  }
}
