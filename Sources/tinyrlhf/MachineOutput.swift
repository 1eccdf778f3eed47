import ArgumentParser
import Support

/// `--json` of a command that makes a file and has nothing else to put on standard output.
struct MadeFile: ParsableArguments {
  @Flag(help: "Print one JSON object that names the file.") var json = false

  /// - Parameters:
  ///   - sentence: what people read.
  ///   - more: what the object says beside the file.
  func report(_ path: String, _ sentence: String, _ more: [String: JSONValue] = [:]) throws {
    Console.error(sentence)
    if json { try Console.output(JSON.line(more.merging(["file": .string(path)]) { $1 })) }
  }
}

/// `--json` of a command whose output is JSON in any case.
struct AlwaysJSON: ParsableArguments {
  @Flag(help: "Accepted everywhere; this output is JSON in any case.") var json = false
}
