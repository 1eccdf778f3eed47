import Support

/// What stands behind the shares of a study's paragraph.
extension StudyRows {
  /// "n 419 pairs a seed", or "n 380 to 419 pairs a seed": how much a figure of each row is of. Nil where rows do
  /// not say.
  func size(_ column: String, _ unit: String) -> String? {
    let counts = values(column)
    guard let least = counts.min(), let most = counts.max() else { return nil }
    let range = least == most ? Wording.fixed(most, 0) : "\(Wording.fixed(least, 0)) to \(Wording.fixed(most, 0))"
    return "n \(range) \(unit)" + (seeds.count > 1 ? " a seed" : "")
  }

  /// The same in brackets behind a figure; nothing where rows do not say.
  func sized(_ column: String, _ unit: String) -> String { size(column, unit).map { " (\($0))" } ?? "" }

  /// What stands behind a win rate that counts ties half: " (better in 35.0 %, the same in 52.0 %, worse in 13.0 %;
  /// n 400 contests a seed)". Nothing where rows do not say.
  func parts(_ rate: String, of contests: String = "contests") -> String {
    guard let mean = estimate(rate)?.mean, let ties = estimate("\(rate)_ties")?.mean else { return "" }
    func percent(_ share: Double) -> String { Wording.fixed(100 * max(0, share), 1) + " %" }
    let size = size(contests, "contests").map { "; \($0)" } ?? ""
    return " (better in \(percent(mean - ties / 2)), the same in \(percent(ties)), worse in "
      + "\(percent(1 - mean - ties / 2))\(size))"
  }
}
