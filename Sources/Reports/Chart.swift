import Support

/// A line chart as inline SVG, readable without scripts: round ticks, a legend where there is
/// more than one line, each line's last value at its end, and every point's value on hover.
struct Chart {
  struct Point: Equatable {
    var x: Double
    var y: Double
    /// Number of observations behind the point; larger weights give larger marks.
    var weight: Double = 1
    /// The ends of the point's interval, if it has one.
    var low: Double?
    var high: Double?
  }

  struct Series {
    var name: String
    /// A class of the style sheet: "base", "sft", "ppo", "proxy", "gold", "first", "second".
    var colour: String
    var points: [Point]
    var dashed = false
    /// Whether each point gets a mark; for curves with few points.
    var marked = false
    /// Whether the last value is written at the line's end.
    var labelled = true
  }

  /// A horizontal line for comparison.
  struct Reference {
    var value: Double
    var name: String
  }

  var title: String
  var unit: String
  var xTitle = "step"
  var percent = false
  var series: [Series]
  /// Values that the vertical axis must show.
  var includes: [Double] = []
  var reference: Reference?
  /// The label of the line x = y. If set, that line is drawn and both axes have the same range.
  var diagonal: String?

  private static let (width, height) = (380.0, 232.0)
  private static let (left, right, top, bottom) = (44.0, 58.0, 14.0, 38.0)
  /// Maximum number of points in a line of this width.
  private static let resolution = 180

  /// The figure, or nil when there is nothing to draw.
  func figure() -> String? {
    let drawn = series.map(prepared).filter { !$0.strong.isEmpty }
    guard !drawn.isEmpty else { return nil }
    let (x, y) = axes(drawn)
    let head =
      Markup.text("h3", [], title)
      + Markup.element(
        "p", [("class", "unit")], Markup.escape(unit) + (drawn.count > 1 ? legend(drawn) : ""))
    let body =
      grid(x, y) + comparison(drawn, x, y) + drawn.map { line($0, x, y) }.joined()
      + ends(drawn, x, y)
    let svg = Markup.element(
      "svg",
      [
        ("viewBox", "0 0 \(coordinate(Self.width)) \(coordinate(Self.height))"), ("role", "img"),
        ("aria-label", summary(drawn)),
      ], body)
    return Markup.element("figure", [], Markup.element("figcaption", [], head) + svg)
  }

  // MARK: Data

  private struct Drawn {
    var series: Series
    /// The single values, drawn faintly if `strong` is their moving average; else empty.
    var faint: [Point]
    var strong: [Point]
  }

  private func prepared(_ series: Series) -> Drawn {
    let points = series.points.filter { $0.x.isFinite && $0.y.isFinite }
    guard points.count >= 60, !series.marked else {
      return Drawn(series: series, faint: [], strong: points)
    }
    return Drawn(
      series: series, faint: Self.thinned(points),
      strong: Self.thinned(Self.smoothed(points, window: points.count / 24)))
  }

  /// Averages neighbouring points, so that at most `resolution` points remain.
  static func thinned(_ points: [Point]) -> [Point] {
    guard points.count > resolution else { return points }
    return (0..<resolution).map { index in
      let part = points[
        index * points.count / resolution..<(index + 1) * points.count / resolution]
      return Point(x: mean(part.map(\.x)), y: mean(part.map(\.y)))
    }
  }

  /// A moving average over `window` points to each side. At the start it covers fewer points on both sides, so that
  /// the curve begins at its first value. At the end it covers the full `window` before the point, so that the last
  /// value is not a single noisy step.
  static func smoothed(_ points: [Point], window: Int) -> [Point] {
    points.indices.map { index in
      let reach = min(window, index)
      let part = points[index - reach...min(index + reach, points.count - 1)]
      return Point(x: points[index].x, y: mean(part.map(\.y)))
    }
  }

  /// The mean; correct even if the sum overflows a Double.
  private static func mean(_ values: [Double]) -> Double {
    let (sum, count) = (values.reduce(0, +), Double(values.count))
    return sum.isFinite ? sum / count : values.reduce(0) { $0 + $1 / count }
  }

