import Dialogues
import Support
import Testing

@testable import Studies

@Suite struct LabelerSplitTests {
  /// Each prompt's same answers ranked by two of the labelers; `Anna` has everything the other way round.
  private func comparisons(_ prompts: Int, _ labelers: [String?]) -> [Comparison] {
    (0..<prompts).flatMap { prompt in
      (0..<2).map { place in
        let labeler = labelers[(prompt + place) % labelers.count]
        return Comparison(
          prompt: Prompt("Question \(prompt)?"), completions: ["Yes.", "No.", "So."],
          ranks: labeler == "Anna" ? [3, 2, 1] : [1, 2, 3], labeler: labeler)
      }
    }
  }

  private func split(_ comparisons: [Comparison], seed: UInt64) throws -> LabelerSplit {
    try LabelerSplit(StudyFiles(comparisons: comparisons, at: "file", reward: nil), seed: seed)
  }

  @Test("what is learnt shares no prompt with what is asked, and is of no labeler who is held out")
  func parts() throws {
    let all = comparisons(50, ["Anna", "Bert", "Carl", "Dora", "Emil"])
    let split = try split(all, seed: 1)
    let asked = Set(split.test.map(\.prompt))
    #expect(asked.count == 10 && split.test.count == 20)
    #expect(split.heldOutLabelers.count == 1)
    #expect(!split.training.isEmpty)
    for comparison in split.training {
      #expect(!asked.contains(comparison.prompt))
      #expect(!split.heldOutLabelers.contains(comparison.labeler!))
    }
    let left = all.filter { !asked.contains($0.prompt) && !split.heldOutLabelers.contains($0.labeler!) }
    #expect(split.training.count == left.count)
    #expect(try self.split(all, seed: 1).training == split.training)
    let others = try (2...9).map { try self.split(all, seed: $0).heldOutLabelers }
    #expect(Set(others).count > 1, "every seed holds the same labeler out")
  }

  @Test("two labelers agree as often as they order a pair of the same answers alike")
  func agreement() throws {
    // Of five neighbours in a ring two pairs have Anna in them.
    #expect(try split(comparisons(50, ["Anna", "Bert", "Carl", "Dora", "Emil"]), seed: 1).agreement.share == 0.6)
    #expect(try split(comparisons(50, ["Bert", "Carl"]), seed: 1).agreement.share == 1)
  }

  @Test("the same answers in another order are the same answers")
  func anyOrder() throws {
    func ranking(_ labeler: String, _ prompt: Int, best: String, worst: String) -> Comparison {
      Comparison(
        prompt: Prompt("Question \(prompt)?"), completions: [best, worst], ranks: [1, 2], labeler: labeler)
    }
    // Written best first, as pairs are. On one prompt of five the two do not agree.
    let all = (0..<5).flatMap { prompt in
      [
        ranking("Bert", prompt, best: "Yes.", worst: "No."),
        prompt == 3
          ? ranking("Carl", prompt, best: "No.", worst: "Yes.")
          : ranking("Carl", prompt, best: "Yes.", worst: "No."),
      ]
    }
    #expect(try split(all, seed: 1).agreement.share == 0.8)
  }

  @Test("whoever is held out has ranked what is asked, whatever the others ranked, and nothing learnt is a tie")
  func unequal() throws {
    let many = (0..<40).map { prompt in
      Comparison(
        prompt: Prompt("Question \(prompt)?"), completions: ["Yes.", "No."],
        ranks: prompt % 4 == 0 ? [1, 1] : [1, 2], labeler: prompt < 34 ? "Bert" : "Carl")
    }
    var found = 0
    for seed in 1...30 as ClosedRange<UInt64> {
      guard let split = try? split(many, seed: seed) else { continue }
      found += 1
      let judges = Set(split.test.map { $0.labeler! })
      #expect(judges.count == 2 && split.heldOutLabelers.isSubset(of: judges))
      #expect(!(split.training + split.test).contains { $0.isAllTies })
    }
    #expect(found > 0)
  }

  @Test("rankings of fewer than two labelers, or too few to hold some out, are refused by name")
  func refusals() throws {
    for (rankings, what) in [
      (comparisons(9, [nil]), "0 of 18 rankings name a labeler"),
      (comparisons(9, ["Bert"]), "there are 1 different ones"),
      (comparisons(1, ["Bert", "Carl"]), "too few to hold out some of both"),
    ] {
      let failure = #expect(throws: Failure.self) { try split(rankings, seed: 1) }
      #expect(failure?.kind == .badData && failure?.what.contains(what) == true, "\(failure!)")
    }
  }
}
