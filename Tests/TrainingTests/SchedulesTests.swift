import Testing

@testable import Training

@Test("the cosine schedule agrees with PyTorch's at every step")
func cosineGolden() throws {
  let golden = try Golden.load("training")["schedule"]
  let schedule = Schedule(
    .cosine, peak: try golden["peak"].number, floor: try golden["floor"].number)
  let total = try golden["total"].int
  let rates = try golden["rates"].doubles
  #expect(rates.count == total + 1)
  for (step, rate) in rates.enumerated() {
    let ours = Double(schedule.learningRate(step: step, total: total))
    #expect(abs(ours - rate) <= 6e-8 * rate, "step \(step)")
  }
}

@Test(
  "every shape warms up along a line from its fraction, reaches the peak, and ends at its floor",
  arguments: Schedule.Shape.allCases)
func warmup(shape: Schedule.Shape) {
  let schedule = Schedule(shape, peak: 2, floor: 0.25, warmup: 10, warmupStart: 0.1)
  #expect(schedule.learningRate(step: 0, total: 110) == 0.2)
  #expect(abs(schedule.learningRate(step: 5, total: 110) - 1.1) < 1e-6)
  #expect(schedule.learningRate(step: 10, total: 110) == 2)
  let end: Float = shape == .constant ? 2 : 0.5
  #expect(schedule.learningRate(step: 110, total: 110) == end)
  #expect(schedule.learningRate(step: 500, total: 110) == end)
  let middle: Float = shape == .constant ? 2 : 1.25
  #expect(schedule.learningRate(step: 60, total: 110) == middle)
}

@Test("a run shorter than its warm-up stays on the line")
func shortRun() {
  let schedule = Schedule(.cosine, peak: 1, warmup: 10, warmupStart: 0)
  #expect(schedule.learningRate(step: 4, total: 5) == 0.4)
  #expect(schedule.learningRate(step: 10, total: 5) == 1)
}
