import Testing

@testable import Reports

@Test("the terminal shows the table and three prompts with each model's answer")
func terminalContents() throws {
  let run = SyntheticRun()
  try run.fill()
  let text = try Report.terminal(run.path, width: 80, colour: false)
  let lines = text.split(separator: "\n").map(String.init)
  #expect(lines[0].split(separator: " ") == ["Base", "SFT", "PPO-ptx", "n"])
  for measure in Measure.all {
    #expect(lines.contains { $0.hasPrefix(measure.title) }, "\(measure.title)")
  }
  let gold = lines.first { $0.hasPrefix("Gold score") }!
  #expect(gold.split(separator: " ").suffix(4) == ["0.312", "0.655", "0.813", "480"])
  for (title, share) in [
    ("Better than SFT", "62.0 %"), ("Tied with SFT", "18.3 %"), ("Worse than SFT", "19.7 %"),
    (WinRates.title, "71.2 %"),
  ] {
    let row = lines.first { $0.hasPrefix(title) }
    #expect(row?.split(separator: " ").suffix(3).joined(separator: " ") == "\(share) 480", "\(title)")
  }
  #expect(text.contains("PPO-ptx, 95 % interval: 66.8–75.4 %, n 480"))
  #expect(lines.filter { $0.hasPrefix("  Base ") }.count == 3)
  #expect(lines.filter { $0.hasPrefix("  PPO-ptx ") }.count == 3)
  #expect(text.contains("Which river runs past Ombery?"))
}

@Test("no line is wider than the terminal", arguments: [48, 60, 80, 132])
func terminalWidth(_ width: Int) throws {
  let run = SyntheticRun()
  try run.fill()
  let text = try Report.terminal(run.path, width: width, colour: false)
  let widest = text.split(separator: "\n").map(\.count).max()!
  #expect(widest <= width)
  #expect(widest > 40)
}

@Test("escapes come from the report alone, and only when colour is wanted")
func terminalEscapes() throws {
  let run = SyntheticRun()
  try run.fill()
  #expect(!(try Report.terminal(run.path, width: 80, colour: false).contains("\u{1B}")))
  let coloured = try Report.terminal(run.path, width: 80, colour: true)
  #expect(coloured.contains("\u{1B}["))
  #expect(!coloured.contains("\u{1B}[31m"))
}

@Test("a run without results says so")
func terminalUnfinished() throws {
  let run = SyntheticRun()
  try run.fill(finished: false)
  let text = try Report.terminal(run.path, width: 80, colour: false)
  #expect(text == "This run has no results yet.\n")
}
