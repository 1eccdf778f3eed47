import FoundationEssentials
import TestSupport

#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#endif
import Support
import Testing

/// A small disk of its own for a test, which only root may have.
private final class SmallDisk {
  let path: String

  init(kilobytes: Int) throws {
    path = try Program().fresh("disk-\(kilobytes)")
    try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
    try mount(["-t", "tmpfs", "-o", "size=\(kilobytes)k", "none"])
  }

  func grow(kilobytes: Int) throws { try mount(["-o", "remount,size=\(kilobytes)k"]) }

  private func mount(_ arguments: [String]) throws {
    let result = try ChildProcess.run("mount", arguments + [path], timeout: 20)
    guard result.exitCode == 0 else { throw Failure(.failed, result.errorText) }
  }

  deinit { _ = try? ChildProcess.run("umount", [path], timeout: 20) }

  static let canBeMade = (try? SmallDisk(kilobytes: 64)) != nil
}

/// Disks that are full, folders that cannot be written, and folders that are somebody's.
@Suite(.serialized) struct DiskTests {
  private let tiny: TinyModels
  private var program: Program { tiny.program }

  init() throws { tiny = try TinyModels() }

  private static let needsRoot: Comment = "a tmpfs must be mounted, which takes root"

  @Test(
    "a full disk ends training with its last checkpoint whole; with room it continues to the same bytes",
    .enabled(if: SmallDisk.canBeMade, needsRoot))
  func fullWhileTraining() throws {
    let often = ["--save-interval", "0", "--epochs", "3"]
    let whole = try program.fresh("roomy")
    let reference = try program.run(tiny.sftArguments("roomy") + often)
    try #require(reference.exitCode == 0, "\(reference.errorText)")
    let final = try Files.read("\(whole)/sft.trlhf")

    // Room for one training checkpoint, which is larger than the model, but not for the next.
    let disk = try SmallDisk(kilobytes: 3 * final.count / 2048)
    var arguments = tiny.sftArguments("full") + often
    arguments[2] = "\(disk.path)/run"
    let full = try program.run(arguments)
    #expect(full.exitCode == 74)
    #expect(full.errorText.contains("\(disk.path)/run/sft-"), "\(full.errorText)")
    #expect(full.errorText.contains("No space left"), "\(full.errorText)")
    #expect(full.errorText.contains("--resume"), "\(full.errorText)")
    let left = try program.contents(of: "\(disk.path)/run")
    #expect(!left.keys.contains { $0.hasSuffix(".partial") }, "\(left.keys)")
    let checkpoint = try #require(left.keys.first { $0.hasSuffix(".training.trlhf") })

    // A full tmpfs has no page even for reading a hole of a file.
    try disk.grow(kilobytes: 8 * final.count / 1024)
    let verified = try program.run("inspect", "\(disk.path)/run/\(checkpoint)", "--verify")
    #expect(verified.exitCode == 0, "\(verified.errorText)")
    let resumed = try program.run(arguments + ["--resume"])
    #expect(resumed.exitCode == 0, "\(resumed.errorText)")
    #expect(try Files.read("\(disk.path)/run/sft.trlhf") == final)
    #expect(
      try Files.read("\(disk.path)/run/metrics.jsonl") == Files.read("\(whole)/metrics.jsonl"))
  }

  @Test(
    "a full disk leaves the file that was to be replaced, and nothing half-written",
    .enabled(if: SmallDisk.canBeMade, needsRoot))
  func fullWhileReplacing() throws {
    let archive = try program.fresh("roomy.zst")
    try #require(try program.run("pack", tiny.base, "-o", archive).exitCode == 0)
    let disk = try SmallDisk(kilobytes: 100)
    let path = "\(disk.path)/model"
    try Files.writeAtomically(Array("precious".utf8), to: path)
    let commands = [
      (["quantize", tiny.base], path), (["unpack", archive], "not enough free space"),
      (["unpack", "builtin:base"], path),
    ]
    for (command, phrase) in commands {
      try tiny.expectRefusal(command + ["-o", path, "--force"], code: 74, [phrase])
      #expect(try program.contents(of: disk.path) == ["model": Array("precious".utf8)])
    }
    let output = try ChildProcess.run(
      "sh", ["-c", "exec \(program.binary) inspect \(tiny.base) > /dev/full"], timeout: 20)
    #expect(output.exitCode == 74)
    #expect(output.errorText.contains("standard output"), "\(output.errorText)")
  }

  @Test("a limit on the size of files is told like a full disk")
  func limited() throws {
    let path = try program.fresh("limited.trlhf")
    // In blocks of 512 or 1,024 bytes, as the shell has it.
    let limited = try ChildProcess.run(
      "sh", ["-c", "ulimit -f 100; exec \(program.binary) unpack builtin:base -o \(path)"],
      timeout: 60)
    #expect(limited.exitCode == 74, "\(limited.errorText)")
    #expect(limited.errorText.contains("\(path): cannot be written: File too large"), "\(limited.errorText)")
    #expect(!Files.exists(path) && !Files.exists("\(path).partial"))
  }

  @Test("a folder that cannot be written is named, and so is one that is a file")
  func unwritable() throws {
    let below = "\(tiny.text)/run"
    let text = try Files.read(tiny.text)
    for folder in [below, "/proc/tinyrlhf", tiny.text] {
      var arguments = tiny.sftArguments("no")
      arguments[2] = folder
      try tiny.expectRefusal(arguments, code: 73, [folder, "--output"])
    }
    let commands = [
      ["pack", tiny.base], ["quantize", tiny.base], ["unpack", "builtin:base"], ["export", tiny.base],
      ["import", InterchangeCommandTests.golden("gpt2")],
    ]
    for command in commands {
      try tiny.expectRefusal(command + ["-o", below], code: 73, [below, "cannot be created"])
    }
    try tiny.expectRefusal(["pack", tiny.base, "-o", tiny.text], code: 73, [tiny.text, "--force"])
    #expect(try Files.read(tiny.text) == text)
    let selftest = try program.run("selftest", "--folder", "/proc/tinyrlhf", "--json")
    #expect(selftest.exitCode == 73)
    #expect(selftest.errorText.contains("/proc/tinyrlhf"), "\(selftest.errorText)")
  }

  @Test("a run folder in use by another process is left alone")
  func busy() throws {
    let folder = try program.fresh("held")
    try #require(try program.run(tiny.sftArguments("held")).exitCode == 0)
    let before = try program.contents(of: folder)
    let descriptor = open("\(folder)/lock", O_RDWR | O_CLOEXEC)
    defer { close(descriptor) }
    try #require(flock(descriptor, LOCK_EX | LOCK_NB) == 0)
    for more in [[], ["--resume"]] {
      try tiny.expectRefusal(
        tiny.sftArguments("held") + more, code: 75, [folder, "in use by process", "--output"])
    }
    #expect(try program.contents(of: folder) == before)
    // Reading needs no lock.
    #expect(try program.run("tokenize", folder, input: "{\"text\":\"a\"}\n").exitCode == 0)
  }

  @Test("a command that is refused leaves no folder of its own behind, and no lock in another's")
  func leavesNothing() throws {
    let folder = try program.fresh("above/refused")
    let bad = try program.write("{\"prompt\":\"Hi\",\"completion\":\"\"}\n", to: "bad.jsonl")
    let large = try tiny.forge(tiny.sft, "overflowing.trlhf") { name, values in
      if name == "final_norm.weight" { values.update(repeating: 3e38) }
      return true
    }
    let above = String(folder.dropLast("/refused".count))
    for arguments in [
      tiny.sftArguments("above/refused", data: bad),
      tiny.sftArguments("above/refused", model: large), tiny.sftArguments("above/refused", model: bad),
    ] {
      let refused = try program.run(arguments)
      #expect(refused.exitCode == 65 || refused.exitCode == 1, "\(refused.errorText)")
      #expect(!Files.exists(above), "\(refused.errorText)")
      try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
      #expect(try program.run(arguments).exitCode == refused.exitCode)
      #expect(try program.contents(of: folder).isEmpty, "\(refused.errorText)")
      try FileManager.default.removeItem(atPath: above)
    }
  }

  @Test("a folder with files in it is refused without --resume, and stays as it was")
  func occupied() throws {
    let run = try program.fresh("occupied")
    try #require(try program.run(tiny.sftArguments("occupied")).exitCode == 0)
    let before = try program.contents(of: run)
    try tiny.expectRefusal(tiny.sftArguments("occupied"), code: 64, [run, "holds files", "--resume"])
    try tiny.expectRefusal(
      tiny.sftArguments("occupied") + ["--epochs", "9", "--resume"], code: 64,
      [run, "sft-epochs", "9"])
    #expect(try program.contents(of: run) == before)

    let own = try program.fresh("own-files")
    try FileManager.default.createDirectory(atPath: own, withIntermediateDirectories: true)
    try Files.writeAtomically(Array("mine".utf8), to: "\(own)/letter")
    for more in [[], ["--resume"]] {
      try tiny.expectRefusal(
        tiny.sftArguments("own-files") + more, code: 64, [own, "holds files", "--output"])
    }
    #expect(try program.contents(of: own) == ["letter": Array("mine".utf8)])
  }
}
