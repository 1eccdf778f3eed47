import Testing

@testable import Studies

@Suite struct TaxStudyTests {
  /// Rows as a study would measure them.
  private func rows(ptx: Double, plain: Double) -> StudyRows {
    StudyRows(
      [1, 2].flatMap { seed in
        [("sft", 0.02), ("ppo", plain), ("ppo-ptx", ptx), ("ppo-high-beta", 0.03)].map { arm, tax in
          var row = StudyRow(
            ["arm": arm], ["tax": tax + 0.0001 * Double(seed), "gold": 0.8, "kl": 1])
          row.seed = UInt64(seed)
          return row
        }
      })
  }

  @Test("the finding follows the rows: a mix that halves the tax agrees with the paper, one that does not does not")
  func follows() {
    let good = TaxStudy().conclude(rows(ptx: 0.01, plain: 0.03))
    #expect(good.text.contains("does the same here"))
    #expect(good.figures[0].value! < 0.35)
    let bad = TaxStudy().conclude(rows(ptx: 0.028, plain: 0.03))
    #expect(bad.text.contains("does not do the same here"))
  }
}
