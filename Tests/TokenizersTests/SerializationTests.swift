import Support
import Testing

@testable import Tokenizers

@Suite struct SerializationTests {
  @Test("a tokenizer read back is the same tokenizer")
  func roundTrip() throws {
    for size in [260, 261, 400, 500] {
      let one = Tokenizer.train(on: sampleDocuments(40), vocabularySize: size)
      let two = try Tokenizer(serialized: one.serialized)
      #expect(two.serialized == one.serialized)
      #expect(two.hash == one.hash)
      #expect(two.vocabularyCount == size)
      for document in sampleDocuments(5, seed: 9) {
        #expect(two.encode(document) == one.encode(document))
      }
    }
  }

  @Test("the layout is the documented one")
  func layout() {
    let tokenizer = Tokenizer.train(on: ["ab ab"], vocabularySize: 261)
    let (a, b) = (UInt8(4 + 97), UInt8(4 + 98))
    #expect(
      tokenizer.serialized == Array("TRBP".utf8) + [1, 2, 0, 0, 1, 0, 0, 0, a, 0, b, 0])
  }

  @Test("more than 65,536 ids are stored in four bytes each")
  func wide() throws {
    // A merge for every pair of bytes, twice as many as fit in two bytes with the bytes themselves.
    let merges = (0..<65_536).map { Merge(4 + Int32($0 >> 8), 4 + Int32($0 & 255)) }
    let bytes = try Tokenizer.checkedBytes(of: merges, at: "test")
    let one = Tokenizer(validated: merges, bytes: bytes)
    let two = try Tokenizer(serialized: one.serialized)
    #expect(one.serialized[5] == 4)
    #expect(two.merges == merges)
    #expect(two.decode(two.encode("abc")) == Array("abc".utf8))
  }

  @Test(
    "a damaged tokenizer is refused, and the error says how it is damaged",
    arguments: [
      ([], "this is not a tokenizer"),
      ([0x54], "this is not a tokenizer"),
      (Array(header().dropLast()), "this is not a tokenizer"),
      (Array("TRBX".utf8) + [1, 2, 0, 0, 0, 0, 0, 0], "this is not a tokenizer"),
      (header(version: 0), "this tokenizer has version 0; this program reads versions 1 to 3"),
      (header(version: 4), "this tokenizer has version 4; this program reads versions 1 to 3"),
      (header(width: 4), "the header of the tokenizer does not match its 12 bytes"),
      (header(count: 1), "the header of the tokenizer does not match its 12 bytes"),
      (header(count: .max), "the header of the tokenizer does not match its 12 bytes"),
      (header(reserved: 1), "the header of the tokenizer does not match its 12 bytes"),
      (header() + [0], "the header of the tokenizer does not match its 13 bytes"),
      (header(count: 1) + pair(4, 260), "merge 0 uses id 260, which is not a token before it"),
      (header(count: 1) + pair(3, 5), "merge 0 uses id 3, which is not a token before it"),
      (header(count: 2) + pair(4, 5) + pair(4, 5), "merge 1 makes a token that exists already"),
      (
        header(count: 4) + pair(4, 5) + pair(5, 6) + pair(260, 6) + pair(4, 261),
        "merge 3 makes a token that exists already"
      ),
      (
        header(count: 9) + pair(4, 4) + (0..<8).flatMap { pair(260 + $0, 260 + $0) },
        "merge 8 makes a token of 512 bytes; the limit is 256"
      ),
    ] as [([UInt8], String)])
  func damaged(bytes: [UInt8], reason: String) {
    #expect {
      try Tokenizer(serialized: bytes, at: "model.trlhf")
    } throws: { error in
      let failure = error as? Failure
      return failure?.kind == .badData && failure?.place == "model.trlhf"
        && failure?.what == reason
    }
  }

  @Test("an id outside the vocabulary is named")
  func unknownToken() throws {
    let tokenizer = try Tokenizer(serialized: header(count: 1) + pair(4, 5))
    try tokenizer.check([0, 260])
    for id in [-1, 261, Int32.max] {
      let expected = Failure(
        .badData, "token \(id) is not in the vocabulary of 261", at: "line 3",
        remedy: "Use the tokenizer that made these tokens.")
      #expect(throws: expected) { try tokenizer.check([4, id], at: "line 3") }
    }
  }

  @Test("any cut or flipped bit gives an error or a valid tokenizer, never a trap")
  func fuzz() {
    let good = Tokenizer.train(on: sampleDocuments(20), vocabularySize: 330).serialized
    var refused = 0
    for length in 0..<good.count {
      do { _ = try Tokenizer(serialized: Array(good[..<length])) } catch { refused += 1 }
    }
    #expect(refused == good.count)
    for bit in 0..<good.count * 8 {
      var bytes = good
      bytes[bit / 8] ^= 1 << (bit % 8)
      guard let tokenizer = try? Tokenizer(serialized: bytes) else { continue }
      #expect(tokenizer.serialized == bytes)
      #expect(tokenizer.decodeString(tokenizer.encode("round trip")) == "round trip")
    }
  }
}

private func header(
  version: UInt8 = 1, width: UInt8 = 2, reserved: UInt8 = 0, count: UInt32 = 0
) -> [UInt8] {
  Array("TRBP".utf8) + [version, width, reserved, 0]
    + (0..<4).map { UInt8(truncatingIfNeeded: count >> (8 * $0)) }
}

private func pair(_ left: Int, _ right: Int) -> [UInt8] {
  [left, right].flatMap { [UInt8($0 & 255), UInt8($0 >> 8)] }
}
