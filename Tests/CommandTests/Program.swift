import FoundationEssentials
import TestSupport

#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#endif
import Support
import Testing

/// The built program, spawned with a tiny model that it makes itself.
struct Program {
  let binary: String
  let folder: String
  var base: String { "\(folder)/base/base.trlhf" }

  /// One for all tests: suites may run side by side.
  private static let shared = Result { try Program(makingBase: ()) }

  init() throws { self = try Self.shared.get() }

  private init(makingBase: Void) throws {
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
    // Archives are expanded into the cache, which is not the tester's own.
    let environment = ["XDG_CACHE_HOME": "\(folder)/cache"].merging(environment) { $1 }
    return try ChildProcess.run(
      binary, arguments, input: Array(input.utf8), environment: environment, timeout: 600)
  }

  /// A path in the tests' folder at which nothing is.
  func fresh(_ name: String) throws -> String {
    let path = "\(folder)/\(name)"
    if Files.exists(path) { try FileManager.default.removeItem(atPath: path) }
    return path
  }

  /// Writes a file into the tests' folder and returns its path.
  func write(_ text: String, to name: String) throws -> String {
    let path = "\(folder)/\(name)"
    try Files.writeAtomically(Array(text.utf8), to: path)
    return path
  }

  static let script = ["/usr/bin/script", "/bin/script"].first(where: Files.exists)

  /// What the program writes to a terminal of its own.
  func onTerminal(_ arguments: [String], _ environment: [String: String?]) throws -> String {
    let command = ([binary] + arguments).joined(separator: " ")
    let script = try #require(Self.script)
    let result = try ChildProcess.run(
      script, ["-qec", command, "/dev/null"],
      environment: ["NO_COLOR": nil, "TERM": "xterm"].merging(environment) { $1 }, timeout: 60)
    #expect(result.exitCode == 0, "\(result.outputText)")
    return result.outputText
  }

  /// The largest resident memory of a run, in bytes; looked at until it ends.
  func peak(_ arguments: [String]) throws -> Double {
    let process = try ChildProcess(binary, arguments)
    var kilobytes = 0.0
    while process.isRunning {
      // What `wait` would tell counts the memory of the process that started it.
      let status = FileManager.default.contents(atPath: "/proc/\(process.identifier)/status")
      let line = String(decoding: status ?? Data(), as: UTF8.self).split(separator: "\n")
        .first { $0.hasPrefix("VmHWM:") }
      kilobytes = line.flatMap { Double($0.filter(\.isNumber)) } ?? kilobytes
      usleep(2000)
    }
    let result = process.wait()
    try #require(result.exitCode == 0, "\(result.errorText)")
    return 1024 * kilobytes
  }

  /// Every file of a folder by name; empty where there is none.
  func contents(of path: String) throws -> [String: [UInt8]] {
    guard Files.exists(path) else { return [:] }
    let names = try FileManager.default.contentsOfDirectory(atPath: path)
    return try Dictionary(
      uniqueKeysWithValues: names.map { ($0, try Files.read("\(path)/\($0)")) })
  }
}

extension ChildProcess.Result {
  /// Standard output as JSON Lines.
  func objects() throws -> [[String: JSONValue]] {
    try outputText.split(separator: "\n").map {
      try JSON.decode([String: JSONValue].self, from: Array($0.utf8), at: "output")
    }
  }
}
