import Dialogues
import Testing
import Tokenizers

@testable import Inference

@Suite struct EncoderTests {
  private let encoder = RecordEncoder(
    Tokenizer.train(on: ["one two three"], vocabularySize: 270), context: 24)

  private func comparison(_ answers: [String], _ ranks: [Int], margin: Double? = nil) -> Comparison {
    Comparison(prompt: Prompt("say"), completions: answers, ranks: ranks, margin: margin)
  }

  @Test("comparisons keep their ranks, their margin and their place; the others are counted")
  func ranked() throws {
    let long = String(repeating: "7", count: 30)
    let ranked = try encoder.ranked([
      comparison(["a", "b"], [1, 1]), comparison(["a", "b"], [2, 1], margin: 0.5),
      comparison(["a", long], [1, 2]), comparison(["a", "b", "c"], [1, 3, 3]),
      comparison(["a", "b", "c"], [2, 2, 2]),
    ])
    #expect(ranked.kept.map(\.index) == [1, 3])
    #expect(ranked.sequences.map(\.ranks) == [[2, 1], [1, 3, 3]])
    #expect(ranked.sequences.map(\.margin) == [0.5, 0])
    #expect(ranked.sequences.map(\.sequences.count) == [2, 3])
    #expect(ranked.long == 1 && ranked.tied == 2)
  }
}
