import Runs
import Support

/// The table of results: one row per measure, one column per model.
enum ResultsTable {
  static func html(_ summary: Summary, _ models: ShownModels) -> String {
    let heads = models.keys.map { key in
      Markup.element(
        "th", [("scope", "col")],
        Markup.element("span", [("class", "dot \(models.colour(key))")], "")
          + Markup.escape(models.name(key)))
    }
    let head = Markup.element(
      "tr", [],
      Markup.text(
        "th", [("scope", "col"), ("class", "measure")],
        summary.isOnTrainedPrompts ? "On prompts that PPO trained on" : "On held-out prompts")
        + heads.joined() + Markup.text("th", [("scope", "col"), ("class", "n"), ("title", Measure.counted)], "n")
        + Markup.text("th", [("scope", "col"), ("class", "strip")], "0 to 1"))
    let rows = Measure.all.filter { Measure.isShown($0, summary) }.map {
      row($0, summary, models)
    }
    let body = rows.joined() + winRates(summary, models)
    return Markup.element(
      "div", [("class", "scroll")],
      Markup.element(
        "table", [("class", "results")],
        Markup.element("thead", [], head) + Markup.element("tbody", [], body)))
  }

  private static func row(
    _ measure: Measure, _ summary: Summary, _ models: ShownModels
  ) -> String {
    let values = models.keys.map { key in
      (key: key, value: summary.models[key].flatMap(measure.value))
    }
    let cells = values.map { Markup.text("td", [], Numbers.text($0.value, measure.style)) }
    let line = measure.isShare ? strip(values.compactMap { pair in
      pair.value.map { (models.colour(pair.key), $0) }
    }) : ""
    return Markup.element(
      "tr", [],
      title(measure.title, note: measure.note, better: measure.better) + cells.joined()
        + Markup.text("td", [("class", "n")], measure.count(summary) ?? "")
        + Markup.element("td", [("class", "strip")], line))
  }

  private static func title(_ title: String, note: String, better: Measure.Better) -> String {
    func mark(_ arrow: String, meaning: String) -> String {
      Markup.text("span", [("class", "arrow"), ("title", meaning)], "\u{A0}\(arrow)")
    }
    let arrow =
      switch better {
      case .higher: mark("↑", meaning: "higher is better")
      case .lower: mark("↓", meaning: "lower is better")
      case .neither: ""
      }
    return Markup.element(
      "th", [("scope", "row")],
      Markup.escape(title) + arrow + Markup.text("small", [], note))
  }

  private static func winRates(_ summary: Summary, _ models: ShownModels) -> String {
    guard let rates = WinRates(summary) else { return "" }
    let count = models.keys.compactMap { rates[$0]?.n }.max().map(Numbers.count) ?? ""
    let shares = WinRates.shares.enumerated().map { index, row in
      let (title, share) = row
      return Markup.element(
        "tr", [],
        Self.title(title, note: index == 0 ? rates.note : "", better: .neither)
          + models.keys.map { key in
            Markup.text("td", [], Numbers.text(rates[key].map(share), .percent))
          }.joined()
          + Markup.text("td", [("class", "n")], count) + Markup.element("td", [("class", "strip")], ""))
    }
    return shares.joined() + winRate(rates, models, count)
  }

  /// The row of the win rate, which counts ties as half, with its interval.
  private static func winRate(_ all: WinRates, _ models: ShownModels, _ count: String) -> String {
    let cells = models.keys.map { key in
      guard let rate = all[key] else { return Markup.text("td", [], Numbers.absent) }
      return Markup.element(
        "td", [],
        Markup.escape(Numbers.text(rate.mean, .percent))
          + Markup.element(
            "small", [], rate.details.map { Markup.text("span", [], $0) }.joined(separator: " ")))
    }
    let rates = models.keys.compactMap { key in all[key].map { (models.colour(key), $0) } }
    let line = strip(rates.map { ($0.0, $0.1.mean) }, intervals: rates.map {
      ($0.0, $0.1.low, $0.1.high)
    })
    return Markup.element(
      "tr", [("class", "winrate")],
      title(WinRates.title, note: "against SFT; 95\u{A0}% interval over prompts", better: .higher)
        + cells.joined() + Markup.text("td", [("class", "n")], count)
        + Markup.element("td", [("class", "strip")], line))
  }

  /// The models' values as dots on a line from 0 to 1.
  private static func strip(
    _ dots: [(colour: String, value: Double)],
    intervals: [(colour: String, low: Double, high: Double)] = []
  ) -> String {
    func x(_ value: Double) -> String { Formatting.fixed(8 + 124 * min(max(value, 0), 1), 1) }
    var marks = ""
    marks += Markup.empty(
      "line", [("class", "grid"), ("x1", x(0)), ("x2", x(1)), ("y1", "10"), ("y2", "10")])
    for end in [0.0, 0.5, 1] {
      marks += Markup.empty(
        "line", [("class", "grid"), ("x1", x(end)), ("x2", x(end)), ("y1", "7"), ("y2", "13")])
    }
    for interval in intervals {
      marks += Markup.empty(
        "line",
        [
          ("class", "line \(interval.colour)"), ("x1", x(interval.low)), ("x2", x(interval.high)),
          ("y1", "10"), ("y2", "10"),
        ])
    }
    for dot in dots {
      marks += Markup.empty(
        "circle",
        [
          ("class", "mark \(dot.colour)"), ("cx", x(dot.value)), ("cy", "10"),
          ("r", intervals.isEmpty ? "4.5" : "3.2"),
        ])
    }
    return Markup.element("svg", [("viewBox", "0 0 140 20"), ("aria-hidden", "true")], marks)
  }
}
