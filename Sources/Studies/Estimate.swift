import Statistics
import Support

/// A mean over seeds with its 95 % interval, by Student's t; where there is one seed, without one or with that
/// over prompts.
public struct Estimate: Equatable, Sendable {
  public let mean: Double
  public let low: Double?
  public let high: Double?

  /// nil for no values.
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

  /// Of one seed, with bounds that its row brings along.
  init(_ mean: Double, low: Double?, high: Double?) {
    self.mean = mean
    self.low = low
    self.high = high
  }

  /// Whether a difference is one: its interval leaves 0 out. Without an interval nobody can tell.
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

/// Numbers in sentences.
enum Wording {
  /// With a minus that is one.
  static func fixed(_ value: Double, _ decimals: Int) -> String {
    let text = Formatting.fixed(value, decimals)
    return text.hasPrefix("-") ? "−" + text.dropFirst() : text
  }

  /// With its sign.
  static func signed(_ value: Double, _ decimals: Int = 3) -> String {
    (value < 0 ? "" : "+") + fixed(value, decimals)
  }
}

extension Estimate? {
  /// As of the estimate, or that there is none.
  func text(_ decimals: Int) -> String { self?.text(decimals) ?? "(no figure)" }

  var percent: String { self?.percent ?? "(no figure)" }
}