  private func axes(_ drawn: [Drawn]) -> (Axis, Axis) {
    let xs = drawn.flatMap { $0.series.points }.filter { $0.y.isFinite }.map(\.x)
    let ys =
      drawn.flatMap { $0.strong.map(\.y) + Self.usual($0.faint.map(\.y)) } + includes
      + drawn.flatMap { $0.strong.flatMap { [$0.low, $0.high].compactMap { $0 } } }
      + (reference.map { [$0.value] } ?? [])
    if diagonal != nil {
      let axis = Axis((xs + ys).min()!, (xs + ys).max()!, count: 5)
      return (axis, axis)
    }
    return (Axis(xs.min()!, xs.max()!, count: 5, tight: true), Axis(ys.min()!, ys.max()!))
  }

  /// The range of `values` without the lowest and highest 2 %, so that outliers do not set the scale.
  private static func usual(_ values: [Double]) -> [Double] {
    let sorted = values.sorted()
    let cut = sorted.count / 50
    return sorted.isEmpty ? [] : [sorted[cut], sorted[sorted.count - 1 - cut]]
  }

  // MARK: Drawing

  private func place(_ point: Point, _ x: Axis, _ y: Axis) -> (x: Double, y: Double) {
    (
      Self.left + x.position(point.x) * (Self.width - Self.left - Self.right),
      Self.height - Self.bottom - y.position(point.y) * (Self.height - Self.top - Self.bottom)
    )
  }

  private func grid(_ x: Axis, _ y: Axis) -> String {
    let (start, end) = (Self.left, Self.width - Self.right)
    var marks = ""
    for tick in y.ticks {
      let at = place(Point(x: x.low, y: tick), x, y).y
      marks += Self.rule(start, at, to: end, at, kind: tick == y.low ? "axis" : "grid")
      marks += Self.label(
        start - 7, at + 4, anchor: "end", text: y.label(tick, percent: percent), kind: "tick")
    }
    let floor = Self.height - Self.bottom
    for tick in x.ticks {
      let at = place(Point(x: tick, y: y.low), x, y).x
      marks += Self.rule(at, floor, to: at, floor + 4, kind: "axis")
      marks += Self.label(
        at, floor + 17, anchor: "middle", text: x.label(tick, percent: percent && diagonal != nil), kind: "tick")
    }
    return marks + Self.label(end, Self.height - 4, anchor: "end", text: xTitle, kind: "name")
  }

  private func comparison(_ drawn: [Drawn], _ x: Axis, _ y: Axis) -> String {
    if let diagonal {
      let (a, b) = (
        place(Point(x: x.low, y: x.low), x, y), place(Point(x: x.high, y: x.high), x, y)
      )
      return Self.rule(a.x, a.y, to: b.x, b.y, kind: "reference")
        + Self.label(b.x + 6, b.y + 4, anchor: "start", text: diagonal, kind: "name")
    }
    guard let reference else { return "" }
    let (at, end) = (
      place(Point(x: x.low, y: reference.value), x, y).y, Self.width - Self.right
    )
    // The name goes to the side where no line ends.
    let isBelow = drawn.contains { $0.strong.last!.y > reference.value }
    return Self.rule(Self.left, at, to: end, at, kind: "reference")
      + Self.label(end - 2, at + (isBelow ? 15 : -6), anchor: "end", text: reference.name, kind: "name")
  }

  private func line(_ drawn: Drawn, _ x: Axis, _ y: Axis) -> String {
    let colour = drawn.series.colour
    func path(_ points: [Point], _ kind: String) -> String {
      guard points.count > 1 else { return "" }
      let steps = points.enumerated().map { index, point in
        let at = place(point, x, y)
        return "\(index == 0 ? "M" : "L")\(Self.coordinate(at.x)) \(Self.coordinate(at.y))"
      }
      return Markup.empty(
        "path", [("class", "\(kind) \(colour)"), ("d", steps.joined())])
    }
    // Outliers are cut off at the frame.
    let faint = drawn.faint.map { Point(x: $0.x, y: min(max($0.y, y.low), y.high)) }
    var marks = path(faint, "faint")
    marks += path(drawn.strong, drawn.series.dashed ? "line dashed" : "line")
    let heaviest = max(drawn.strong.map(\.weight).max() ?? 1, 1)
    if drawn.series.marked || drawn.strong.count == 1 {
      for point in drawn.strong {
        let at = place(point, x, y)
        let radius = 2 + 3 * (max(point.weight, 0) / heaviest).squareRoot()
        marks += Self.circle(at, radius, "mark \(colour)")
      }
    }
    return marks + intervals(drawn, x, y) + hits(drawn, x, y)
  }

