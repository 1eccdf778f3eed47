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

  @Test("every epoch has every record once, in an order of its own")
  func epochs() {
    let order = EpochOrder(count: 10, batch: 4, seed: 1, purpose: "test")
    #expect(order.stepsPerEpoch == 3 && order.steps(epochs: 2) == 6)
    let epochs = [0..<3, 3..<6].map { $0.flatMap { order.batch($0) } }
    #expect(epochs.map { $0.sorted() } == [Array(0..<10), Array(0..<10)])
    #expect(epochs[0] != epochs[1])
    #expect(order.batch(2).count == 2)
  }
}
