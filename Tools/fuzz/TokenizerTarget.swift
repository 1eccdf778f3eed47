// The reader of tokenizers, and what must hold for every tokenizer that it accepts.
import Support

@testable import Tokenizers

/// An input is one byte; with its bit 0 a list of merges whose header is put before them, without it the
/// serialised tokenizer as it is; then a text. With bit 1 the text is also taken as a string, and as ids.
struct TokenizerTarget: Target {
  static func seeds() -> [[UInt8]] {
    let trained = Tokenizer.train(on: ["the cat sat on the mat, the cat sat"], vocabularySize: 266)
    let merges = trained.serialized.dropFirst(12)
    return [
      [0, 0], [1, 0],
      [0, UInt8(trained.serialized.count)] + trained.serialized + Array("the cat".utf8),
      [1, UInt8(merges.count / 4)] + merges + Array("the cat sat on the mat".utf8),
      [1, 1, 101, 0, 101, 0] + [UInt8](repeating: 97, count: 70), [1, 0] + Array("don't 1234  é 😀\n".utf8),
      [3, 0] + Array("don't 1234  é 😀\n".utf8),
    ]
  }

  func run(_ input: UnsafeRawBufferPointer) throws {
    var input = Bytes(input)
    let mode = input.u8()
    let isHeaderless = mode & 1 == 1
    let count = Int(input.u8())
    var serialized: [UInt8] = []
    if isHeaderless { serialized = Array("TRBP".utf8) + [1, 2, 0, 0, UInt8(count), 0, 0, 0] }
    for merge in 0..<count {
      guard isHeaderless else {
        serialized.append(input.u8())
        continue
      }
      // Most ids of noise are not there yet, and a refusal at the first merge teaches nothing.
      for _ in 0..<2 {
        let id = input.u16()
        let bounded = id & 0x8000 == 0 ? 4 + id % (256 + merge) : id
        serialized += [UInt8(bounded & 255), UInt8(bounded >> 8)]
      }
    }
    let tokenizer = try Tokenizer(serialized: serialized)
    require(tokenizer.serialized == serialized, "the same tokenizer has other bytes")
    let text = Array(input.rest)
    let tokens = tokenizer.encode(bytes: text)
    require(tokenizer.decode(tokens) == text, "\(text) came back as \(tokenizer.decode(tokens))")
    require(tokens.allSatisfy { $0 >= Tokenizer.firstByte }, "a text yielded a special token")
    try tokenizer.check(tokens)
    guard mode & 2 != 0 else { return }
    let string = String(decoding: text, as: UTF8.self)
    require(tokenizer.encode(string) == tokenizer.encode(bytes: Array(string.utf8)), "text and bytes differ")
    // Ids from outside.
    let ids = text.map { Int32(Int8(bitPattern: $0)) << 1 }
    try tokenizer.check(ids)
    _ = tokenizer.decodeString(ids, namingSpecialTokens: true)
  }
}
