import Support

/// Ends an export between two pieces of its work, so that it removes what it has begun.
enum Interruption {
  /// - Throws: `Failure(.interrupted)` once SIGINT or SIGTERM has come and somebody catches them.
  static func check() throws {
    guard Signals.interrupted else { return }
    throw Failure(.interrupted, "the export was interrupted", remedy: "Run the same command again.")
  }
}
