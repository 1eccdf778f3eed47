import Support

/// An axis with round ticks: steps of 1, 2 or 5 times a power of ten.
struct Axis {
  var low: Double
  var high: Double
  var ticks: [Double]
  private var step: Double

  /// An axis that contains `low...high`, except for up to a tenth of a step at each end, with about `count` intervals.
  /// - Parameter tight: the axis ends where the data end, not at a tick.
  init(_ low: Double, _ high: Double, count: Int = 4, tight: Bool = false) {
    var (low, high) = (low, high)
    if !(high - low > 1e-12 * max(1, abs(low))) {
      // For the smallest numbers, a tenth would underflow to 0.
      let room = abs(low) < 1e-300 ? 1 : abs(low) * 0.1
      (low, high) = (Self.finite(low - room), Self.finite(high + room))
    }
    let step = Self.roundStep(Self.distance(low, high) / Double(count) * 2)
    let first = (low / step + (tight ? -1e-9 : 0.1)).rounded(tight ? .up : .down)
    let last = (high / step + (tight ? 1e-9 : -0.1)).rounded(tight ? .down : .up)
    ticks = (0..<max(0, Int(nearest: last - first + 1))).map { (first + Double($0)) * step }
      .filter(\.isFinite)
    self.step = step
    self.low = tight ? low : Self.finite(first * step)
    self.high = tight ? high : Self.finite(last * step)
  }

  /// The position of `value` on the axis: 0 at the low end, 1 at the high end.
  func position(_ value: Double) -> Double { Self.distance(low, value) / Self.distance(low, high) }

  /// Half of `to - from`; the whole difference can overflow a Double.
  private static func distance(_ from: Double, _ to: Double) -> Double { to / 2 - from / 2 }

  private static func finite(_ value: Double) -> Double {
    min(max(value, -.greatestFiniteMagnitude), .greatestFiniteMagnitude)
  }

  /// A tick's label. All labels of an axis have the same number of decimals.
  func label(_ tick: Double, percent: Bool = false) -> String {
    let scale = percent ? 100.0 : 1
    let step = step * scale
    let value = abs(tick * scale) < step * 1e-6 ? 0 : tick * scale
    if step < 0.000_1 { return Numbers.scientific(value) }
    if step >= 1000 { return Numbers.count(value) + (percent ? "\u{A0}%" : "") }
    return Numbers.minus(Formatting.fixed(value, decimals(step))) + (percent ? "\u{A0}%" : "")
  }

  /// The text of a value between the ticks, with one decimal more than the ticks have, and at least two if the step is
  /// below 5.
  func precise(_ value: Double, percent: Bool = false) -> String {
    if percent { return Numbers.text(value, .percent) }
    if step < 0.000_1 { return Numbers.scientific(value) }
    return Numbers.text(value, .decimal(max(decimals(step) + 1, step < 5 ? 2 : 1)))
  }

  private func decimals(_ step: Double) -> Int {
    var (places, unit) = (0, step)
    while unit < 1 - 1e-9 { (unit, places) = (unit * 10, places + 1) }
    return places
  }

  private static func roundStep(_ raw: Double) -> Double {
    var unit = 1.0
    while unit > raw { unit /= 10 }
    while unit * 10 <= raw { unit *= 10 }
    return [1, 2, 5, 10].map { $0 * unit }.first { $0 >= raw * (1 - 1e-9) } ?? unit * 10
  }
}
