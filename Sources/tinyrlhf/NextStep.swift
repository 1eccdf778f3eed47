/// What comes next in the recipe, as commands to copy. Capital letters stand for what only the user knows.
enum NextStep {
  /// Says it to people.
  /// - Parameter ways: each what it is for and the command's words behind the program's name.
  static func say(_ ways: [(purpose: String, command: [String])], quiet: Bool) {
    guard !quiet, !ways.isEmpty else { return }
    let lines = ways.map { purpose, command in
      "  \(purpose): tinyrlhf \(command.map(ShellWord.quoted).joined(separator: " "))"
    }
    Console.error((["Next:"] + lines).joined(separator: "\n"))
  }
}
