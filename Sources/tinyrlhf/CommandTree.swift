import ArgumentParser
import Support

/// The commands and their options as the argument parser knows them. Error messages about invalid command lines use
/// it.
struct CommandTree {
  struct Option {
    /// With their dashes, the preferred one first.
    let names: [String]
    let takesValue: Bool
    let isRequired: Bool
    /// How messages show it: `--output DIR`, or `MODEL` for a positional argument.
    let shown: String

    var isArgument: Bool { names.isEmpty }
  }

  let name: String
  let options: [Option]
  let commands: [CommandTree]

  /// The whole program.
  static func program() -> CommandTree? {
    let text = Array(TinyRLHF._dumpHelp().utf8)
    guard let root = try? JSON.decode(JSONValue.self, from: text, at: "the commands")["command"] else { return nil }
    return CommandTree(root)
  }

  private init(_ command: JSONValue) {
    name = command["commandName"]?.string ?? ""
    options = (command["arguments"]?.array ?? []).map(Option.init)
    commands = (command["subcommands"]?.array ?? []).map(CommandTree.init)
  }

  /// The option with this name, dashes included.
  func option(_ name: String) -> Option? { options.first { $0.names.contains(name) } }

  /// Long names, with their dashes.
  var optionNames: [String] { options.flatMap(\.names).filter { $0.hasPrefix("--") } }

  /// This command and all its subcommands, each with its full path from the program's name on.
  var all: [(path: String, command: CommandTree)] {
    [(name, self)] + commands.flatMap { $0.all.map { ("\(name) \($0.path)", $0.command) } }
  }
}

extension CommandTree.Option {
  fileprivate init(_ argument: JSONValue) {
    let all = (argument["names"]?.array ?? []).compactMap { name -> String? in
      guard let text = name["name"]?.string else { return nil }
      return name["kind"]?.string == "long" ? "--\(text)" : "-\(text)"
    }
    let names = all.filter { $0.hasPrefix("--") } + all.filter { !$0.hasPrefix("--") }
    let value = (argument["valueName"]?.string ?? "").uppercased()
    self.names = names
    takesValue = argument["kind"]?.string == "option"
    isRequired = argument["isOptional"] == .bool(false)
    shown = names.first.map { "\($0) \(value)" } ?? value
  }
}
