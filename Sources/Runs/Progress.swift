import Support

/// One line for people about how far a stage is: step, rate, time left and a few figures.
///
/// On a terminal the line is redrawn; elsewhere a plain line comes once an interval.
///
///     ppo  step 40/120  3.2 steps/s  0:25 left  reward 0.41  kl 1.93
public final class Progress {
  /// One of the figures that matter, as text.
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
  /// The step of the line that was shown last.
  private var shownStep: Int?

  /// - Parameters:
  ///   - first: the step from which this process starts; above 0 when resumed.
  ///   - line: where it is shown.
  ///   - interval: seconds between plain lines where nothing can be redrawn.
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

  /// Tells that `step` steps of the stage are done. Cheap enough for every step.
  public func update(step: Int, _ figures: [Figure] = []) {
    (lastStep, lastFigures) = (step, figures)
    guard !quiet else { return }
    let now = clock()
    line.stage = [stage, position]
    guard now - lastShown >= (line.terminal.redraws ? 0.1 : interval) else { return }
    lastShown = now
    show(at: now)
  }

  /// Shows the last state, unless it stands there already, and ends the line.
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
