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
  private let terminal: Terminal
  private let quiet: Bool
  private let interval: Double
  private let clock: () -> Double
  private let write: (String) -> Void
  private let start: Double
  private var lastShown: Double
  private var lastStep: Int
  private var lastFigures: [Figure] = []
  private var lineIsOpen = false

  /// - Parameters:
  ///   - first: the step from which this process starts; above 0 when resumed.
  ///   - interval: seconds between plain lines where nothing can be redrawn.
  ///   - write: takes the text, to standard error.
  public init(
    stage: String, total: Int, first: Int = 0, unit: String = "steps", terminal: Terminal,
    quiet: Bool = false, interval: Double = 10, clock: @escaping () -> Double = Clock.monotonic,
    write: @escaping (String) -> Void
  ) {
    self.stage = stage
    self.total = total
    self.first = first
    self.unit = unit
    self.terminal = terminal
    self.quiet = quiet
    self.interval = interval
    self.clock = clock
    self.write = write
    start = clock()
    lastShown = start - (terminal.redraws ? 1 : 0)
    lastStep = first
  }

  /// Tells that `step` steps of the stage are done. Cheap enough for every step.
  public func update(step: Int, _ figures: [Figure] = []) {
    (lastStep, lastFigures) = (step, figures)
    guard !quiet else { return }
    let now = clock()
    guard now - lastShown >= (terminal.redraws ? 0.1 : interval) else { return }
    lastShown = now
    show(at: now)
  }

  /// Writes a line of its own, above the one that is redrawn.
  public func note(_ text: String) {
    guard !quiet else { return }
    write((lineIsOpen ? "\r\u{1B}[K" : "") + text + "\n")
    lineIsOpen = false
    if terminal.redraws { show(at: clock()) }
  }

  /// Shows the last state and ends the line.
  public func finish() {
    guard !quiet else { return }
    show(at: clock())
    if lineIsOpen { write("\n") }
    lineIsOpen = false
  }

  private func show(at now: Double) {
    var words = [terminal.paint(stage, .bold), "step \(lastStep)/\(total)"]
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
    guard terminal.redraws else { return write(words.joined(separator: "  ") + "\n") }
    write("\r\u{1B}[K" + fitted(words))
    lineIsOpen = true
  }

  /// As many words as fit the terminal: a line that wraps cannot be redrawn.
  private func fitted(_ words: [String]) -> String {
    var (line, used) = ("", 0)
    for (index, word) in words.enumerated() {
      let width = (index == 0 ? stage.count : word.count) + (index == 0 ? 0 : 2)
      guard used + width < terminal.width else { break }
      line += (index == 0 ? "" : "  ") + word
      used += width
    }
    return line
  }
}
