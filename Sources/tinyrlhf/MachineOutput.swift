import ArgumentParser
import Support

/// `--json`, for a command that writes a file and prints no other data to standard output.
struct MadeFile: ParsableArguments {
  @Flag(help: "Print one JSON object that names the file.") var json = false

  /// - Parameters:
  ///   - sentence: printed to standard error for people.
  ///   - more: members of the JSON object besides `file`.
  func report(_ path: String, sentence: String, _ more: [String: JSONValue] = [:]) throws {
    Console.error(sentence)
    if json { try Console.output(JSON.line(more.merging(["file": .string(path)]) { $1 })) }
  }
}

/// `--json`, for a command that always prints JSON.
struct AlwaysJSON: ParsableArguments {
  @Flag(help: "No effect: this command always prints JSON.") var json = false
}
