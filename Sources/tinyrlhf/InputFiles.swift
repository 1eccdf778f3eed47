import Support

/// Checks that the files on a command line exist, before any of them is used.
enum InputFiles {
  /// - Throws: `Failure(.inputOutput)` that names all missing files, if there are several. A single missing file is
  ///   reported by the code that reads it.
  static func require(_ names: [String?]) throws {
    var missing: [String] = []
    for name in names.compactMap({ $0 }) where !missing.contains(name) && isMissing(name) { missing.append(name) }
    guard missing.count > 1 else { return }
    throw Failure(
      .inputOutput, "\(Spelling.list(missing)) cannot be read: No such file or directory", remedy: "Check the paths.",
      code: .notFound)
  }

  private static func isMissing(_ name: String) -> Bool {
    // Standard input and the built-in model are not files.
    name != "-" && !name.hasPrefix(ModelSource.builtinPrefix) && !Files.exists(name)
  }
}
