import Testing

@testable import Reports

@Test("ticks are round and hold the data")
func axisTicks() {
  let axis = Axis(0.13, 0.87)
  #expect(axis.ticks.map { axis.label($0) } == ["0.0", "0.2", "0.4", "0.6", "0.8", "1.0"])
  #expect(axis.low == 0 && axis.high == 1)
  let percents = Axis(0.5, 0.75)
  #expect(percents.label(percents.ticks[0], percent: true) == "50\u{A0}%")
  let small = Axis(0, 0.000_03)
  #expect(small.label(small.ticks[1]) == "1×10⁻⁵")
  #expect(axis.precise(0.815) == "0.82" && small.precise(0.000_024) == "2.4×10⁻⁵")
  #expect(Axis(0, 4).precise(3.04) == "3.04" && Axis(0, 30).precise(21.66) == "21.7")
  let large = Axis(0, 20_000)
  #expect(large.label(large.ticks.last!) == "20,000")
}

private let ranges: [(Double, Double)] = [
  (0, 0), (3, 3), (-7, -7), (-1e-9, 1e-9), (-250, 1300), (1e6, 1e6 + 1), (0, 1e-12),
]

@Test("an axis holds any range, even one of no extent", arguments: ranges)
func axisHoldsRange(_ range: (Double, Double)) {
  for tight in [false, true] {
    let axis = Axis(range.0, range.1, tight: tight)
    #expect(axis.low < axis.high)
    let room = axis.ticks.count > 1 ? 0.101 * (axis.ticks[1] - axis.ticks[0]) : 0
    #expect(axis.low - room <= range.0 && range.1 <= axis.high + room)
    #expect((2...12).contains(axis.ticks.count))
    #expect(axis.ticks.allSatisfy { axis.position($0) >= -1e-6 && axis.position($0) <= 1 + 1e-6 })
  }
}

@Test("thinning keeps a line's mean and its ends' neighbourhood")
func chartThinning() {
  let points = (0..<1800).map { Chart.Point(x: Double($0), y: $0 % 2 == 0 ? 0 : 2) }
  let thin = Chart.thinned(points)
  #expect(thin.count == 180)
  #expect(thin.allSatisfy { $0.y == 1 })
  #expect(thin.first!.x == 4.5 && thin.last!.x == 1794.5)
}

@Test("smoothing leaves a straight line as it is until the window reaches past its end")
func chartSmoothing() {
  let points = (0..<100).map { Chart.Point(x: Double($0), y: Double(2 * $0)) }
  let smooth = Chart.smoothed(points, window: 7)
  #expect(smooth.prefix(93) == points.prefix(93))
  #expect(smooth.last!.y == (92...99).reduce(0) { $0 + Double(2 * $1) } / 8)
}

@Test("a chart without finite points is no chart")
func chartWithoutData() {
  let nothing = Chart(
    title: "t", unit: "u",
    series: [.init(name: "n", colour: "first", points: [.init(x: 1, y: .nan)])])
  #expect(nothing.figure() == nil)
  let one = Chart(
    title: "t", unit: "u",
    series: [.init(name: "n", colour: "first", points: [.init(x: 1, y: 5)])])
  #expect(one.figure()?.contains("<circle class=\"mark first\"") == true)
}

@Test("numbers have one form everywhere")
func numbersForm() {
  #expect(Numbers.text(0.7116, .percent) == "71.2\u{A0}%")
  #expect(Numbers.text(-1.005, .decimal(1)) == "−1.0")
  #expect(Numbers.text(nil, .percent) == "–")
  #expect(Numbers.text(.nan, .decimal(2)) == "–")
  #expect(Numbers.short(0.000_24) == "2.4×10⁻⁴")
  #expect(Numbers.short(12.345) == "12.3")
  #expect(Numbers.scientific(9.99e-5) == "1×10⁻⁴")
  #expect(Numbers.scientific(-3e6) == "−3×10⁶")
  #expect(Numbers.count(-1_234_567) == "−1,234,567")
}
