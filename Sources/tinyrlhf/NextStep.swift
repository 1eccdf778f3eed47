/// Suggests the next step of the recipe, as commands to copy. Words in capitals are for the user to fill in.
enum NextStep {
  /// Prints the suggestions to standard error.
  /// - Parameter ways: for each suggestion its purpose and the words of the command after the program's name.
  static func say(_ ways: [(purpose: String, command: [String])], quiet: Bool) {
    guard !quiet, !ways.isEmpty else { return }
    let lines = ways.map { purpose, command in
      "  \(purpose): tinyrlhf \(command.map(ShellWord.quoted).joined(separator: " "))"
    }
    Console.error((["Next:"] + lines).joined(separator: "\n"))
  }
}
