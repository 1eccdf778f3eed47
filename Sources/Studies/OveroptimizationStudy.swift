import Evaluation
import Inference
import Runs
import Stages
import Statistics
import World

/// Finds where the proxy reward still rises while the gold score falls, for PPO and best-of-n, with reward models
/// trained on several amounts of data (Gao et al. 2022).
struct OveroptimizationStudy: Study {
  let name = "overoptimization"
  let question =
    "How far can a policy follow a reward model before it gets worse, and does more data for that model help?"
  let seeds = 3
  let columns = ["method", "comparisons", "n", "step", "kl", "root_kl", "proxy", "gold", "gain"]

  /// Number of validation prompts for all measurements: the setting's number of evaluation prompts, at most 128.
  private static func prompts(_ settings: Settings) -> Int {
    min(128, settings.count(.evaluationPrompts))
  }
  /// Answers per prompt for best-of-n.
  private static let drafts = 64
  /// Answers per prompt at each measurement of PPO's policy during training.
  private static let samples = 2
  /// Number of measurements of PPO's policy during training: enough to find where gold is highest.
  private static let looks = 32

  /// Numbers of ranked prompts of the reward models: all of the settings', a sixth and a thirtieth.
  private static func sizes(_ settings: Settings) -> [Int] {
    let all = settings.count(.rankingPrompts)
    return Set([all / 30, all / 6, all].map { max(2, $0) }).sorted()
  }

  /// Settings without KL penalty and pretraining mix, so that the policy can move far. The learning rate is five times
  /// the recipe's and there are twice the episodes, so that it moves far enough.
  private static func settings(_ settings: Settings) throws -> Settings {
    var settings = settings
    try settings.set(.klCoefficient, 0)
    try settings.set(.ptxCoefficient, 0)
    try settings.set(.ppoRate, 5 * settings[.ppoRate])
    try settings.set(.totalEpisodes, 2 * settings[.totalEpisodes])
    return settings
  }

  func measure(_ laboratory: Laboratory) throws -> [StudyRow] {
    let sft = try laboratory.sft()
    let rankings = try laboratory.rankings(of: sft)
    return try Self.sizes(laboratory.settings).flatMap { size in
      let reward = try laboratory.reward(
        "reward-\(size)", from: sft, Array(rankings.training.prefix(size)),
        heldOut: rankings.heldOut)
      let drafts = try self.drafts(laboratory, of: sft, reward: reward, size: size)
      let start = drafts.expectation(1).gold
      let policy = try laboratory.ppo(
        "ppo-\(size)", try Self.settings(laboratory.settings), from: sft, reward: reward,
        probe: Probe(
          laboratory.world, prompts: Self.prompts(laboratory.settings), samples: Self.samples,
          looks: Self.looks))
      return bestOf(drafts, size) + policy.looks.map { look in
        row(
          "ppo", size: size, at: ["step": Double(look.step)], kl: look.kl, proxy: look.proxy, gold: look.gold,
          start: start)
      }
    }
  }

  private func drafts(_ laboratory: Laboratory, of sft: String, reward: String, size: Int)
    throws -> BestOfCurve
  {
    var settings = laboratory.settings
    try settings.set(.evaluationPrompts, Double(Self.prompts(settings)))
    try settings.set(.evaluationSamples, Double(Self.drafts))
    let examined = try laboratory.evaluate(
      "drafts-\(size)", model: sft, reward: reward, splits: [.validation], settings: settings)
    return BestOfCurve(
      examined.answers.map { answers in
        answers.map { .init(proxy: $0.proxy!, gold: $0.gold, ended: $0.ended) }
      })
  }

  private func bestOf(_ drafts: BestOfCurve, _ size: Int) -> [StudyRow] {
    let start = drafts.expectation(1).gold
    return (0...6).map { 1 << $0 }.filter { $0 <= Self.drafts }.map { n in
      let best = drafts.expectation(n)
      return row(
        "best-of-n", size: size, at: ["n": Double(n)], kl: BestOf.kl(n), proxy: best.proxy, gold: best.gold,
        start: start)
    }
  }

