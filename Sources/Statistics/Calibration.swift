import Support

/// The calibration of a reward model: whether its predicted probabilities match how often it is right.
///
/// A pair with difference Δ = s_better − s_worse is one prediction: the answer with the higher score is better, with
/// probability σ(|Δ|). The prediction is right if Δ > 0, and counts half if Δ = 0.
public struct Calibration: Codable, Equatable, Sendable {
  public struct Bin: Codable, Equatable, Sendable {
    /// The bin holds probabilities from `low` to `high`.
    public let low: Double
    public let high: Double
    public let count: Int
    /// Mean predicted probability; 0 in an empty bin.
    public let predicted: Double
    /// Share of predictions that are right; 0 in an empty bin.
    public let observed: Double
  }

  /// Bins of equal width from ½ to 1.
  public let bins: [Bin]
  /// Σ count·|predicted − observed| / Σ count: the expected calibration error.
  public let error: Double

  public init(differences: [Float], bins count: Int = 10) {
    precondition(count > 0, "\(count) bins")
    var sums = [(count: Int, predicted: Double, observed: Double)](
      repeating: (0, 0, 0), count: count)
    for difference in differences {
      let probability = DeterministicMath.sigmoid(abs(Double(difference)))
      let index = min(count - 1, Int((probability - 0.5) * 2 * Double(count)))
      sums[index].count += 1
      sums[index].predicted += probability
      sums[index].observed += difference > 0 ? 1 : difference == 0 ? 0.5 : 0
    }
    bins = sums.enumerated().map { index, sum in
      let n = Double(max(1, sum.count))
      return Bin(
        low: 0.5 + 0.5 * Double(index) / Double(count),
        high: 0.5 + 0.5 * Double(index + 1) / Double(count),
        count: sum.count, predicted: sum.predicted / n, observed: sum.observed / n)
    }
    let weighted = bins.reduce(0.0) { $0 + Double($1.count) * abs($1.predicted - $1.observed) }
    error = differences.isEmpty ? 0 : weighted / Double(differences.count)
  }
}
