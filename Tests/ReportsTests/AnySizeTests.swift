import Runs
import Support
import TestSupport
import Testing

@testable import Reports

/// What files of a run may hold: JSON knows no bound, and what is drawn has one.
private let sizes: [Double] = [
  1e300, -1e300, .greatestFiniteMagnitude, -.greatestFiniteMagnitude, 1e18, -9_223_372_036_854_775_808,
  .leastNonzeroMagnitude, 1e9,
]

@Test("an axis of any range has few ticks, all of them finite, and its data lie on it", arguments: sizes)
func axesOfAnySize(size: Double) {
  for (low, high) in [(size, size), (min(0, size), max(0, size)), (-abs(size), abs(size)), (-1.5, max(size, -1))] {
    for tight in [false, true] {
      let axis = Axis(low, high, tight: tight)
      #expect(axis.ticks.count <= 13 && axis.ticks.allSatisfy(\.isFinite))
      #expect(axis.low.isFinite && axis.high.isFinite && axis.low < axis.high)
      for value in [low, high] { #expect((-0.2...1.2).contains(axis.position(value)), "\(value) on \(axis)") }
      for percent in [false, true] {
        for tick in axis.ticks { #expect(!axis.label(tick, percent: percent).isEmpty) }
        #expect(!axis.precise(high, percent: percent).isEmpty)
      }
    }
  }
}

@Test("what has no room for decimals is written in powers of ten")
func numbersOfAnySize() {
  #expect(Numbers.text(1e300, .decimal(2)) == "1×10³⁰⁰" && Numbers.text(-2.5e12, .percent) == "−2.5×10¹⁴\u{A0}%")
  #expect(Numbers.text(.greatestFiniteMagnitude, .percent) == "–\u{A0}%" && Numbers.scientific(.infinity) == "–")
  #expect(Numbers.count(Int.min) == "−9,223,372,036,854,775,808" && Numbers.count(1e300) == "1×10³⁰⁰")
  #expect(Numbers.count(12_480.0) == "12,480" && Numbers.short(.leastNonzeroMagnitude) == "4.9×10⁻³²⁴")
}

@Test("means of numbers whose sum no float64 holds are means")
func meansOfAnySize() {
  let points = (0..<400).map { Chart.Point(x: Double($0), y: $0 % 2 == 0 ? 1.7e308 : 1.6e308) }
  for point in Chart.thinned(points) + Chart.smoothed(points, window: 9) {
    #expect((1.5e308...1.75e308).contains(point.y))
  }
}

@Suite struct AnySizeRunTests {
  private let folder = TemporaryFolder()

  /// Each number of a file in turn, replaced by each size.
  private func forged(_ text: String) -> [String] {
    let parts = text.split(separator: ":", omittingEmptySubsequences: false).map(String.init)
    return parts.indices.dropFirst().flatMap { index -> [String] in
      guard parts[index].first.map({ $0.isNumber || $0 == "-" }) == true else { return [] }
      let rest = parts[index].drop { $0.isNumber || "-.e+".contains($0) }
      return ["1e300", "-1e300", "9223372036854775807", "-9223372036854775808", "1e18", "1.7e308"].map { size in
        (parts[..<index] + ["\(size)\(rest)"] + parts[(index + 1)...]).joined(separator: ":")
      }
    }
  }

  /// A report, or one error of bad data.
  private func check(_ text: String) throws {
    do {
      let html = try Report.html(folder.path)
      for word in ["nan", "inf", "-inf"] { #expect(!html.contains("\"\(word)\""), "\(word) in the page of \(text)") }
      #expect(!(try Report.terminal(folder.path, width: 80, colour: false)).isEmpty)
    } catch let failure as Failure {
      #expect(failure.kind == .badData, "\(failure)")
    }
  }

  private func check(_ name: String, _ text: String) throws {
    let path = "\(folder.path)/\(name)"
    for text in forged(text) {
      try Files.writeAtomically(Array(text.utf8), to: path)
      try check(text)
    }
    try Files.writeAtomically(Array(text.utf8), to: path)
  }

  @Test("any finite number in any file of a run gives a report or is refused")
  func run() throws {
    let metrics = """
      {"stage":"sft","step":1,"loss/train":2.5,"loss/validation":2.25}
      {"stage":"reward","step":1,"loss/ranking":0.75,"accuracy/train":0.5}
      {"stage":"ppo-1","step":3,"objective/kl":1.5,"eval/gold":0.5,"eval/kl":1,"eval/proxy":2}
      {"stage":"ppo","step":1,"objective/scores":1.5,"policy/clipfrac_avg":0.25}

      """
    let files = [
      (RunFile.metrics, metrics),
      (
        RunFile.metricDeclarations,
        #"{"sft":[{"name":"loss/train","unit":"nats","better":"lower","chart":{"title":"t","place":1,"line":"l","#
          + #""colour":"first","isPercent":false,"isDashed":false,"isMarked":false,"includes":[0.5],"#
          + #""reference":{"value":0.25,"name":"n"}}}]}"#
      ),
      (
        RunFile.manifest,
        #"{"version":1,"command":["a"],"configuration":{"rounds":2},"seed":1,"host":{"processor":"p","threads":2},"#
          + #""started":"now","resumed":[],"stages":[{"name":"sft","status":"finished","seconds":3.5}]}"#
      ),
      (
        RunFile.evaluation,
        #"{"calibration":[{"predicted":0.5,"observed":0.5,"n":3}],"proxy_gold":[{"stage":"ppo","step":4,"kl":4,"#
          + #""proxy":1.5,"gold":0.5}],"categories":[{"model":"sft","category":"c","gold":0.5,"n":3}],"comparisons":"#
          + #"[{"model":"base","against":"ppo","win_rate":{"mean":0.25,"low":0.125,"high":0.5,"ties":0,"n":9}}]}"#
      ),
      (
        RunFile.summary,
        #"{"version":1,"seed":7,"seconds":90,"peak_rss_bytes":123,"stages":[],"models":{"sft":{"gold":0.5,"kl":0,"#
          + #""mean_tokens":12.5},"ppo":{"gold":0.75,"win_rate_vs_sft":{"mean":0.75,"low":0.5,"high":1,"#
          + #""ties":0.25,"n":48}}},"reward_model":{"accuracy":0.7,"pairs":100},"#
          + #""rollouts":{"is_mean":1,"is_max":2,"clipped_fraction":0.5,"k3":0}}"#
      ),
      (
        RunFile.samples,
        #"{"prompt":"p","answers":[{"model":"sft","text":"a","gold":0.5,"helpful":1,"proxy":2.5}]}"# + "\n"
      ),
    ]
    for (name, text) in files { try Files.writeAtomically(Array(text.utf8), to: "\(folder.path)/\(name)") }
    try check("as it is")
    for (name, text) in files { try check(name, text) }
  }

  @Test("any finite number in a study gives a report")
  func study() throws {
    let metrics = Array(#"{"stage":"sft","step":1}"#.utf8) + [0x0A]
    try Files.writeAtomically(metrics, to: "\(folder.path)/\(RunFile.metrics)")
    try check(
      RunFile.study,
      #"{"study":"s","question":"q","seeds":[1],"finding":"f","figures":[{"name":"n","value":1.5,"low":1,"high":2}],"#
        + #""charts":[{"title":"t","unit":"u","x_title":"x","dots":[],"series":[{"name":"s","fit":false,"points":"#
        + #"[{"x":1,"y":2,"low":1,"high":3},{"x":2,"y":4}]}]},{"title":"t","unit":"u","series":[],"#
        + #""dots":[{"label":"l","value":1,"low":0,"high":2},{"label":"m","value":3}]}]}"#)
  }
}

@Test("steps that cannot be counted on from stay where they are")
func stepsOfAnySize() {
  let records = RunRecords(metrics: [
    MetricsRecord(stage: "ppo-1", step: .max, values: ["a": 1]), MetricsRecord(stage: "ppo", step: 2, values: ["a": 2]),
    MetricsRecord(stage: "ppo", step: .min, values: ["a": 3]),
  ])
  #expect(records.series(in: "ppo", of: "a").map(\.value) == [3, 2])
}
