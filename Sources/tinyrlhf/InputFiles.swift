import Support

/// The files that a command line names, looked for before anything is done with one of them.
enum InputFiles {
  /// - Throws: `Failure(.inputOutput)` that names all that are not there, where they are several. One alone is named
  ///   by whoever reads it.
  static func require(_ names: [String?]) throws {
    var missing: [String] = []
    for name in names.compactMap({ $0 }) where !missing.contains(name) && isMissing(name) { missing.append(name) }
    guard missing.count > 1 else { return }
    throw Failure(
      .inputOutput, "\(Spelling.list(missing)) cannot be read: No such file or directory", remedy: "Check the paths.")
  }

  private static func isMissing(_ name: String) -> Bool {
    // Standard input, and what lies inside the program.
    name != "-" && !name.hasPrefix(ModelSource.builtinPrefix) && !Files.exists(name)
  }
}
