import ArgumentParser
import Diagnostics
import Support

#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#endif

struct SelftestCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "selftest",
    abstract: "Check the program's invariants on this machine.",
    discussion: """
      Compares the kernels of every instruction set that this processor has with the scalar \
      reference. Checks with a tiny random model that results do not depend on the number of threads or on the \
      batch. Writes, reads, packs and damages checkpoints in --folder, resumes from them, and removes \
      them. The exit status is 1 if a check fails.
      """)

  @Option(help: ArgumentHelp("Folder for the temporary checkpoints.", valueName: "dir"))
  var folder: String = SelftestCommand.temporaryFolder
  @Flag(help: "Print one JSON object.") var json = false

  private static var temporaryFolder: String {
    getenv("TMPDIR").map { String(cString: $0) } ?? "/tmp"
  }

  private struct Result: Encodable {
    let checks: [Selftest.Check]
    let passed: Bool
  }

  func run() throws {
    var checks: [Selftest.Check] = []
    try Selftest(folder: folder).run { check in
      checks.append(check)
      if !json {
        try Console.output("\(Self.mark(check.outcome))  \(check.name): \(check.figure)")
      }
    }
    let failed = checks.count { $0.outcome == .failed }
    if json { try Console.output(JSON.line(Result(checks: checks, passed: failed == 0))) }
    guard failed == 0 else {
      throw Failure(
        .failed, "\(failed) of \(checks.count) checks failed",
        remedy: "Do not trust results from this machine; TINYRLHF_ISA=scalar uses the scalar kernels.")
    }
  }

  private static func mark(_ outcome: Selftest.Outcome) -> String {
    switch outcome {
    case .passed: "passed "
    case .failed: "FAILED "
    case .skipped: "skipped"
    }
  }
}
