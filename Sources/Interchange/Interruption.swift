import Support

/// Stops an export between two steps, so that it removes its incomplete files.
enum Interruption {
  /// - Throws: `Failure(.interrupted)` after SIGINT or SIGTERM, if these signals are caught.
  static func check() throws {
    guard Signals.interrupted else { return }
    throw Failure(.interrupted, "the export was interrupted", remedy: "Run the same command again.")
  }
}
