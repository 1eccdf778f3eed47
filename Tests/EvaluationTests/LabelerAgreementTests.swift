import Dialogues
import Testing

@testable import Evaluation

@Suite struct LabelerAgreementTests {
  private func ranking(
    _ prompt: String, _ answers: [String], _ ranks: [Int], _ labeler: String?
  ) -> Comparison {
    Comparison(prompt: Prompt(prompt), completions: answers, ranks: ranks, labeler: labeler)
  }

  @Test("only two labelers who ranked the same answers to the same prompt agree or do not")
  func sameAnswers() {
    let agreement = LabelerAgreement([
      ranking("a", ["x", "y", "z"], [1, 2, 3], "Ann"), ranking("b", ["x", "y"], [1, 2], "Ann"),
      ranking("a", ["z", "y", "x"], [1, 2, 3], "Bob"), ranking("a", ["x", "y", "z"], [1, 3, 2], "Cid"),
    ])
    // Ann and Bob agree on none of three, Ann and Cid on two, Bob and Cid on one.
    #expect(agreement.pairs == 9 && agreement.share == 3.0 / 9)
  }

  @Test("a tie of either counts for neither")
  func ties() {
    let agreement = LabelerAgreement([
      ranking("a", ["x", "y", "z"], [1, 1, 2], "Ann"), ranking("a", ["x", "y", "z"], [1, 2, 2], "Bob"),
    ])
    #expect(agreement.pairs == 1 && agreement.share == 1)
  }

  @Test("rankings without a name, of one labeler, of other prompts or other answers say nothing of agreement")
  func nothing() {
    for rankings in [
      (0..<40).map { ranking("Is box \($0) red?", ["Yes.", "No."], [1, 2], nil) },
      (0..<2).map { _ in ranking("a", ["x", "y"], [1, 2], nil) },
      (0..<2).map { _ in ranking("a", ["x", "y"], [1, 2], "Ann") },
      [ranking("a", ["x", "y"], [1, 2], "Ann"), ranking("b", ["x", "y"], [1, 2], "Bob")],
      [ranking("a", ["x", "y"], [1, 2], "Ann"), ranking("a", ["x", "z"], [1, 2], "Bob")],
      [ranking("a", ["x", "y"], [1, 2], "Ann"), ranking("a", ["x", "y"], [1, 2], nil)],
      [],
    ] {
      let agreement = LabelerAgreement(rankings)
      #expect(agreement.share == nil && agreement.pairs == 0)
    }
  }
}
