import Recipe
import Support

#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#endif

/// Standard output for data, standard error for people.
enum Console {
  /// A line for people.
  static func error(_ text: String) {
    write(Terminal.harmless(text, keepingLines: true) + "\n", to: STDERR_FILENO)
  }

  /// Text for people as it is, for lines that are redrawn.
  static func raw(_ text: String) { write(text, to: STDERR_FILENO) }

  /// A line of data.
  /// - Throws: `Failure(.inputOutput)` when nobody takes it.
  static func output(_ line: String) throws { try output(Array((line + "\n").utf8)) }

  static func output(_ bytes: [UInt8]) throws {
    try Files.write(bytes, to: STDOUT_FILENO, path: "standard output")
  }

  private static func write(_ text: String, to descriptor: Int32) {
    // Nobody is left to be told that standard error is closed.
    try? Files.write(Array(text.utf8), to: descriptor, path: "standard error")
  }
}

enum ProgramVersion {
  static let text = Program.version
}
