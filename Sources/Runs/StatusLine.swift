import Support
import Synchronization

/// The line at the bottom of a terminal that is drawn again and again, and the lines above it.
///
/// The width is asked for at each drawing, since windows are made narrower while a program runs.
public final class StatusLine: @unchecked Sendable {
  private struct State {
    /// Columns of what is drawn; 0 for nothing.
    var drawn = 0
    /// What was drawn last.
    var words: [String] = []
    /// Of the stage that runs: its name, and how far it is.
    var stage: [String] = []
    /// What the stage drew last, until it leaves its line.
    var stageLine: [String]?
  }

  /// Behind the text; its own width is that when it was looked at.
  public let terminal: Terminal
  private let width: () -> Int
  private let write: (String) -> Void
  private let state = Mutex(State())

  /// - Parameters:
  ///   - width: columns of the terminal now; nil for those of `terminal`.
  ///   - write: takes the text, to standard error.
  public init(
    _ terminal: Terminal, width: (() -> Int)? = nil, write: @escaping (String) -> Void
  ) {
    self.terminal = terminal
    self.width = width ?? { terminal.width }
    self.write = write
  }

  /// The words in front of all work that is shown: a stage's name, and what step it is at.
  var stage: [String] {
    get { state.withLock { $0.stage } }
    set { state.withLock { $0.stage = newValue } }
  }

  /// Whether nothing is drawn where something could be.
  var isBare: Bool { terminal.redraws && state.withLock { $0.drawn == 0 } }

  /// Draws as many words as fit, the first in bold, in the place of what was drawn before. Nothing where
  /// lines cannot be redrawn.
  /// - Parameter ofStage: whether `restore` may bring them back.
  func draw(_ words: [String], ofStage: Bool = false) {
    guard terminal.redraws else { return }
    state.withLock { state in
      if ofStage { state.stageLine = words }
      draw(words, &state)
    }
  }

  /// Takes away what is drawn, and draws again what the stage drew last.
  func restore() {
    state.withLock { state in
      if let words = state.stageLine { draw(words, &state) } else { clear(&state) }
    }
  }

  /// Draws again what no longer fits the window.
  func fit() {
    state.withLock { state in
      if state.drawn > 0, state.drawn >= width() { draw(state.words, &state) }
    }
  }

  /// Takes away what is drawn.
  public func clear() { state.withLock { clear(&$0) } }

  private func draw(_ words: [String], _ state: inout State) {
    let width = width()
    let (text, columns) = fitted(words, width)
    write(Self.cleaning(state.drawn, width) + text)
    state.drawn = columns
    state.words = words
  }

  private func clear(_ state: inout State) {
    guard state.drawn > 0 else { return }
    write(Self.cleaning(state.drawn, width()))
    state.drawn = 0
  }

  /// Leaves what is drawn where it is, and goes on below it.
  func leave() {
    state.withLock { state in
      if state.drawn > 0 { write("\n") }
      state.drawn = 0
      state.stageLine = nil
    }
  }

  /// Writes text with a line's end, in the place of what is drawn.
  public func print(_ text: String) {
    state.withLock { state in
      clear(&state)
      write(text + "\n")
    }
  }

  /// Goes to the beginning of what is drawn, and takes it away. In a window that was made narrower since
  /// then, it goes over several rows.
  private static func cleaning(_ drawn: Int, _ width: Int) -> String {
    let above = max(0, drawn - 1) / max(1, width)
    return above > 0 ? "\r\u{1B}[\(above)A\u{1B}[J" : "\r\u{1B}[K"
  }

  /// As many words as stay away from the edge: a line that wraps cannot be redrawn.
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
