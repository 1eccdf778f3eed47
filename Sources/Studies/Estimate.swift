import Statistics
import Support

/// A mean over seeds with its 95 % interval, by Student's t. With one seed there is no interval, or the interval over
/// prompts.
public struct Estimate: Equatable, Sendable {
  public let mean: Double
  public let low: Double?
  public let high: Double?

  /// Returns nil if there are no values.
  init?(_ values: [Double]) {
    guard let mean = values.mean else { return nil }
    self.mean = mean
    guard let interval = Student.mean(values) else {
      (low, high) = (nil, nil)
      return
    }
    low = interval.low
    high = interval.high
  }

  /// An estimate from one seed, with bounds from the seed's row.
  init(_ mean: Double, low: Double?, high: Double?) {
    self.mean = mean
    self.low = low
    self.high = high
  }

  /// Whether the estimated difference is clear: its interval does not contain 0. Without an interval it is not clear.
  var isClear: Bool {
    guard let low, let high else { return false }
    return low > 0 || high < 0
  }

  /// "0.012 (0.008 to 0.016)".
  func text(_ decimals: Int) -> String {
    func fixed(_ value: Double) -> String { Wording.fixed(value, decimals) }
    guard let low, let high else { return fixed(mean) }
    return "\(fixed(mean)) (\(fixed(low)) to \(fixed(high)))"
  }

  /// "61.2 % (58.0 to 64.4)".
  var percent: String {
    func fixed(_ value: Double) -> String { Wording.fixed(100 * value, 1) }
    guard let low, let high else { return "\(fixed(mean)) %" }
    return "\(fixed(mean)) % (\(fixed(low)) to \(fixed(high)))"
  }
}

/// Formats numbers in sentences.
enum Wording {
  /// A number with a real minus sign, −.
  static func fixed(_ value: Double, _ decimals: Int) -> String {
    let text = Formatting.fixed(value, decimals)
    return text.hasPrefix("-") ? "−" + text.dropFirst() : text
  }

  /// A number with its sign, + or −.
  static func signed(_ value: Double, _ decimals: Int = 3) -> String {
    (value < 0 ? "" : "+") + fixed(value, decimals)
  }
}

extension Estimate? {
  /// The estimate's text, or "(no figure)" if there is none.
  func text(_ decimals: Int) -> String { self?.text(decimals) ?? "(no figure)" }

  var percent: String { self?.percent ?? "(no figure)" }
}
