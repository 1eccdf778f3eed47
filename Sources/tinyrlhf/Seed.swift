import ArgumentParser

/// Parses seeds on the command line.
enum Seed {
  /// - Throws: an error that says what a valid seed is; the parser adds the option and the value.
  @Sendable static func read(_ text: String) throws -> UInt64 {
    guard let seed = UInt64(text) else {
      throw ValidationError("a seed is a whole number in 0…\(UInt64.max)")
    }
    return seed
  }
}
