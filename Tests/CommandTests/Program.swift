import FoundationEssentials
import Support
import Testing

/// The built program, spawned with a tiny model that it makes itself.
struct Program {
  let binary: String
  let folder: String
  var base: String { "\(folder)/base/base.trlhf" }

  init() throws {
    let variables = ProcessInfo.processInfo.environment
    let products = CommandLine.arguments[0].split(separator: "/", omittingEmptySubsequences: false)
      .dropLast().joined(separator: "/")
    let candidates = [
      variables["TINYRLHF_BINARY"], "\(products)/tinyrlhf",
      ".build/x86_64-unknown-linux-gnu/release/tinyrlhf",
      ".build/aarch64-unknown-linux-gnu/release/tinyrlhf", ".build/release/tinyrlhf",
    ].compactMap { $0 }
    binary = try #require(candidates.first(where: Files.exists), "no built program in \(candidates)")
    folder = "/tmp/tinyrlhf-commands-\(ProcessInfo.processInfo.processIdentifier)"
    try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
    if !Files.exists(base) {
      let made = try run(
        "pretrain", "-o", "\(folder)/base", "--quick", "--steps", "3", "--layers", "1", "--d-model",
        "32", "--heads", "2", "--vocab", "300", "--context", "128", "--quiet")
      try #require(made.exitCode == 0, "\(made.errorText)")
    }
  }

  func run(_ arguments: String..., input: String = "") throws -> ChildProcess.Result {
    try run(arguments, input: input)
  }

  func run(_ arguments: [String], input: String = "", environment: [String: String?] = [:]) throws
    -> ChildProcess.Result
  {
    try ChildProcess.run(
      binary, arguments, input: Array(input.utf8), environment: environment, timeout: 120)
  }
}
