import Support

@testable import Tokenizers

/// Text with the statistics of words: a few hundred of them, the early ones often.
func sampleDocuments(_ count: Int, seed: UInt64 = 1) -> [String] {
  var random = RandomStream(seed: seed, purpose: "tests/documents")
  let words = (0..<300).map { _ in
    String((0..<1 + random.below(8)).map { _ in random.pick(Array("aabcdeeéi'no1 rst,😀\n")) })
  }
  return (0..<count).map { _ in
    (0..<60).map { _ in words[min(random.below(300), random.below(300))] }.joined(separator: " ")
  }
}

func randomBytes(_ count: Int, index: UInt64) -> [UInt8] {
  var random = RandomStream(seed: 7, purpose: "tests/bytes", index: index)
  return (0..<count).map { _ in UInt8(random.below(256)) }
}

/// Any scalars, surrogates excepted, with many from the ranges that pieces are cut by.
func randomUnicode(_ count: Int, index: UInt64) -> String {
  var random = RandomStream(seed: 7, purpose: "tests/unicode", index: index)
  var text = String.UnicodeScalarView()
  for _ in 0..<count {
    let value = random.below(2) == 0 ? random.below(128) : random.below(0x110000)
    if let scalar = Unicode.Scalar(UInt32(value)) { text.append(scalar) }
  }
  return String(text)
}

func pieces(of text: String) -> [String] {
  let bytes = Array(text.utf8)
  return bytes.withUnsafeBufferPointer { buffer in
    var pieces: [String] = []
    var start = 0
    while start < buffer.count {
      let end = PreTokenizer.end(ofPieceAt: start, in: buffer)
      pieces.append(String(decoding: buffer[start..<end], as: UTF8.self))
      start = end
    }
    return pieces
  }
}

let sampleTokenizer = Tokenizer.train(on: sampleDocuments(60), vocabularySize: 500)
