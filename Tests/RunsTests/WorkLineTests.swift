import Synchronization
import Testing

@testable import Runs
@testable import Support

/// A clock that a test moves on.
private final class Moving: Sendable {
  private let ahead = Mutex(0.0)

  func now() -> Double { Clock.monotonic() + ahead.withLock { $0 } }
  func move(_ seconds: Double) { ahead.withLock { $0 += seconds } }
}

@Suite("Work that lasts is shown") struct WorkLineTests {
  private let clock = Moving()
  private let written = Text()
  private let line: StatusLine
  private let watcher: WorkLine

  private final class Text: Sendable {
    let all = Mutex("")
    func take() -> String {
      all.withLock { text in
        defer { text = "" }
        return text
      }
    }
  }

  init() { self.init(redraws: true) }

  private init(redraws: Bool) {
    let (clock, written) = (clock, written)
    line = StatusLine(Terminal(redraws: redraws, colour: false, width: 80)) { text in
      written.all.withLock { $0 += text }
    }
    watcher = WorkLine(line, clock: { clock.now() })
  }

  private func begin(_ name: String, of total: Int) -> Work.Task {
    let task = Work.Task(name, of: total, watcher, begun: clock.now())
    watcher.begins(task)
    return task
  }

  @Test("nothing is shown of what ends within two seconds")
  func short() {
    let task = begin("packing", of: 10)
    clock.move(1.5)
    task.advance(by: 9)
    watcher.ends(task)
    #expect(written.take().isEmpty)
  }

  @Test("what lasts is shown with its share and the time that is left, and goes when it ends")
  func long() {
    let task = begin("packing", of: 10)
    clock.move(30)
    task.advance(by: 3)
    #expect(written.take() == "\r\u{1B}[Kpacking 30 %  1:10 left")
    task.advance(by: 1)
    #expect(written.take().isEmpty, "drawn again at once")
    watcher.ends(task)
    #expect(written.take() == "\r\u{1B}[K")
  }

  @Test("work of which nobody knows how much it is shows the time that it has taken")
  func unknown() {
    let task = begin("expanding", of: 0)
    clock.move(65)
    task.advance(by: 1)
    #expect(written.take() == "\r\u{1B}[Kexpanding  1:05")
  }

  @Test("work that has not come any further is shown, too, and a line that a narrower window broke is drawn again")
  func ticking() {
    watcher.tick()
    let task = begin("writing", of: 8)
    clock.move(1)
    watcher.tick()
    #expect(written.take().isEmpty)
    clock.move(2)
    watcher.tick()
    #expect(written.take() == "\r\u{1B}[Kwriting 0 %")
    watcher.stop()
    #expect(written.take() == "\r\u{1B}[K")
    clock.move(2)
    watcher.tick()
    task.advance(by: 1)
    watcher.ends(task)
    #expect(written.take().isEmpty, "it was stopped")
  }

  @Test("of work within work the whole is shown, and the part behind it")
  func nested() {
    let whole = begin("answering", of: 4)
    clock.move(20)
    whole.advance(by: 1)
    _ = written.take()
    let part = begin("sampling", of: 100)
    clock.move(20)
    part.advance(by: 50)
    #expect(written.take() == "\r\u{1B}[Kanswering 25 %  2:00 left  sampling 50 %")
  }

  @Test("a stage's name and step stand in front, and its own line comes back")
  func withinStage() {
    let clock = clock
    let progress = Progress(stage: "ppo", total: 9, line: line, clock: { clock.now() })
    clock.move(1)
    progress.update(step: 2)
    _ = written.take()
    let task = begin("writing", of: 4)
    clock.move(4)
    task.advance(by: 1)
    #expect(written.take() == "\r\u{1B}[Kppo  step 2/9  writing 25 %  0:12 left")
    watcher.ends(task)
    #expect(written.take().hasPrefix("\r\u{1B}[Kppo  step 2/9  "))
    progress.finish()
    #expect(written.take() == "\n")
  }

  @Test("without a terminal a plain line comes once an interval, of stages alone and not among their steps")
  func plain() {
    let desk = WorkLineTests(redraws: false)
    func advance() -> String {
      let task = desk.begin("scoring", of: 100)
      defer { desk.watcher.ends(task) }
      desk.clock.move(11)
      task.advance(by: 10)
      task.advance(by: 10)
      return desk.written.take()
    }
    #expect(advance().isEmpty)
    let clock = desk.clock
    let progress = Progress(stage: "reward", total: 9, line: desk.line, clock: { clock.now() })
    progress.update(step: 1)
    #expect(advance().isEmpty)
    progress.finish()
    _ = desk.written.take()
    #expect(advance() == "reward  scoring 10 %  1:39 left\n")
  }
}
