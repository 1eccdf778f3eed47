import Support

/// Shows the progress of a stage in one line: step, rate, time left and a few metrics.
///
/// On a terminal the line is redrawn; elsewhere a plain line is printed once per interval.
///
///     ppo  step 40/120  3.2 steps/s  0:25 left  reward 0.41  kl 1.93
public final class Progress {
  /// Name and value of a metric, as text.
  public typealias Figure = (name: String, value: String)

  private let stage: String
  private let total: Int
  private let first: Int
  private let unit: String
  private let line: StatusLine
  private let quiet: Bool
  private let interval: Double
  private let clock: () -> Double
  private let start: Double
  private var lastShown: Double
  private var lastStep: Int
  private var lastFigures: [Figure] = []
  /// The step that the latest line shows.
  private var shownStep: Int?

  /// - Parameters:
  ///   - first: the step at which this process starts; above 0 if the stage is resumed.
  ///   - line: the status line that shows the progress.
  ///   - interval: seconds between plain lines if the output cannot be redrawn.
  public init(
    stage: String, total: Int, first: Int = 0, unit: String = "steps", line: StatusLine,
    quiet: Bool = false, interval: Double = 10, clock: @escaping () -> Double = Clock.monotonic
  ) {
    self.stage = stage
    self.total = total
    self.first = first
    self.unit = unit
    self.line = line
    self.quiet = quiet
    self.interval = interval
    self.clock = clock
    start = clock()
    lastShown = start
    lastStep = first
    line.stage = [stage]
    if !quiet && line.terminal.redraws { show(at: start) }
  }

  /// Reports that `step` steps of the stage are done. It is cheap enough to call after every step.
  public func update(step: Int, _ figures: [Figure] = []) {
    (lastStep, lastFigures) = (step, figures)
    guard !quiet else { return }
    let now = clock()
    line.stage = [stage, position]
    guard now - lastShown >= (line.terminal.redraws ? 0.1 : interval) else { return }
    lastShown = now
    show(at: now)
  }

  /// Shows the final state, unless the line already shows it, and ends the line.
  public func finish() {
    line.stage = [stage]
    guard !quiet else { return }
    if shownStep != lastStep || line.isBare { show(at: clock()) }
    line.leave()
  }

  private var position: String { "step \(lastStep)/\(total)" }

  private func show(at now: Double) {
    shownStep = lastStep
    var words = [stage, position]
    let (done, seconds) = (lastStep - first, now - start)
    if done > 0 && seconds > 0 {
      let rate = Double(done) / seconds
      words.append(
        rate >= 1
          ? "\(Formatting.fixed(rate, 1)) \(unit)/s" : "\(Formatting.fixed(1 / rate, 1)) s a step")
      words.append(
        lastStep < total
          ? "\(Formatting.duration(Double(total - lastStep) / rate)) left"
          : "took \(Formatting.duration(seconds))")
    }
    words += lastFigures.map { "\($0.name) \($0.value)" }
    if line.terminal.redraws { line.draw(words, ofStage: true) } else { line.print(words.joined(separator: "  ")) }
  }
}
