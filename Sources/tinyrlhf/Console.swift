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
  /// The progress line on standard error.
  static let status = StatusLine(
    .standardError, width: { Terminal.standardError.width }, write: raw)

  private static let work = WorkLine(status)

  /// From now on, shows the progress of long work on standard error.
  static func showWork() {
    Work.watch(work)
    guard status.terminal.redraws else { return }
    Clock.every(milliseconds: 500) { Console.work.tick() }
  }

  /// Prints a line for people.
  static func error(_ text: String) { status.print(Terminal.harmless(text, keepingLines: true)) }

  /// Prints an error: a line for people, or one JSON object if `TINYRLHF_ERRORS` is `json`.
  static func report(_ failure: Failure) {
    guard reportsJSON, let line = try? JSON.line(["error": failure]) else { return error("tinyrlhf: \(failure)") }
    status.clear()
    raw(line + "\n")
  }

  static let reportsJSON = ProcessEnvironment.variable("TINYRLHF_ERRORS") == "json"

  /// Prints text for people, unchanged and without a newline.
  static func raw(_ text: String) {
    // If standard error is closed, there is no place left to report that.
    try? Files.write(Array(text.utf8), to: STDERR_FILENO, path: "standard error")
  }

  /// Prints a line of data.
  /// - Throws: `Failure(.inputOutput)` when standard output cannot be written.
  static func output(_ line: String) throws { try output(Array((line + "\n").utf8)) }

  static func output(_ bytes: [UInt8]) throws {
    if isShown { makeRoom(bytes) }
    try Files.write(bytes, to: STDOUT_FILENO, path: "standard output")
  }

  /// Whether standard output and standard error may be one terminal.
  private static let isShown = isatty(STDOUT_FILENO) == 1 && status.terminal.redraws

  /// Clears the progress line so that data go above it. If the data do not end a line, stops the progress line, which
  /// would overwrite the unfinished line.
  private static func makeRoom(_ bytes: [UInt8]) {
    status.clear()
    if bytes.last != UInt8(ascii: "\n") { work.stop() }
  }
}

enum ProgramVersion {
  static let text = Program.version
}
