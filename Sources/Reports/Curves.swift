import Runs
import Support

/// The curves of each stage, drawn from the metrics that the run folder declares.
struct Curves {
  private let records: RunRecords

  init(_ records: RunRecords) { self.records = records }

  /// A chart for each title that the stage's metrics name, in the order of their places. In a run of an older version,
  /// which declares nothing, every metric has a chart under its own name.
  func charts(of stage: String) -> [Chart] {
    let metrics = records.metrics(of: stage)
    let isDeclared = metrics.contains { $0.chart != nil }
    let lines = metrics.compactMap { metric in
      (metric.chart ?? (isDeclared ? nil : Self.plain(metric))).map { (metric: metric, chart: $0) }
    }.sorted { ($0.chart.place, $0.metric.name) < ($1.chart.place, $1.metric.name) }
    let groups = Dictionary(grouping: lines, by: \.chart.title)
    var titles: Set<String> = []
    return lines.filter { titles.insert($0.chart.title).inserted }.prefix(Self.most).map {
      chart(stage, groups[$0.chart.title]!)
    }
  }

  /// Charts of a stage, at most: a hostile log may name any number of metrics.
  private static let most = 100

  private static func plain(_ metric: Metric) -> Metric.Chart? {
    metric.name == MetricsLog.timeKey ? nil : Metric.Chart(metric.name, place: 0, line: metric.name)
  }

  /// The style sheet's classes for lines.
  private static let colours = ["first", "second", "ppo", "proxy", "gold", "base", "sft"]

  private func chart(_ stage: String, _ lines: [(metric: Metric, chart: Metric.Chart)]) -> Chart {
    let first = lines[0]
    return Chart(
      title: first.chart.title, unit: first.chart.axis ?? first.metric.unit, percent: first.chart.isPercent,
      series: lines.map { line in
        Chart.Series(
          name: line.chart.line, colour: Self.colours.contains(line.chart.colour) ? line.chart.colour : "other",
          points: records.series(in: stage, of: line.metric.name).map { Chart.Point(x: Double($0.step), y: $0.value) },
          dashed: line.chart.isDashed, marked: line.chart.isMarked)
      }, includes: first.chart.includes,
      reference: first.chart.reference.map { Chart.Reference(value: $0.value, name: $0.name) })
  }

  /// Proxy reward and gold score against √KL, each with an axis of its own.
  func overoptimisation() -> [Chart] {
    typealias Point = EvaluationDetails.ProxyGoldPoint
    let measured = records.evaluation?.proxyGold ?? []
    let points = measured.isEmpty ? records.probes(of: "ppo") : measured
    // Each round has its own reward model, and the scores of different reward models have different scales.
    let newest = points.filter { $0.stage == points.last?.stage }
    func chart(
      _ title: String, unit: String, colour: String, _ points: [Point],
      y value: (Point) -> Double
    ) -> Chart {
      Chart(
        title: title, unit: unit, xTitle: "√KL",
        series: [
          Chart.Series(
            name: title, colour: colour,
            points: points.map { Chart.Point(x: max(0, $0.kl).squareRoot(), y: value($0)) },
            marked: true)
        ])
    }
    return [
      chart("Proxy reward against √KL", unit: "reward model’s units", colour: "proxy", newest, y: \.proxy),
      chart("Gold score against √KL", unit: "graded rubric, 0 to 1", colour: "gold", points, y: \.gold),
    ]
  }

  /// A chart of the predicted preference probabilities against the share that labelers preferred.
  func calibration() -> Chart {
    Chart(
      title: "Calibration", unit: "share preferred, against the share predicted",
      xTitle: "predicted σ(Δr)", percent: true,
      series: [
        Chart.Series(
          name: "observed", colour: "first",
          points: (records.evaluation?.calibration ?? []).map {
            Chart.Point(x: $0.predicted, y: $0.observed, weight: Double($0.n))
          }, marked: true)
      ], diagonal: "exact")
  }
}
