import ArgumentParser
import Support

/// `--json` of a command that makes a file and has nothing else to put on standard output.
struct MadeFile: ParsableArguments {
  @Flag(help: "Print one JSON object that names the file.") var json = false

  /// - Parameter sentence: what people read.
  func report(_ path: String, _ sentence: String) throws {
    Console.error(sentence)
    if json { try Console.output(JSON.line(["file": path])) }
  }
}

/// `--json` of a command whose output is JSON in any case.
struct AlwaysJSON: ParsableArguments {
  @Flag(help: "Accepted everywhere; this output is JSON in any case.") var json = false
}
