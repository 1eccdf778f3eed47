import Testing

@testable import Inference

@Suite struct BestOfTests {
  private func best(_ scores: [Float], ended: [Bool]) -> Int {
    BestOf.best(0..<scores.count, scores) { ended[$0] }
  }

  @Test("the highest score is chosen, the first of equals")
  func highest() {
    #expect(best([0, 2, 1, 2], ended: [true, true, true, true]) == 1)
  }

  @Test("an answer that was cut is chosen only where none ended, whatever its score")
  func cut() {
    #expect(best([0, 9, 1, -1], ended: [true, false, true, true]) == 2)
    #expect(best([0, 9, 1, -1], ended: [false, false, false, true]) == 3)
    #expect(best([0, 9, 1, -1], ended: [false, false, false, false]) == 1)
  }
}
