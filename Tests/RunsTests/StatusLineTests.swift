import Support
import Testing

@testable import Runs

/// A terminal of a few lines that understands what a status line writes: text, \r, \n, ESC[K, ESC[J, ESC[nA.
/// Made narrower, it breaks long lines anew, as most terminals do, and the cursor stays at its character.
private final class Screen {
  private(set) var rows: [[Character]] = [[]]
  private var (row, column) = (0, 0)
  var width: Int { didSet { if width < oldValue { breakAnew() } } }

  init(width: Int) { self.width = width }

  /// What a person sees, without blanks at the ends.
  var lines: [String] {
    rows.map { row in String(row.reversed().drop { $0 == " " }.reversed()) }
  }

  func write(_ text: String) {
    var rest = Array(text)[...]
    while let character = rest.popFirst() {
      switch character {
      case "\r": column = 0
      case "\n":
        (row, column) = (row + 1, 0)
        if row == rows.count { rows.append([]) }
      case "\u{1B}":
        #expect(rest.popFirst() == "[")
        let digits = rest.prefix { $0.isNumber }
        rest = rest.dropFirst(digits.count)
        obey(rest.popFirst()!, Int(String(digits)) ?? 1)
      default: put(character)
      }
    }
  }

  private func obey(_ command: Character, _ count: Int) {
    switch command {
    case "A": row = max(0, row - count)
    case "K": rows[row] = Array(rows[row].prefix(column))
    case "J":
      rows[row] = Array(rows[row].prefix(column))
      rows.removeSubrange((row + 1)...)
    default: Issue.record("ESC[\(command) is not known")
    }
  }

  private func put(_ character: Character) {
    if column == width {
      (row, column) = (row + 1, 0)
      if row == rows.count { rows.append([]) }
    }
    while rows[row].count <= column { rows[row].append(" ") }
    rows[row][column] = character
    column += 1
  }

  private func breakAnew() {
    var (broken, cursor): ([[Character]], (Int, Int)) = ([], (0, 0))
    for (index, line) in rows.enumerated() {
      if index == row { cursor = (broken.count + max(0, column - 1) / width, (column - 1) % width + 1) }
      if line.isEmpty { broken.append([]) }
      for start in stride(from: 0, to: line.count, by: width) {
        broken.append(Array(line[start..<min(start + width, line.count)]))
      }
    }
    (rows, (row, column)) = (broken, cursor)
  }
}

@Suite("The line that is drawn again and again") struct StatusLineTests {
  private let screen = Screen(width: 100)
  private let line: StatusLine
  private let words = ["ppo", "step 40/120", "3.2 steps/s", "0:25 left", "reward 0.41", "kl 1.93", "entropy 2.10"]

  init() {
    let screen = screen
    line = StatusLine(
      Terminal(redraws: true, colour: false, width: 100), width: { screen.width }, write: screen.write)
    line.print("above")
  }

  @Test("a window that is made narrower and wider leaves no trail")
  func resizing() {
    line.draw(words)
    for width in [100, 50, 20, 7, 60, 100] {
      screen.width = width
      line.draw(words)
      #expect(screen.lines.count == 2 && screen.lines[0].hasPrefix("above"), "\(width): \(screen.lines)")
      #expect(screen.lines[1].count < width && screen.lines[1].hasPrefix("ppo"), "\(width): \(screen.lines)")
    }
    #expect(screen.lines[1] == words.joined(separator: "  "))
    screen.width = 30
    line.clear()
    #expect(screen.lines == ["above", ""])
  }

  @Test("what no longer fits the window is drawn again, and what fits is not")
  func fitting() {
    line.draw(words)
    line.fit()
    screen.width = 60
    #expect(screen.lines.count == 3)
    line.fit()
    #expect(screen.lines.count == 2 && screen.lines[1].count < 60)
  }

  @Test("a name that is longer than the window is cut")
  func longName() {
    screen.width = 20
    line.draw(["seed-1/a-very-long-trial sft", "step 1/2"])
    #expect(screen.lines[1] == "seed-1/a-very-long-")
  }

  @Test("a line for people stands above the one that is drawn")
  func printing() {
    line.draw(words)
    line.print("a note")
    line.draw(words)
    #expect(screen.lines == ["above", "a note", words.joined(separator: "  ")])
  }

  @Test("what the stage drew last comes back, until the stage has left its line")
  func restoring() {
    line.draw(words, ofStage: true)
    line.draw(["ppo", "step 40/120", "writing 40 %"])
    line.restore()
    #expect(screen.lines[1] == words.joined(separator: "  "))
    line.leave()
    line.draw(["ppo", "writing 40 %"])
    line.restore()
    #expect(screen.lines == ["above", words.joined(separator: "  "), ""])
  }

  @Test("nothing is drawn where lines cannot be redrawn")
  func pipe() {
    let screen = Screen(width: 80)
    let line = StatusLine(Terminal(redraws: false, colour: false, width: 80), write: screen.write)
    line.draw(words)
    line.clear()
    #expect(screen.lines == [""])
  }
}
