import Support
import Testing

@testable import Runs

/// A progress line driven by a clock of its own, and what it wrote.
private final class Stage {
  var now = 100.0
  var written = ""

  func progress(
    redraws: Bool, width: Int = 80, quiet: Bool = false, first: Int = 0
  ) -> Progress {
    Progress(
      stage: "ppo", total: 100, first: first,
      line: StatusLine(Terminal(redraws: redraws, colour: false, width: width)) { self.written += $0 },
      quiet: quiet, clock: { self.now })
  }
}

@Test("without a terminal there is one plain line an interval, and one at the end")
func progressPlain() {
  let stage = Stage()
  let progress = stage.progress(redraws: false)
  for step in 1...100 {
    stage.now += 0.25
    progress.update(step: step, [("loss", "\(step)")])
  }
  progress.finish()
  let expected = """
    ppo  step 40/100  4.0 steps/s  0:15 left  loss 40
    ppo  step 80/100  4.0 steps/s  0:05 left  loss 80
    ppo  step 100/100  4.0 steps/s  took 0:25  loss 100

    """
  #expect(stage.written == expected)
}

@Test("on a terminal the line is redrawn, at most ten times a second, and ended once")
func progressRedraws() {
  let stage = Stage()
  let progress = stage.progress(redraws: true)
  for step in 1...100 {
    stage.now += 0.01
    progress.update(step: step)
  }
  progress.finish()
  let lines = stage.written.split(separator: "\r")
  #expect((10...12).contains(lines.count))
  #expect(lines.allSatisfy { $0.hasPrefix("\u{1B}[Kppo  step ") })
  #expect(stage.written.filter { $0 == "\n" }.count == 1)
}

@Test("a line never reaches the terminal's edge")
func progressWidth() {
  let stage = Stage()
  let progress = stage.progress(redraws: true, width: 30)
  stage.now += 1
  progress.update(step: 1, [("loss", "1.0"), ("another figure", "2.0")])
  let line = stage.written.split(separator: "\r\u{1B}[K").last!
  #expect(line.hasPrefix("ppo  step 1/100"))
  #expect(line.count < 30)
}

@Test("a resumed stage counts its rate from where it began")
func progressResumed() {
  let stage = Stage()
  let progress = stage.progress(redraws: false, first: 80)
  stage.now += 10
  progress.update(step: 90)
  #expect(stage.written == "ppo  step 90/100  1.0 steps/s  0:10 left\n")
}

@Test("quiet writes nothing")
func progressQuiet() {
  let stage = Stage()
  let progress = stage.progress(redraws: true, quiet: true)
  stage.now += 60
  progress.update(step: 50)
  progress.finish()
  #expect(stage.written.isEmpty)
}

@Test("the last line comes once, on a terminal and elsewhere", arguments: [true, false])
func progressEndsOnce(redraws: Bool) {
  let stage = Stage()
  let progress = stage.progress(redraws: redraws)
  stage.now += 60
  progress.update(step: 100, [("loss", "1.0")])
  progress.finish()
  let line = "ppo  step 100/100  1.7 steps/s  took 1:00  loss 1.0\n"
  #expect(stage.written == (redraws ? "\r\u{1B}[Kppo  step 0/100\r\u{1B}[K" : "") + line)
}

@Test("a line that was never shown is shown at the end, and one that is out of date again")
func progressEndsWithTheLastStep() {
  let stage = Stage()
  let progress = stage.progress(redraws: false)
  progress.finish()
  #expect(stage.written == "ppo  step 0/100\n")
  stage.written = ""
  let other = stage.progress(redraws: true)
  other.update(step: 99)
  other.update(step: 100)
  other.finish()
  #expect(stage.written.hasSuffix("\r\u{1B}[Kppo  step 100/100\n"))
}
