import Inference
import Runs
import Stages
import Support

#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#endif

/// Standard output for data, standard error for people.
enum Console {
  /// The line on standard error that shows how far things are.
  static let status = StatusLine(
    .standardError, width: { Terminal.standardError.width }, write: raw)

  private static let work = WorkLine(status)

  /// From now on work that lasts is shown on standard error.
  static func showWork() {
    Work.watch(work)
    guard status.terminal.redraws else { return }
    Clock.every(milliseconds: 500) { Console.work.tick() }
  }

  /// A line for people.
  static func error(_ text: String) { status.print(Terminal.harmless(text, keepingLines: true)) }

  /// An error: a line for people, or one JSON object where `TINYRLHF_ERRORS` is `json`.
  static func report(_ failure: Failure) {
    guard ProcessEnvironment.variable("TINYRLHF_ERRORS") == "json", let line = try? JSON.line(["error": failure]) else {
      return error("tinyrlhf: \(failure)")
    }
    raw(line + "\n")
  }

  /// Text for people as it is.
  static func raw(_ text: String) {
    // Nobody is left to be told that standard error is closed.
    try? Files.write(Array(text.utf8), to: STDERR_FILENO, path: "standard error")
  }

  /// A line of data.
  /// - Throws: `Failure(.inputOutput)` when nobody takes it.
  static func output(_ line: String) throws { try output(Array((line + "\n").utf8)) }

  static func output(_ bytes: [UInt8]) throws {
    if isShown { makeRoom(bytes) }
    try Files.write(bytes, to: STDOUT_FILENO, path: "standard output")
  }

  /// Whether standard output and standard error may be one terminal.
  private static let isShown = isatty(STDOUT_FILENO) == 1 && status.terminal.redraws

  /// Data go above the line that is redrawn; a line of data that is still to be continued would be drawn over.
  private static func makeRoom(_ bytes: [UInt8]) {
    status.clear()
    if bytes.last != UInt8(ascii: "\n") { work.stop() }
  }
}

enum ProgramVersion {
  static let text = Program.version
}
