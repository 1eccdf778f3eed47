import Support
import Synchronization

/// The status line at the bottom of a terminal, which is redrawn, and the plain lines above it.
///
/// The width is read at each drawing, because the user can resize the window while the program runs.
public final class StatusLine: @unchecked Sendable {
  private struct State {
    /// Columns of the line that is on the screen; 0 for none.
    var drawn = 0
    /// The words of the latest drawing.
    var words: [String] = []
    /// Name and progress of the running stage.
    var stage: [String] = []
    /// The words that the stage drew last; nil after `leave`.
    var stageLine: [String]?
  }

  /// The terminal that shows the text. Its `width` is the width at the time when it was created.
  public let terminal: Terminal
  private let width: () -> Int
  private let write: (String) -> Void
  private let state = Mutex(State())

  /// - Parameters:
  ///   - width: returns the current columns of the terminal; nil for those of `terminal`.
  ///   - write: writes the text, usually to standard error.
  public init(
    _ terminal: Terminal, width: (() -> Int)? = nil, write: @escaping (String) -> Void
  ) {
    self.terminal = terminal
    self.width = width ?? { terminal.width }
    self.write = write
  }

  /// The words in front of all work that is shown: a stage's name and its step.
  var stage: [String] {
    get { state.withLock { $0.stage } }
    set { state.withLock { $0.stage = newValue } }
  }

  /// Whether the terminal can be redrawn and no line is on the screen.
  var isBare: Bool { terminal.redraws && state.withLock { $0.drawn == 0 } }

  /// Draws as many words as fit, the first in bold, in place of the previous drawing. Does nothing if lines cannot be
  /// redrawn.
  /// - Parameter ofStage: whether the words belong to the stage, so that `restore` draws them again.
  func draw(_ words: [String], ofStage: Bool = false) {
    guard terminal.redraws else { return }
    state.withLock { state in
      if ofStage { state.stageLine = words }
      draw(words, &state)
    }
  }

  /// Replaces the current drawing by the latest drawing of the stage.
  func restore() {
    state.withLock { state in
      if let words = state.stageLine { draw(words, &state) } else { clear(&state) }
    }
  }

  /// Draws the line again if it no longer fits the window.
  func fit() {
    state.withLock { state in
      if state.drawn > 0, state.drawn >= width() { draw(state.words, &state) }
    }
  }

  /// Removes the line from the screen.
  public func clear() { state.withLock { clear(&$0) } }

  private func draw(_ words: [String], _ state: inout State) {
    let width = width()
    let (text, columns) = fitted(words, width)
    write(Self.cleaning(state.drawn, width: width) + text)
    state.drawn = columns
    state.words = words
  }

  private func clear(_ state: inout State) {
    guard state.drawn > 0 else { return }
    write(Self.cleaning(state.drawn, width: width()))
    state.drawn = 0
  }

  /// Keeps the line on the screen and continues below it.
  func leave() {
    state.withLock { state in
      if state.drawn > 0 { write("\n") }
      state.drawn = 0
      state.stageLine = nil
    }
  }

  /// Writes text and a line end, in place of the drawn line.
  public func print(_ text: String) {
    state.withLock { state in
      clear(&state)
      write(text + "\n")
    }
  }

  /// The control codes that go to the beginning of the drawn line and remove it. If the window has become narrower
  /// since it was drawn, the line covers several rows.
  private static func cleaning(_ drawn: Int, width: Int) -> String {
    let above = max(0, drawn - 1) / max(1, width)
    return above > 0 ? "\r\u{1B}[\(above)A\u{1B}[J" : "\r\u{1B}[K"
  }

  /// As many words as fit before the last column: a line that wraps cannot be redrawn.
  private func fitted(_ words: [String], _ width: Int) -> (text: String, columns: Int) {
    let first = String(words[0].prefix(max(0, width - 1)))
    var (line, used) = (terminal.paint(first, .bold), first.count)
    for word in words.dropFirst() {
      guard used + 2 + word.count < width else { break }
      line += "  " + word
      used += 2 + word.count
    }
    return (line, used)
  }
}