  private func row(
    _ method: String, size: Int, at place: [String: Double], kl: Double, proxy: Double,
    gold: Double, start: Double
  ) -> StudyRow {
    var values: [String: Double?] = [
      "comparisons": Double(size), "kl": kl, "root_kl": max(0, kl).squareRoot(), "proxy": proxy,
      "gold": gold, "gain": gold - start,
    ]
    for (name, value) in place { values[name] = value }
    return StudyRow(["method": method], values)
  }

  func conclude(_ rows: StudyRows) -> StudyFinding {
    let sizes = rows.distinct("comparisons")
    let policies = sizes.map { Course(rows.with(["method": "ppo"]).with("comparisons", $0), $0) }
    let drafts = sizes.map { Course(rows.with(["method": "best-of-n"]).with("comparisons", $0), $0) }
    let parted = policies.filter(\.parts)
    let text = """
      Without a KL penalty, PPO follows its reward model away from SFT. \
      \(policies.map(\.sentence).joined(separator: " ")) Proxy and gold diverge for \(parted.count) of \
      \(policies.count) reward models. Best-of-\(Self.drafts), at most \(Wording.fixed(BestOf.kl(Self.drafts), 1)) \
      nats away, gains \(drafts.map { "\(Wording.signed($0.last.gain)) with \(Int($0.size)) prompts" }
      .joined(separator: ", ")). In Gao et al., gold rises and falls as d·(α − β·log d) with d = √KL for \
      reinforcement learning and as d·(α − β·d) for best-of-n, and more data for the reward model moves the peak \
      to a larger KL and raises it; here the KL at the gold peak is \
      \(policies.map(\.peakText).joined(separator: ", ")) nats for \
      \(sizes.map { "\(Int($0))" }.joined(separator: ", ")) ranked prompts.
      """
    return StudyFinding(
      text: text, figures: policies.flatMap(\.figures) + drafts.flatMap(\.figures),
      charts: [
        chart("Gold by PPO", unit: "gold score less that of SFT", column: "gain", policies, isFitted: true),
        chart("Proxy by PPO", unit: "reward model’s units", column: "proxy", policies),
        chart("Gold by best-of-n", unit: "gold score less that of SFT", column: "gain", drafts, isFitted: true),
        chart("Proxy by best-of-n", unit: "reward model’s units", column: "proxy", drafts),
      ])
  }

  private func chart(
    _ title: String, unit: String, column: String, _ courses: [Course], isFitted: Bool = false
  ) -> StudyRecord.Chart {
    .init(
      title: title, unit: unit, xTitle: "√KL",
      series: courses.flatMap { course in
        [course.series(column)] + (isFitted ? [course.fitted].compactMap { $0 } : [])
      })
  }
}

/// A trajectory away from SFT: the points of one method with one reward model, over all seeds.
private struct Course {
  struct Point {
    var kl: Double
    var proxy: Double
    var gain: Double
  }

  let size: Double
  private let isPolicy: Bool
  /// Means over seeds at each step (PPO) or n (best-of-n), in order.
  let points: [Point]
  let highest: Point
  let last: Point
  /// The highest point of each seed.
  private let peaks: [Point]
  let curve: GoldCurve?
  /// The fitted curve of each seed.
  private let seedCurves: [GoldCurve]

  init(_ rows: StudyRows, _ size: Double) {
    self.size = size
    let isPolicy = rows.rows.first?["step"] != nil
    self.isPolicy = isPolicy
    let place = isPolicy ? "step" : "n"
    func points(_ rows: StudyRows) -> [Point] {
      rows.distinct(place).sorted().map { value in
        let here = rows.with(place, value)
        return Point(
          kl: here.mean("kl") ?? 0, proxy: here.mean("proxy") ?? 0, gain: here.mean("gain") ?? 0)
      }
    }
    let form = isPolicy ? GoldCurve.Form.reinforcement : .bestOfN
    func curve(_ rows: StudyRows) -> GoldCurve? {
      GoldCurve(form, kl: rows.values("kl"), gold: rows.values("gain"))
    }
    let bySeed = rows.seeds.map(rows.of)
    self.points = points(rows)
    (highest, last) = Self.ends(self.points, isPolicy: isPolicy)
    peaks = bySeed.map { Self.ends(points($0), isPolicy: isPolicy).highest }
    self.curve = curve(rows)
    seedCurves = bySeed.compactMap(curve)
  }

