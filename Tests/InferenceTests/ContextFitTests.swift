import Dialogues
import Testing
import Tokenizers

@testable import Inference

@Suite struct ContextFitTests {
  private let tokenizer = Tokenizer.train(on: ["one two three"], vocabularySize: 270)

  private func comparison(_ answers: [String], _ ranks: [Int], margin: Double? = nil) -> Comparison {
    Comparison(prompt: Prompt("say"), completions: answers, ranks: ranks, margin: margin)
  }

  @Test("comparisons keep their ranks, their margin and their place; the others are counted")
  func ranked() throws {
    let long = String(repeating: "7", count: 30)
    let comparisons = [
      comparison(["a", "b"], [1, 1]), comparison(["a", "b"], [2, 1], margin: 0.5),
      comparison(["a", long], [1, 2]), comparison(["a", "b", "c"], [1, 3, 3]),
      comparison(["a", "b", "c"], [2, 2, 2]),
    ]
    let ranked = ContextFit(24).comparisons(try comparisons.tokenized(tokenizer, threads: 1))
    #expect(ranked.kept.map(\.index) == [1, 3])
    #expect(ranked.sequences.map(\.ranks) == [[2, 1], [1, 3, 3]])
    #expect(ranked.sequences.map(\.margin) == [0.5, 0])
    #expect(ranked.sequences.map(\.sequences.count) == [2, 3])
    #expect(ranked.long == 1 && ranked.tied == 2)
  }
}
