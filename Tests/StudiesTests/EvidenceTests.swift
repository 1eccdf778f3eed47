import Testing

@testable import Studies

@Suite struct EvidenceTests {
  private func rows(_ seeds: Int, _ values: [String: Double]) -> StudyRows {
    StudyRows(
      (1...UInt64(seeds)).map { seed in
        var row = StudyRow(["arm": "a"], values)
        row.seed = seed
        return row
      })
  }

  @Test("a share is followed by what it is of, a win rate by wins, ties and losses")
  func evidence() {
    let one = rows(1, ["pairs": 419, "rate": 0.525, "rate_ties": 0.95, "contests": 40])
    #expect(one.sized("pairs", unit: "pairs") == " (n 419 pairs)")
    #expect(one.parts("rate") == " (better in 5.0 %, the same in 95.0 %, worse in 0.0 %; n 40 contests)")
    #expect(rows(3, ["pairs": 7]).sized("pairs", unit: "pairs") == " (n 7 pairs per seed)")
    let different = StudyRows([StudyRow([:], ["pairs": 380]), StudyRow([:], ["pairs": 419])])
    #expect(different.size("pairs", unit: "pairs") == "n 380 to 419 pairs")
  }

  @Test("where rows do not say, nothing is said")
  func unknown() {
    #expect(rows(2, ["rate": 0.5]).parts("rate").isEmpty && rows(2, [:]).sized("pairs", unit: "pairs").isEmpty)
  }

  @Test("labelers of whom no two ranked the same have no agreement in the paragraph or among the figures")
  func noAgreement() {
    let finding = LabelersStudy().conclude(
      StudyRows([
        StudyRow(
          ["labels": "as they are"],
          ["rankings": 10, "share": 1, "accuracy_training_labelers": 0.6, "pairs_training_labelers": 12])
      ]))
    #expect(!finding.text.contains("agree with each other") && finding.text.contains("(n 12 pairs)"))
    #expect(!finding.figures.contains { $0.name.contains("agreement") })
  }

  @Test("no pair that turned, or all of them, has an interval with a width")
  func flips() throws {
    for edited in [[3.0, 2, 1], [1, 2, 3]] {
      var flips = RankFlips()
      for _ in 0..<4 { flips.add([3, 2, 1], edited: edited, orders: [[3, 2, 1]]) }
      let row = try #require(flips.row("edit"))
      #expect(row["flipped_low"]! < row["flipped_high"]!)
      #expect(row["accuracy_lost_low"]! < row["accuracy_lost_high"]!)
      #expect(row["flipped"] == row["accuracy_lost"])
    }
  }
}