  /// The point where gold is highest, and the last point. A policy's measurements are noisy: the highest of many is
  /// partly luck, and the last may be bad luck. So each is the mean of three consecutive points.
  private static func ends(_ points: [Point], isPolicy: Bool) -> (highest: Point, last: Point) {
    var course = points
    if isPolicy, points.count > 2 {
      course = (1..<points.count - 1).map { middle in
        let near = points[middle - 1...middle + 1]
        return Point(
          kl: near.map(\.kl).mean!, proxy: near.map(\.proxy).mean!, gain: near.map(\.gain).mean!)
      }
    }
    return (course.max { $0.gain < $1.gain }!, course.last!)
  }

  /// Whether gold falls from its peak to the end by more than 0.01 and more than a tenth of the gain at the peak, while
  /// the proxy rises.
  var parts: Bool {
    last.proxy > highest.proxy && highest.gain - last.gain > max(0.01, 0.1 * abs(highest.gain))
  }

  var peakText: String { Wording.fixed(highest.kl, 1) }

  var sentence: String {
    let fall = parts
      ? "then falls to \(Wording.signed(last.gain)) at \(Wording.fixed(last.kl, 0)) nats"
      : "and ends at \(Wording.signed(last.gain)) at \(Wording.fixed(last.kl, 0)) nats"
    return """
      With \(Int(size)) ranked prompts, gold peaks at \(Wording.signed(highest.gain)) over SFT at a KL \
      of \(peakText) nats\(bySeed) and a proxy of \(Wording.fixed(highest.proxy, 2)), \(fall), while the proxy goes to \
      \(Wording.fixed(last.proxy, 2)).
      """
  }

  /// The range of the seeds' own peaks, which the mean over seeds hides.
  private var bySeed: String {
    guard peaks.count > 1 else { return "" }
    func range(_ values: [Double], _ text: (Double) -> String) -> String {
      "\(text(values.min()!)) to \(text(values.max()!))"
    }
    let gains = range(peaks.map(\.gain)) { Wording.signed($0) }
    let kls = range(peaks.map(\.kl)) { Wording.fixed($0, 1) }
    return " (seed by seed \(gains) at \(kls) nats)"
  }

  private var name: String { "\(Int(size)) prompts" }

  func series(_ column: String) -> StudyRecord.Series {
    .init(
      name,
      points.map {
        .init(x: max(0, $0.kl).squareRoot(), y: column == "proxy" ? $0.proxy : $0.gain)
      })
  }

  /// The fitted curve from SFT to the farthest point.
  var fitted: StudyRecord.Series? {
    guard let curve else { return nil }
    let reach = curve.reach.squareRoot()
    return .init(
      name,
      (0...40).map { step in
        let d = reach * Double(step) / 40
        return .init(x: d, y: curve.gold(atKL: d * d))
      }, isFit: true)
  }

  private var fittedPeaks: [Double] { seedCurves.compactMap(\.peakKL) }

  var figures: [StudyRecord.Figure] {
    let method = isPolicy ? "PPO" : "best-of-n"
    var figures: [StudyRecord.Figure] = []
    if isPolicy {
      figures += [
        .init("KL where gold peaks, PPO, \(name)", highest.kl),
        .init(
          "the same by the fitted curves of the \(fittedPeaks.count) of \(peaks.count) seeds that peak, PPO, \(name)",
          Estimate(fittedPeaks)),
        .init("gold lost from its peak to the end, PPO, \(name)", highest.gain - last.gain),
      ]
    }
    if curve != nil {
      figures += [
        .init("α, \(method), \(name)", Estimate(seedCurves.map(\.alpha))),
        .init("β, \(method), \(name)", Estimate(seedCurves.map(\.beta))),
        .init(
          "R² of the fits, their mean, \(method), \(name)", seedCurves.compactMap(\.rSquared).mean),
      ]
    }
    return figures
  }
}
