import Runs
import Support

/// A study's report as one HTML page.
struct StudyPage {
  private let study: StudyRecord
  private let manifest: Manifest?

  init(_ study: StudyRecord, _ manifest: Manifest?) {
    self.study = study
    self.manifest = manifest
  }

  func html() -> String {
    PageFrame.html(
      title: "tinyrlhf study \(study.study)", header() + charts() + figures() + configuration())
  }

  private func header() -> String {
    var facts = manifest.map(PageFrame.facts) ?? []
    facts.append("study \(study.study)")
    facts.append("\(study.seeds.count) seed\(study.seeds.count == 1 ? "" : "s")")
    if let stage = manifest?.stages.first(where: { $0.name == "study" }), stage.seconds > 0 {
      facts.append("\(Formatting.duration(stage.seconds)) in all")
    }
    return Markup.element(
      "header", [],
      PageFrame.line(facts) + Markup.text("h1", [], study.question)
        + Markup.text("p", [("class", "lead")], study.finding))
  }

  private func charts() -> String {
    let figures = study.charts.compactMap { chart in
      chart.dots.isEmpty ? lines(chart) : DotPlot(chart).figure()
    }
    return Markup.element(
      "section", [("class", "full")], Markup.element("div", [("class", "charts")], figures.joined()))
  }

  private static let colours = ["first", "second", "third", "fourth", "fifth", "sixth"]

  /// A line chart. A fit has the colour of the series it was fitted to: the series before it with the same name.
  private func lines(_ chart: StudyRecord.Chart) -> String? {
    var colours: [String: String] = [:]
    return Chart(
      title: chart.title, unit: chart.unit, xTitle: chart.xTitle ?? "",
      series: chart.series.map { series in
        let colour = colours[series.name] ?? Self.colours[colours.count % Self.colours.count]
        colours[series.name] = colour
        return Chart.Series(
          name: series.isFit ? "\(series.name), fitted" : series.name, colour: colour,
          points: series.points.map {
            Chart.Point(x: $0.x, y: $0.y, low: $0.low, high: $0.high)
          }, dashed: series.isFit, marked: !series.isFit, labelled: !series.isFit)
      }
    ).figure()
  }

  private func figures() -> String {
    let rows = study.figures.map { figure in
      Markup.element(
        "tr", [],
        Markup.text("th", [("scope", "row")], figure.name)
          + Markup.text("td", [], figure.value.map(Numbers.short) ?? Numbers.absent)
          + Markup.text("td", [], figure.interval ?? "")
          + Markup.text("td", [("class", "published")], figure.published ?? ""))
    }
    let heads = [("Figure", ""), ("Value", ""), ("95\u{A0}% interval", ""), ("Published", "file")]
      .map { Markup.text("th", [("scope", "col"), ("class", $0.1)], $0.0) }
    return Markup.element(
      "section", [("class", "full")],
      Markup.text("h2", [], "Figures behind the finding")
        + Markup.element(
          "div", [("class", "scroll")],
          Markup.element(
            "table", [("class", "figures")],
            Markup.element("thead", [], Markup.element("tr", [], heads.joined()))
              + Markup.element("tbody", [], rows.joined()))))
  }

  private func configuration() -> String {
    guard let manifest else { return "" }
    return Markup.element(
      "section", [("class", "full")],
      Markup.text("h2", [], "The study") + PageFrame.configuration(manifest))
  }
}

extension StudyRecord.Figure {
  /// "0.012 to 0.034".
  var interval: String? {
    guard let low, let high else { return nil }
    return "\(Numbers.short(low)) to \(Numbers.short(high))"
  }
}
