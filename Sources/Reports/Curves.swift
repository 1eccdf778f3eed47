import Runs

/// A chart of the report, defined by names of metrics in the log; below, the charts of each stage.
struct Curve {
  struct Line {
    var metric: String
    var name: String
    var colour: String
    var dashed = false
    var marked = false
  }

  var title: String
  var unit: String
  var percent = false
  var lines: [Line]
  var includes: [Double] = []
  var reference: Chart.Reference?

  func chart(_ records: RunRecords, stage: String) -> Chart {
    Chart(
      title: title, unit: unit, percent: percent,
      series: lines.map { line in
        Chart.Series(
          name: line.name, colour: line.colour,
          points: records.series(stage, line.metric).map {
            Chart.Point(x: Double($0.step), y: $0.value)
          }, dashed: line.dashed, marked: line.marked)
      }, includes: includes, reference: reference)
  }

  private static let losses = [
    Line(metric: "loss/train", name: "training", colour: "first"),
    Line(metric: "loss/validation", name: "validation", colour: "second", marked: true),
  ]

  static let pretraining = [
    Curve(title: "Pretraining loss", unit: "nats a token", lines: losses)
  ]

  static let fineTuning = [Curve(title: "SFT loss", unit: "nats a token", lines: losses)]

  static let reward = [
    Curve(
      title: "Ranking loss", unit: "nats a pair",
      lines: [Line(metric: "loss/ranking", name: "ranking loss", colour: "first")],
      reference: Chart.Reference(value: 0.693_147, name: "chance, ln 2")),
    Curve(
      title: "Accuracy on pairs", unit: "pairs ordered as the labelers ordered them", percent: true,
      lines: [
        Line(metric: "accuracy/train", name: "training", colour: "first"),
        Line(
          metric: "accuracy/validation", name: "validation", colour: "second", marked: true),
      ], reference: Chart.Reference(value: 0.5, name: "chance")),
  ]

  static let policy = [
    Curve(
      title: "Reward", unit: "reward model’s units",
      lines: [
        Line(metric: "objective/scores", name: "score", colour: "proxy"),
        Line(
          metric: "objective/rlhf_reward", name: "less KL penalty", colour: "second",
          dashed: true),
      ]),
    Curve(
      title: "KL", unit: "from the reference policy, nats a sequence",
      lines: [Line(metric: "objective/kl", name: "KL", colour: "ppo")], includes: [0]),
    Curve(
      title: "Gold score", unit: "on validation prompts, 0 to 1",
      lines: [Line(metric: "eval/gold", name: "gold", colour: "gold", marked: true)]),
    Curve(
      title: "Entropy", unit: "nats",
      lines: [Line(metric: "objective/entropy", name: "entropy", colour: "ppo")], includes: [0]),
    Curve(
      title: "Length", unit: "tokens per answer",
      lines: [Line(metric: "response/length", name: "length", colour: "ppo")], includes: [0]),
    Curve(
      title: "Value fit", unit: "explained variance of the returns",
      lines: [Line(metric: "value/explained_variance", name: "value model", colour: "ppo")],
      includes: [0, 1]),
    Curve(
      title: "Clip fraction", unit: "share of tokens past the clip range", percent: true,
      lines: [Line(metric: "policy/clipfrac_avg", name: "clipped", colour: "ppo")],
      includes: [0]),
    Curve(
      title: "Step size", unit: "approximate KL of one update, nats a token",
      lines: [Line(metric: "policy/approxkl_avg", name: "approximate KL", colour: "ppo")],
      includes: [0]),
    Curve(
      title: "int8 against float32: mean weight", unit: "importance weight of the rollouts",
      lines: [Line(metric: "rollout/is_mean", name: "mean weight", colour: "first")],
      reference: Chart.Reference(value: 1, name: "no gap")),
    Curve(
      title: "int8 against float32: k3", unit: "nats a token",
      lines: [Line(metric: "rollout/k3", name: "k3", colour: "first")], includes: [0]),
  ]

  /// Charts of proxy reward and of gold score against √KL. They are separate because their scales differ.
  static func overoptimisation(_ records: RunRecords) -> [Chart] {
    typealias Point = EvaluationDetails.ProxyGoldPoint
    var points = records.evaluation?.proxyGold ?? []
    if points.isEmpty {
      let rounds = records.stages(of: "ppo")
      points = records.metrics.compactMap { record in
        guard rounds.contains(record.stage), let kl = record.values["eval/kl"],
          let proxy = record.values["eval/proxy"], let gold = record.values["eval/gold"]
        else { return nil }
        return Point(stage: record.stage, step: record.step, kl: kl, proxy: proxy, gold: gold)
      }
    }
    // Each round has its own reward model, and the scores of different reward models have different scales.
    let newest = points.filter { $0.stage == points.last?.stage }
    func chart(
      _ title: String, _ unit: String, _ colour: String, _ points: [Point],
      _ value: (Point) -> Double
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
      chart("Proxy reward against √KL", "reward model’s units", "proxy", newest, \.proxy),
      chart("Gold score against √KL", "graded rubric, 0 to 1", "gold", points, \.gold),
    ]
  }

  /// A chart of the predicted preference probabilities against the share that labelers preferred.
  static func calibration(_ records: RunRecords) -> Chart {
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
