import Support
import Training

/// A mean over seeds with its 95 % interval, by Student's t; without one where there is one seed.
public struct Estimate: Equatable, Sendable {
  public let mean: Double
  public let low: Double?
  public let high: Double?

  /// nil for no values.
  init?(_ values: [Double]) {
    guard let mean = values.mean else { return nil }
    self.mean = mean
    guard values.count > 1 else {
      (low, high) = (nil, nil)
      return
    }
    let squares = values.reduce(0) { $0 + ($1 - mean) * ($1 - mean) }
    let error = (squares / Double(values.count - 1) / Double(values.count)).squareRoot()
    let reach = Self.quantile(degrees: values.count - 1) * error
    (low, high) = (mean - reach, mean + reach)
  }

  /// The 97.5 % quantile of Student's t.
  static func quantile(degrees: Int) -> Double {
    let table = [
      12.706, 4.303, 3.182, 2.776, 2.571, 2.447, 2.365, 2.306, 2.262, 2.228, 2.201, 2.179, 2.160,
      2.145, 2.131, 2.120, 2.110, 2.101, 2.093, 2.086, 2.080, 2.074, 2.069, 2.064, 2.060, 2.056,
      2.052, 2.048, 2.045, 2.042,
    ]
    return degrees <= table.count ? table[degrees - 1] : 1.96 + 2.4 / Double(degrees)
  }

  /// Whether a difference is one: its interval leaves 0 out. Of one seed nobody can tell.
  var isClear: Bool {
    guard let low, let high else { return false }
    return low > 0 || high < 0
  }

  /// "0.012 (0.008 to 0.016)".
  func text(_ decimals: Int) -> String {
    func fixed(_ value: Double) -> String { Formatting.fixed(value, decimals) }
    guard let low, let high else { return "\(fixed(mean)) (one seed)" }
    return "\(fixed(mean)) (\(fixed(low)) to \(fixed(high)))"
  }

  /// "61.2 % (58.0 to 64.4)".
  var percent: String {
    func fixed(_ value: Double) -> String { Formatting.fixed(100 * value, 1) }
    guard let low, let high else { return "\(fixed(mean)) % (one seed)" }
    return "\(fixed(mean)) % (\(fixed(low)) to \(fixed(high)))"
  }
}
