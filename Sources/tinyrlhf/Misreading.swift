import ArgumentParser
import Support

/// Explains an invalid command line, and suggests what was probably meant.
enum Misreading {
  /// - Parameter words: the command line without the program's name.
  /// - Throws: `Failure(.usage)` for a command that does not exist, also after `help`.
  static func requireCommands(_ words: [String]) throws {
    var words = words[...]
    if words.first == "help" { words = words.dropFirst() }
    var path = [TinyRLHF._commandName]
    var commands = TinyRLHF.configuration.subcommands
    while !commands.isEmpty, let word = words.first, !word.hasPrefix("-") {
      guard let command = commands.first(where: { $0._commandName == word }) else {
        if path.count == 1, word == "help" { return }
        throw unknown(word, in: commands.map { $0._commandName }, path: path.joined(separator: " "))
      }
      path.append(word)
      words = words.dropFirst()
      commands = command.configuration.subcommands
    }
  }

  private static func unknown(_ word: String, in names: [String], path: String) -> Failure {
    Failure(
      .usage, "`\(path)` has no command \"\(word)\"",
      remedy: Spelling.question(word, in: names, shown: { "`\(path) \($0)`" })
        ?? "`\(path) --help` lists its commands.")
  }

  /// Explains unknown or missing options better than the parser does; nil if it cannot.
  static func failure(_ words: [String]) -> Failure? {
    guard let program = CommandTree.program() else { return nil }
    var (command, path, rest) = (program, program.name, words[...])
    while let word = rest.first, let next = command.commands.first(where: { $0.name == word }) {
      (command, path, rest) = (next, "\(path) \(word)", rest.dropFirst())
    }
    let given = Given(rest, command)
    if !given.unknown.isEmpty { return unknown(given.unknown, of: command, path, program) }
    let missing = given.missing(command)
    guard missing.count > 1 else { return nil }
    return Failure(
      .usage, "`\(path)` needs \(Spelling.list(missing))", remedy: "`\(path) --help` explains them.")
  }

  /// The options and arguments that a command line gives to a command, and the options that it does not have.
  private struct Given {
    private(set) var unknown: [String] = []
    private var names: Set<String> = []
    private var arguments = 0

    init(_ words: ArraySlice<String>, _ command: CommandTree) {
      var rest = words
      while let word = rest.popFirst(), word != "--" {
        let name = name(word)
        guard word.hasPrefix("-"), word.count > 1 else {
          arguments += 1
          continue
        }
        guard let option = command.option(name) else {
          if word.hasPrefix("--"), !unknown.contains(name) { unknown.append(name) }
          continue
        }
        names.formUnion(option.names)
        if option.takesValue, name == word, rest.first?.hasPrefix("--") == false { rest = rest.dropFirst() }
      }
    }

    /// The option's name: `--output` for `--output=DIR`, `-o` for `-oDIR`.
    private func name(_ word: String) -> String {
      word.hasPrefix("--") ? String(word.prefix { $0 != "=" }) : String(word.prefix(2))
    }

    func missing(_ command: CommandTree) -> [String] {
      let required = command.options.filter(\.isRequired)
      return required.filter(\.isArgument).dropFirst(arguments).map(\.shown)
        + required.filter { !$0.isArgument && names.isDisjoint(with: $0.names) }.map(\.shown)
    }
  }

  private static func unknown(
    _ names: [String], of command: CommandTree, _ path: String, _ program: CommandTree
  ) -> Failure {
    let remedies = names.map { remedy($0, of: command, path: path, program: program) }
    let isOne = names.count == 1
    return Failure(
      .usage, "`\(path)` has no option\(isOne ? "" : "s") \(Spelling.list(names, "or"))",
      remedy: isOne
        ? remedies[0] : zip(names, remedies).map { "\($0): \($1)" }.joined(separator: " "))
  }

  private static func remedy(
    _ name: String, of command: CommandTree, path: String, program: CommandTree
  ) -> String {
    let known = command.optionNames
    let same = OptionSynonyms.of(String(name.dropFirst(2))).map { "--\($0)" }.filter(known.contains)
    if !same.isEmpty { return Spelling.question(same) }
    if let question = question(name, in: known) { return question }
    let others = program.all.filter { $0.command.option(name) != nil }.map { "`\($0.path)`" }
    guard !others.isEmpty, others.count <= 4 else { return "`\(path) --help` lists its options." }
    return "It is an option of \(Spelling.list(others))."
  }

  /// Compares names without their dashes, so that the dashes do not count as similarity.
  private static func question(_ name: String, in known: [String]) -> String? {
    Spelling.question(
      String(name.dropFirst(2)), in: known.map { String($0.dropFirst(2)) }, shown: { "--\($0)" })
  }
}