  private func intervals(_ drawn: Drawn, _ x: Axis, _ y: Axis) -> String {
    drawn.strong.map { point in
      guard let low = point.low, let high = point.high else { return "" }
      let (from, to) = (place(Point(x: point.x, y: low), x, y), place(Point(x: point.x, y: high), x, y))
      return Self.rule(from.x, from.y, to: to.x, to.y, kind: "interval \(drawn.series.colour)")
    }.joined()
  }

  /// Invisible points that appear, with their value, when the pointer is over them.
  private func hits(_ drawn: Drawn, _ x: Axis, _ y: Axis) -> String {
    let every = max(1, drawn.strong.count / 60)
    return stride(from: 0, to: drawn.strong.count, by: every).map { index in
      let point = drawn.strong[index]
      let at = place(point, x, y)
      let value = "\(drawn.series.name), \(xTitle) \(Numbers.short(point.x)): "
        + y.precise(point.y, percent: percent)
      return Markup.element(
        "circle",
        [
          ("class", "hit \(drawn.series.colour)"), ("cx", Self.coordinate(at.x)),
          ("cy", Self.coordinate(at.y)), ("r", "5"),
        ], Markup.text("title", [], value))
    }.joined()
  }

  /// Writes each line's last value at its end; labels that would overlap are moved apart.
  private func ends(_ drawn: [Drawn], _ x: Axis, _ y: Axis) -> String {
    guard diagonal == nil else { return "" }
    var labels = drawn.filter(\.series.labelled).map { drawn in
      let point = drawn.strong.last!
      let at = place(point, x, y)
      let text = y.precise(point.y, percent: percent)
      return (x: at.x, y: at.y, label: at.y, text: text, series: drawn.series)
    }.sorted { $0.y < $1.y }
    let room = 14.0
    for index in labels.indices.dropFirst() {
      let short = room - (labels[index].label - labels[index - 1].label)
      guard short > 0 else { continue }
      for above in 0..<index { labels[above].label -= short / 2 }
      for below in index..<labels.count { labels[below].label += short / 2 }
    }
    return labels.map { end in
      (end.series.marked ? "" : Self.circle((end.x, end.y), 2.8, "mark \(end.series.colour)"))
        + Self.label(
          end.x + 8, end.label + 4, anchor: "start", text: end.text, kind: "value \(end.series.colour)")
    }.joined()
  }

  private func legend(_ drawn: [Drawn]) -> String {
    let entries = drawn.map { drawn in
      let kind = "key \(drawn.series.dashed ? "dashed " : "")\(drawn.series.colour)"
      return Markup.element(
        "span", [("class", "entry")],
        Markup.element("span", [("class", kind)], "") + Markup.escape(drawn.series.name))
    }
    return Markup.element("span", [("class", "legend")], entries.joined())
  }

  private func summary(_ drawn: [Drawn]) -> String {
    let lines = drawn.map { drawn in
      let (first, last) = (drawn.strong.first!, drawn.strong.last!)
      return "\(drawn.series.name) from \(text(first.y)) at \(xTitle) \(Numbers.short(first.x)) "
        + "to \(text(last.y)) at \(xTitle) \(Numbers.short(last.x))"
    }
    return "\(title), \(unit): \(lines.joined(separator: "; "))."
  }

  private func text(_ value: Double) -> String {
    percent ? Numbers.text(value, .percent) : Numbers.short(value)
  }

  private func coordinate(_ value: Double) -> String { Self.coordinate(value) }

  static func coordinate(_ value: Double) -> String {
    let text = Formatting.fixed(value, 1)
    return text.hasSuffix(".0") ? String(text.dropLast(2)) : text
  }

  static func rule(
    _ x1: Double, _ y1: Double, to x2: Double, _ y2: Double, kind: String
  ) -> String {
    Markup.empty(
      "line",
      [
        ("class", kind), ("x1", coordinate(x1)), ("y1", coordinate(y1)), ("x2", coordinate(x2)),
        ("y2", coordinate(y2)),
      ])
  }

  private static func circle(
    _ at: (x: Double, y: Double), _ radius: Double, _ kind: String
  ) -> String {
    Markup.empty(
      "circle",
      [
        ("class", kind), ("cx", coordinate(at.x)), ("cy", coordinate(at.y)),
        ("r", coordinate(radius)),
      ])
  }

  static func label(
    _ x: Double, _ y: Double, anchor: String, text: String, kind: String
  ) -> String {
    Markup.text(
      "text",
      [
        ("class", kind), ("x", coordinate(x)), ("y", coordinate(y)), ("text-anchor", anchor),
      ], text)
  }
}
