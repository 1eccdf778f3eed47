import Runs

/// A plot with one line per label: a dot at the value and a bar over its interval.
struct DotPlot {
  private let chart: StudyRecord.Chart

  init(_ chart: StudyRecord.Chart) { self.chart = chart }

  private static let (width, row, left, right, bottom) = (380.0, 26.0, 118.0, 58.0, 26.0)

  /// The figure, or nil when there is nothing to draw.
  func figure() -> String? {
    let dots = chart.dots.filter { $0.value.isFinite }
    guard !dots.isEmpty else { return nil }
    let values = dots.flatMap { [$0.value, $0.low, $0.high].compactMap { $0 } }
    let axis = Axis(values.min()!, values.max()!)
    let height = Self.row * Double(dots.count) + Self.bottom
    var marks = axis.ticks.map { tick in
      Chart.rule(place(tick, axis), 0, to: place(tick, axis), height - Self.bottom, kind: "grid")
        + Chart.label(place(tick, axis), height - 8, anchor: "middle", text: axis.label(tick), kind: "tick")
    }.joined()
    for (index, dot) in dots.enumerated() { marks += line(dot, index, axis) }
    let summary = dots.map { "\($0.label) \(Numbers.short($0.value))" }.joined(separator: "; ")
    let svg = Markup.element(
      "svg",
      [
        ("viewBox", "0 0 \(Int(Self.width)) \(Int(height))"), ("role", "img"),
        ("aria-label", "\(chart.title), \(chart.unit): \(summary)."),
      ], marks)
    return Markup.element(
      "figure", [],
      Markup.element(
        "figcaption", [],
        Markup.text("h3", [], chart.title) + Markup.text("p", [("class", "unit")], chart.unit))
        + svg)
  }

  private func line(_ dot: StudyRecord.Dot, _ index: Int, _ axis: Axis) -> String {
    let y = Self.row * (Double(index) + 0.5)
    var marks = Chart.label(Self.left - 12, y + 4, anchor: "end", text: dot.label, kind: "name")
    if let low = dot.low, let high = dot.high {
      marks += Chart.rule(place(low, axis), y, to: place(high, axis), y, kind: "interval first")
    }
    let value = dot.low.flatMap { low in
      dot.high.map { "\(Numbers.short(dot.value)) (\(Numbers.short(low)) to \(Numbers.short($0)))" }
    }
    marks += Markup.element(
      "circle",
      [
        ("class", "mark first"), ("cx", Chart.coordinate(place(dot.value, axis))),
        ("cy", Chart.coordinate(y)), ("r", "4.5"),
      ], Markup.text("title", [], "\(dot.label): \(value ?? Numbers.short(dot.value))"))
    return marks
      + Chart.label(
        Self.width - Self.right + 10, y + 4, anchor: "start", text: axis.precise(dot.value), kind: "value first")
  }

  private func place(_ value: Double, _ axis: Axis) -> Double {
    Self.left + axis.position(value) * (Self.width - Self.left - Self.right)
  }
}
