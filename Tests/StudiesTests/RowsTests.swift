import Testing

@testable import Studies

@Suite struct RowsTests {
  private func row(_ seed: UInt64, _ arm: String, _ value: Double?) -> StudyRow {
    var row = StudyRow(["arm": arm], ["gold": value])
    row.seed = seed
    return row
  }

  @Test("the table has a heading, a line a row, nothing where nothing applies, and quotes what CSV must")
  func table() {
    let rows = StudyRows([row(1, "a, \"b\"", 0.5), row(2, "c", nil)])
    #expect(rows.csv(["arm", "gold"]) == "seed,arm,gold\n1,\"a, \"\"b\"\"\",0.5\n2,c,\n")
  }

  @Test("an estimate is the mean over seeds with Student's interval, and without one for one seed")
  func estimate() throws {
    let rows = StudyRows([row(1, "a", 1), row(2, "a", 2), row(3, "a", 6), row(3, "b", 100)])
    let estimate = try #require(rows.with(["arm": "a"]).estimate("gold"))
    // t(0.975, 2) · √(7/3)
    #expect(estimate.mean == 3)
    #expect(abs(estimate.high! - 3 - 4.302652730 * (7.0 / 3).squareRoot()) < 1e-6)
    #expect(!estimate.isClear)
    let single = try #require(rows.with(["arm": "b"]).estimate("gold"))
    #expect(single.low == nil && single.high == nil && !single.isClear)
    #expect(rows.with(["arm": "none"]).estimate("gold") == nil)
  }

  @Test("a difference is taken seed by seed, so that what seeds have in common drops out")
  func difference() throws {
    let rows = StudyRows(
      ([1, 2, 3] as [UInt64]).flatMap { seed in
        let level = 100 * Double(seed)
        return [row(seed, "a", level + 1), row(seed, "b", level)]
      })
    let difference = try #require(
      rows.with(["arm": "a"]).difference("gold", to: rows.with(["arm": "b"])))
    #expect(difference == Estimate([1, 1, 1]))
    #expect(difference.isClear)
  }

  @Test("bounds over prompts stand in for seeds in a study of one seed, and in no other")
  func boundsOverPrompts() throws {
    func row(_ seed: UInt64, _ edit: String) -> StudyRow {
      var row = StudyRow(["edit": edit], ["flipped": 0.5, "flipped_low": 0.4, "flipped_high": 0.6])
      row.seed = seed
      return row
    }
    let one = StudyRows([row(1, "a"), row(1, "b")])
    #expect(one.hasBoundsOverPrompts)
    let estimate = try #require(one.with(["edit": "a"]).estimate("flipped"))
    #expect(estimate.low == 0.4 && estimate.high == 0.6 && estimate.isClear)
    // Only one of the seeds has the edit.
    let two = StudyRows([row(1, "a"), row(1, "b"), row(2, "b")])
    #expect(try !two.hasBoundsOverPrompts && #require(two.with(["edit": "a"]).estimate("flipped")).low == nil)
  }
}
