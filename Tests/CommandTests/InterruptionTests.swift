import FoundationEssentials
import Support
import TestSupport
import Testing

#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#endif

/// Commands that a signal ends leave nothing half-written.
@Suite(.serialized) struct InterruptionTests {
  private let tiny: TinyModels
  private var program: Program { tiny.program }

  init() throws { tiny = try TinyModels() }

  /// An empty folder.
  private func place() throws -> String {
    let path = try program.fresh("interrupted")
    try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
    return path
  }

  private func names(_ folder: String) throws -> [String] {
    try FileManager.default.contentsOfDirectory(atPath: folder).sorted()
  }

  /// Sends the signal once the command has begun to write, or after a while, and waits.
  private func end(_ arguments: [String], in folder: String, by signal: Int32) throws -> ChildProcess.Result {
    let process = try ChildProcess(
      program.binary, arguments, environment: ["XDG_CACHE_HOME": "\(program.folder)/cache"])
    let start = Clock.monotonic()
    while process.isRunning, Clock.monotonic() - start < 20,
      try !names(folder).contains(where: { $0.contains(".partial") })
    { usleep(200) }
    process.send(signal: signal)
    return process.wait(timeout: 60)
  }

  @Test(
    "whatever signal ends a command that writes a file, no part of the file stays",
    arguments: [SIGINT, SIGTERM, SIGHUP])
  func files(signal: Int32) throws {
    let base = try program.fresh("whole-base.trlhf")
    try #require(try program.run("unpack", "builtin:base", "-o", base).exitCode == 0)
    let archive = try program.fresh("whole-base.trlhf.zst")
    try #require(try program.run("pack", base, "-o", archive, "--level", "1").exitCode == 0)
    for command in [
      ["pack", base, "--level", "19"], ["unpack", archive], ["quantize", base],
      ["import", InterchangeCommandTests.golden("gpt2")],
    ] {
      let folder = try place()
      let result = try end(command + ["-o", "\(folder)/out", "--threads", "1"], in: folder, by: signal)
      let isDone = result.exitCode == 0
      #expect(isDone || result.exitCode == 128 + signal, "\(command): \(result.exitCode), \(result.errorText)")
      #expect(try names(folder) == (isDone ? ["out"] : []), "\(command)")
    }
  }

  @Test("an archive goes into a pipe, and a pipe that nobody reads any more leaves nothing behind")
  func pipes() throws {
    let folder = try place()
    func shell(_ command: String) throws -> ChildProcess.Result {
      try ChildProcess.run(
        "sh", ["-c", "cd \(folder) && \(command)", program.binary, tiny.base], timeout: 60)
    }
    let through = try shell("\"$0\" pack \"$1\" -o /dev/stdout 2> said | cat > through.zst")
    #expect(through.exitCode == 0, "\(through.errorText)")
    try #require(try program.run("pack", tiny.base, "-o", "\(folder)/direct.zst").exitCode == 0)
    #expect(try Files.read("\(folder)/through.zst") == Files.read("\(folder)/direct.zst"))
    _ = try shell("\"$0\" pack \"$1\" -o /dev/stdout 2> said | head -c 10 > beginning")
    #expect(try names(folder) == ["beginning", "direct.zst", "said", "through.zst"])
    let refused = try shell("\"$0\" quantize \"$1\" -o /dev/stdout --force | cat")
    #expect(refused.errorText.contains("/dev/stdout: is a pipe or a device, not a file. Name a file with -o."))
  }

  @Test("SIGHUP stops a run as SIGTERM does, and a run under nohup goes on")
  func hangup() throws {
    func arguments(_ folder: String) -> [String] {
      [
        "sft", "-o", folder, "--model", tiny.base, "--demonstrations", tiny.demonstrations, "--batch-size", "2",
        "--epochs", "20", "--quiet",
      ]
    }
    let stopped = try program.stop(
      arguments(try program.fresh("hung-up")), in: "\(program.folder)/hung-up", stage: "sft", saved: true,
      with: SIGHUP)
    #expect(stopped.exitCode == 130, "\(stopped.errorText)")
    #expect(stopped.errorText.contains("interrupted; the state is saved"))
    let folder = try program.fresh("nohup")
    let process = try ChildProcess(
      "sh", ["-c", "trap '' HUP; exec \"$0\" \"$@\"", program.binary] + arguments(folder))
    while try !program.isRunning("sft", in: folder), process.isRunning { usleep(1000) }
    process.send(signal: SIGHUP)
    let result = process.wait(timeout: 120)
    #expect(result.exitCode == 0, "\(result.errorText)")
    #expect(Files.exists("\(folder)/sft.trlhf"))
  }

  @Test("a damaged training checkpoint can be removed, and the stage ends with the same bytes")
  func damage() throws {
    let folder = try program.fresh("damaged-state")
    let arguments = [
      "sft", "-o", folder, "--model", tiny.base, "--demonstrations", tiny.demonstrations, "--batch-size", "2",
      "--epochs", "20", "--quiet",
    ]
    _ = try program.stop(arguments, in: folder, stage: "sft", saved: true, with: SIGKILL)
    let name = try #require(try names(folder).last { $0.hasSuffix(".training.trlhf") })
    var bytes = try Files.read("\(folder)/\(name)")
    bytes[bytes.count / 2] ^= 1
    try Files.writeAtomically(bytes, to: "\(folder)/\(name)")
    let refused = try program.run(arguments + ["--resume"])
    #expect(refused.exitCode == 65)
    #expect(refused.errorText.contains("\(name)"))
    #expect(refused.errorText.contains("Remove this file: the stage then goes on from"), "\(refused.errorText)")
    unlink("\(folder)/\(name)")
    #expect(try program.run(arguments + ["--resume"]).exitCode == 0)
    let whole = try program.fresh("undamaged-state")
    #expect(try program.run(["sft", "-o", whole] + arguments.dropFirst(3)).exitCode == 0)
    #expect(try Files.read("\(folder)/sft.trlhf") == Files.read("\(whole)/sft.trlhf"))
  }
}
