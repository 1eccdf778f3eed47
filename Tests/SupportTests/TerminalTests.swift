import Testing

@testable import Support

@Test("colour needs a terminal, no NO_COLOR and a TERM that is not dumb")
func terminalColour() {
  func colour(_ isTerminal: Bool, _ noColour: String?, _ kind: String?) -> Bool {
    Terminal(isTerminal: isTerminal, columns: 100, noColour: noColour, kind: kind).colour
  }
  #expect(colour(true, nil, "xterm"))
  #expect(colour(true, "", "xterm"))
  #expect(!colour(true, "1", "xterm"))
  #expect(!colour(true, nil, "dumb"))
  #expect(!colour(false, nil, "xterm"))
}

@Test("a dumb terminal is never redrawn, and NO_COLOR alone does not stop redrawing")
func terminalRedraws() {
  #expect(!Terminal(isTerminal: true, columns: 100, noColour: nil, kind: "dumb").redraws)
  #expect(Terminal(isTerminal: true, columns: 100, noColour: "1", kind: "xterm").redraws)
}

@Test("a pipe is 80 columns wide, a terminal as wide as it is")
func terminalWidth() {
  #expect(Terminal(isTerminal: false, columns: 0, noColour: nil, kind: nil).width == 80)
  #expect(Terminal(isTerminal: true, columns: 132, noColour: nil, kind: nil).width == 132)
}

@Test("paint does nothing where colour is not wanted")
func terminalPaint() {
  let plain = Terminal(redraws: false, colour: false, width: 80)
  let colour = Terminal(redraws: true, colour: true, width: 80)
  #expect(plain.paint("x", .bold) == "x")
  #expect(colour.paint("x", .bold) == "\u{1B}[1mx\u{1B}[0m")
}

@Test("text from a model cannot steer the terminal")
func terminalHarmless() {
  let text = Terminal.harmless("a\u{1B}[31mb\u{07}\u{9B}c\u{202E}d\te\nf")
  #expect(text == "a\u{FFFD}[31mb\u{FFFD}\u{FFFD}c\u{FFFD}d e f")
  #expect(Terminal.harmless("a\nb\tü", keepingLines: true) == "a\nb ü")
}

@Test("JSON made harmless means the same and cannot steer the terminal")
func terminalHarmlessJSON() throws {
  let text = "a\u{1B}[31m\u{07}\u{7F}\u{9B}c\u{202E}\u{2066}\n\tü\"\\u"
  let line = try JSON.line(["k": text])
  let harmless = Terminal.harmlessJSON(line)
  #expect(Terminal.harmless(harmless) == harmless)
  let read = try JSON.decode([String: String].self, from: Array(harmless.utf8), at: "line")
  #expect(read == ["k": text])
}
