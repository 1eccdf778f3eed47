import Support

/// Sample sizes for the shares in a study's finding.
extension StudyRows {
  /// The sample size of a figure: "n 419 pairs per seed", or "n 380 to 419 pairs per seed". Returns nil if the rows do
  /// not have the column.
  func size(_ column: String, unit: String) -> String? {
    let counts = values(column)
    guard let least = counts.min(), let most = counts.max() else { return nil }
    let range = least == most ? Wording.fixed(most, 0) : "\(Wording.fixed(least, 0)) to \(Wording.fixed(most, 0))"
    return "n \(range) \(unit)" + (seeds.count > 1 ? " per seed" : "")
  }

  /// The sample size in brackets, to follow a figure; empty if the rows do not have the column.
  func sized(_ column: String, unit: String) -> String { size(column, unit: unit).map { " (\($0))" } ?? "" }

  /// The parts of a win rate that counts ties as half: " (better in 35.0 %, the same in 52.0 %, worse in 13.0 %;
  /// n 400 contests per seed)". Empty if the rows do not have the columns.
  func parts(_ rate: String, of contests: String = "contests") -> String {
    guard let mean = estimate(rate)?.mean, let ties = estimate("\(rate)_ties")?.mean else { return "" }
    func percent(_ share: Double) -> String { Wording.fixed(100 * max(0, share), 1) + " %" }
    let size = size(contests, unit: "contests").map { "; \($0)" } ?? ""
    return " (better in \(percent(mean - ties / 2)), the same in \(percent(ties)), worse in "
      + "\(percent(1 - mean - ties / 2))\(size))"
  }
}
