import FoundationEssentials
import Support
import TestSupport
import Testing

/// Every call on a file fails once: nothing is lost, and the command goes on to the same bytes.
@Suite(.serialized) struct FaultTests {
  private let tiny: TinyModels
  private var program: Program { tiny.program }

  init() throws { tiny = try TinyModels() }

  // MARK: Commands

  /// Two training checkpoints and the model.
  private func sft(_ folder: String) -> [String] {
    [
      "sft", "-o", "\(folder)/\(FaultSweep.runFolder)", "--model", "\(folder)/source",
      "--demonstrations", tiny.demonstrations, "--batch-size", "2", "--epochs", "2",
      "--save-interval", "0", "--threads", "1", "--quiet",
    ]
  }

  /// A run that did not come so far as to have its folder is begun again.
  private func resuming(_ folder: String) -> [String] {
    Files.exists("\(folder)/\(FaultSweep.runFolder)") ? ["--resume"] : []
  }

  private func sweepOfTraining() -> FaultSweep {
    FaultSweep(
      name: "sft", program: program, source: tiny.base, arguments: sft,
      again: { sft($0) + resuming($0) }, results: ["run/sft.trlhf", "run/metrics.jsonl"])
  }

  private func sweepOfEverything() throws -> FaultSweep {
    let settings = try program.write(
      #"{"eval-documents": 4, "eval-samples": 1, "sft-demonstrations": 16}"#, to: "few.json")
    let arguments = { (folder: String) in
      [
        "all", "-o", "\(folder)/\(FaultSweep.runFolder)", "--model", "\(folder)/source", "--quick",
        "--config", settings, "--sft-epochs", "3", "--ranking-prompts", "8",
        "--completions-per-prompt", "2", "--total-episodes", "16", "--ppo-batch-size", "8",
        "--response-length", "8", "--eval-prompts", "2", "--save-interval", "0", "--threads", "1",
        "--quiet",
      ]
    }
    return FaultSweep(
      name: "all", program: program, source: tiny.base, arguments: arguments,
      again: { arguments($0) + resuming($0) },
      results: [
        "base.trlhf", "sft.trlhf", "rankings.jsonl", "rankings-held-out.jsonl", "reward.trlhf",
        "ppo.trlhf", "metrics.jsonl", "samples.jsonl", "evaluation.json",
      ].map { "\(FaultSweep.runFolder)/\($0)" })
  }

  private func sweep(_ command: String, source: String) -> FaultSweep {
    let arguments = { (folder: String) in
      [command, "\(folder)/source", "-o", "\(folder)/out", "--force", "--threads", "2"]
    }
    return FaultSweep(
      name: command, program: program, source: source, old: Array("precious".utf8),
      arguments: arguments, again: arguments, results: ["out"])
  }

  /// Into a folder that is not there yet.
  private func sweepOfExport() -> FaultSweep {
    let arguments = { (folder: String) in
      ["export", "\(folder)/source", "-o", "\(folder)/\(FaultSweep.runFolder)", "--force"]
    }
    let files = [
      "config.json", "generation_config.json", "model.safetensors", "tokenizer.json", "tokenizer_config.json",
    ]
    return FaultSweep(
      name: "export", program: program, source: tiny.base, arguments: arguments, again: arguments,
      results: files.map { "\(FaultSweep.runFolder)/\($0)" })
  }

  private func sweepOfImport() -> FaultSweep {
    let arguments = { (folder: String) in
      ["import", InterchangeCommandTests.golden("gpt2"), "-o", "\(folder)/out", "--force"]
    }
    return FaultSweep(
      name: "import", program: program, old: Array("precious".utf8), arguments: arguments,
      again: arguments, results: ["out"])
  }

  private func archive() throws -> String {
    let path = try program.fresh("faultless.zst")
    try #require(try program.run("pack", tiny.base, "-o", path).exitCode == 0)
    return path
  }

  // MARK: Laws

  @Test("whichever call of training fails, its folder is whole and --resume ends with the same bytes")
  func training() throws {
    let tallies = try sweepOfTraining().run(everything: false)
    #expect(tallies.values.reduce(0) { $0 + $1.refused } > 20, "\(tallies)")
  }

  @Test("a file is synced before it takes its name, and its folder before anything else changes in it")
  func order() throws {
    let folder = try FaultyFolder(program, "ordered")
    try FileManager.default.copyItem(atPath: tiny.base, toPath: "\(folder.path)/source")
    let run = FaultSweep.runFolder
    var unsynced: Set<String> = []
    // Names that a power loss could still take back.
    var loose: Set<String> = []
    var counts: [String: Int] = [:]
    for event in try folder.events(sft(folder.path)) where event.paths[0] != "\(run)/lock" {
      let path = event.paths[0]
      counts[event.kind, default: 0] += 1
      switch event.kind {
      case "write", "ftruncate": unsynced.insert(path)
      case "fsync":
        unsynced.remove(path)
        loose = loose.filter { $0.contains("/") ? path != run : path != "." }
      // The folder above is there.
      case "mkdir" where path != ".": loose.insert(path)
      case "rename":
        #expect(loose.isEmpty, "\(loose) before \(event)")
        #expect(!unsynced.contains(path), "\(event)")
        // No checkpoint is ahead of the log of its steps.
        let isCheckpoint = event.paths[1].hasSuffix(".trlhf")
        #expect(!isCheckpoint || !unsynced.contains("\(run)/metrics.jsonl"), "\(event)")
        loose.insert(event.paths[1])
      case "unlink": #expect(loose.isEmpty && unsynced.isEmpty, "\(loose) before \(event)")
      default: break
      }
    }
    #expect(loose.isEmpty && unsynced.isEmpty, "\(loose), \(unsynced)")
    // Manifest, three checkpoints of which two go again: all was seen.
    #expect(counts["rename"]! >= 6 && counts["unlink"]! >= 2 && counts["mkdir"]! >= 1, "\(counts)")
  }

  /// Where `Tools/check-long faults-…` wants its table; the sweep is too long for every day.
  private static let table = ProcessEnvironment.variable("TINYRLHF_FAULT_TABLE")
  /// Whose calls fail, all commands' without it; and which share of the calls: "2/4".
  private static let commands = ProcessEnvironment.variable("TINYRLHF_FAULT_COMMANDS")?.split(separator: ",")
  private static let share = ProcessEnvironment.variable("TINYRLHF_FAULT_SHARE")

  @Test(
    "whichever call of any command fails in whichever way, nothing is lost",
    .enabled(if: table != nil, "Tools/check-long runs it"))
  func everything() throws {
    let table = try #require(Self.table)
    var text = "command,call,error,calls,refused,completed\n"
    let sweeps = [
      sweepOfTraining(), try sweepOfEverything(), sweep("pack", source: tiny.base),
      sweep("unpack", source: try archive()), sweep("quantize", source: tiny.base), sweepOfExport(),
      sweepOfImport(),
    ].filter { Self.commands?.contains(Substring($0.name)) ?? true }
    let share = try (Self.share ?? "1/1").split(separator: "/").map { try #require(Int($0)) }
    try #require(!sweeps.isEmpty && share.count == 2 && (1...share[1]).contains(share[0]))
    for sweep in sweeps {
      for (fault, tally) in try sweep.run(everything: true, share: (share[0], of: share[1])).sorted(by: { $0.key < $1.key }) {
        text += "\(sweep.name),\(fault),\(tally.refused + tally.completed),"
          + "\(tally.refused),\(tally.completed)\n"
      }
      try Files.writeAtomically(Array(text.utf8), to: table)
    }
  }

  @Test("whichever call of import or export fails, nothing half-written bears the name")
  func interchange() throws {
    for sweep in [sweepOfExport(), sweepOfImport()] {
      let tallies = try sweep.run(everything: false)
      #expect(tallies.values.reduce(0) { $0 + $1.refused } > 5, "\(sweep.name): \(tallies)")
    }
  }

  @Test("whichever call of pack, unpack or quantize fails, the old file or the new one is there, whole")
  func files() throws {
    for (command, source) in [
      ("pack", tiny.base), ("unpack", try archive()), ("quantize", tiny.base),
    ] {
      let tallies = try sweep(command, source: source).run(everything: false)
      #expect(tallies.values.reduce(0) { $0 + $1.refused } > 5, "\(command): \(tallies)")
    }
  }
}
