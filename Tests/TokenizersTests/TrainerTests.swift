import Testing

@testable import Tokenizers

@Suite struct TrainerTests {
  @Test("incremental counts learn what counting afresh before each merge learns")
  func reference() {
    for seed in 1...4 as ClosedRange<UInt64> {
      let documents = sampleDocuments(8, seed: seed)
      let learnt = Tokenizer.train(on: documents, vocabularySize: 400).merges
      #expect(learnt == byCounting(documents, merges: 140))
      #expect(learnt.count == 140)
    }
    let overlaps = ["aaaa aaa aa aaaaa", "abababab abab", "aabaab"]
    let all = Tokenizer.train(on: overlaps, vocabularySize: 1_000).merges
    #expect(all == byCounting(overlaps, merges: 740))
    #expect(!all.isEmpty)
  }

  @Test("the order of the documents and their partition change nothing")
  func order() {
    let documents = sampleDocuments(30)
    let one = Tokenizer.train(on: documents, vocabularySize: 450)
    let reversed = Tokenizer.train(on: documents.reversed(), vocabularySize: 450)
    let twice = Tokenizer.train(on: documents + documents, vocabularySize: 450)
    #expect(one.serialized == reversed.serialized)
    #expect(one.serialized == twice.serialized)
    #expect(one.hash == reversed.hash)
    #expect(one.vocabularyCount == 450)
  }

  @Test("of equally frequent pairs the one with the lower ids is merged first")
  func ties() {
    let merges = Tokenizer.train(on: ["cd\ncd\nab\nab\n"], vocabularySize: 262).merges
    #expect(merges == [merge("a", "b"), merge("c", "d")])
    let swapped = Tokenizer.train(on: ["ab\nab\ncd\ncd\n"], vocabularySize: 262).merges
    #expect(swapped == merges)
  }

  private func merge(_ left: Character, _ right: Character) -> Merge {
    Merge(Tokenizer.token(of: left.asciiValue!), Tokenizer.token(of: right.asciiValue!))
  }

  @Test("no text gives the bytes, and training stops when no pair occurs twice")
  func tooLittle() {
    let empty = Tokenizer.train(on: [String](), vocabularySize: 1_000)
    #expect(empty.vocabularyCount == 260)
    #expect(empty.encode("é") == [4 + 0xC3, 4 + 0xA9])
    #expect(Tokenizer.train(on: ["abcdef"], vocabularySize: 300).vocabularyCount == 260)
  }

  @Test("no token is longer than the longest that a file may hold")
  func longest() throws {
    let run = String(repeating: "a", count: 5_000)
    let tokenizer = Tokenizer.train(on: [run, run], vocabularySize: 600)
    _ = try Tokenizer(serialized: tokenizer.serialized)
    #expect(tokenizer.decodeString(tokenizer.encode(run)) == run)
  }

  /// Recounts every pair of every piece before every merge.
  private func byCounting(_ documents: [String], merges wanted: Int) -> [Merge] {
    var words = documents.flatMap { pieces(of: $0) }.map { $0.utf8.map { Int32($0) + 4 } }
    var tokens: [[UInt8]] = [[], [], [], []] + (0...255).map { [UInt8($0)] }
    var merges: [Merge] = []
    var barred: Set<Merge> = []
    while merges.count < wanted {
      var counts: [Merge: Int] = [:]
      for word in words {
        for (left, right) in zip(word, word.dropFirst()) {
          counts[Merge(left, right), default: 0] += 1
        }
      }
      let open = counts.filter { $0.value >= 2 && !barred.contains($0.key) }
      guard
        let best = open.min(by: { ($1.value, $0.key.key) < ($0.value, $1.key.key) })?.key
      else { break }
      let joined = tokens[Int(best.left)] + tokens[Int(best.right)]
      if tokens.contains(joined) {
        barred.insert(best)
        continue
      }
      for index in words.indices {
        var position = 0
        while position + 1 < words[index].count {
          if words[index][position] == best.left, words[index][position + 1] == best.right {
            words[index].replaceSubrange(position...position + 1, with: [Int32(tokens.count)])
          }
          position += 1
        }
      }
      merges.append(best)
      tokens.append(joined)
    }
    return merges
  }
}
