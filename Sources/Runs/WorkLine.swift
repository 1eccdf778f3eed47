import Support
import Synchronization

/// Shows the progress of long work.
///
/// On a terminal the line has the stage of the run, the outermost work with measurable progress, and the innermost
/// work. Elsewhere a plain line is printed once per interval, and only between the steps of a run.
///
///     reward  step 120/400  scoring 45 %  0:20 left
public final class WorkLine: Work.Watcher {
  /// Seconds after which work is shown; shorter work is not.
  static let delay = 2.0
  /// Seconds between two drawings.
  private static let drawing = 0.1

  private struct State {
    /// The current tasks; each runs within the one before it.
    var tasks: [Work.Task] = []
    var lastShown: Double
    var isShown = false
    var isStopped = false
  }

  private let line: StatusLine
  private let interval: Double
  private let clock: @Sendable () -> Double
  private let state: Mutex<State>

  /// - Parameters:
  ///   - interval: seconds between plain lines if the output cannot be redrawn.
  ///   - clock: must be the clock of `Work.Task.begun`.
  public init(
    _ line: StatusLine, interval: Double = 10, clock: @escaping @Sendable () -> Double = Clock.monotonic
  ) {
    self.line = line
    self.interval = interval
    self.clock = clock
    state = Mutex(State(lastShown: clock()))
  }

  public func begins(_ task: Work.Task) {
    state.withLock { $0.tasks.append(task) }
  }

  public func advances(_ task: Work.Task) {
    let now = clock()
    guard now - task.begun >= Self.delay else { return }
    state.withLock { showIfDue(&$0, at: now) }
  }

  /// Must be called regularly from another thread. Shows work that makes no progress, and redraws a line that no longer
  /// fits the window.
  public func tick() {
    guard line.terminal.redraws else { return }
    let now = clock()
    state.withLock { state in
      guard !state.isStopped else { return }
      showIfDue(&state, at: now)
      line.fit()
    }
  }

  /// Stops showing progress.
  public func stop() {
    state.withLock { $0.isStopped = true }
    line.clear()
  }

  private func showIfDue(_ state: inout State, at now: Double) {
    guard !state.isStopped, !state.tasks.isEmpty,
      now - state.lastShown >= (line.terminal.redraws ? Self.drawing : interval),
      state.tasks.contains(where: { now - $0.begun >= Self.delay })
    else { return }
    state.lastShown = now
    state.isShown = show(state.tasks, at: now)
  }

  public func ends(_ task: Work.Task) {
    state.withLock { state in
      state.tasks.removeAll { $0 === task }
      guard state.isShown, state.tasks.isEmpty, !state.isStopped else { return }
      state.isShown = false
      line.restore()
    }
  }

  /// - Returns: whether the line is drawn.
  private func show(_ tasks: [Work.Task], at now: Double) -> Bool {
    let lasting = tasks.filter { now - $0.begun >= Self.delay }
    guard let inner = lasting.last else { return false }
    let outer = lasting.first { $0.done > 0 } ?? inner
    let stage = line.stage
    let words = stage + Self.words(outer, now) + (outer === inner ? [] : [Self.words(inner, now)[0]])
    guard !line.terminal.redraws else {
      line.draw(words)
      return true
    }
    // During the steps of a stage, `Progress` prints the lines.
    if stage.count == 1 { line.print(words.joined(separator: "  ")) }
    return false
  }

  private static func words(_ task: Work.Task, _ now: Double) -> [String] {
    let (done, elapsed) = (min(task.done, task.total), now - task.begun)
    guard task.total > 0 else { return [task.name, Formatting.duration(elapsed)] }
    let share = Double(done) / Double(task.total)
    let words = ["\(task.name) \(Int(100 * share)) %"]
    guard done > 0 else { return words }
    return words + ["\(Formatting.duration(elapsed / share - elapsed)) left"]
  }
}
