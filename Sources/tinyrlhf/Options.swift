import ArgumentParser
import Evaluation
import Inference
import Runs
import Stages
import Support

#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#endif

/// Options that mean something to every command that computes.
struct ComputeOptions: ParsableArguments {
  @Option(parsing: .unconditional, help: "Threads. Results do not depend on their number.")
  var threads: Int = ComputeOptions.processors

  static var processors: Int { max(1, Int(sysconf(Int32(_SC_NPROCESSORS_ONLN)))) }

  func validate() throws {
    guard (1...256).contains(threads) else {
      throw ValidationError("--threads \(threads) is not in 1…256.")
    }
  }
}

/// Of every command that uses a checkpoint.
struct VerifyOptions: ParsableArguments {
  @Flag(
    inversion: .prefixedNo,
    help: "Check every hash and value of the files that are used before anything is printed or written.")
  var verify = true
}

/// What is done with rows that cannot be read.
struct BadRowOptions: ParsableArguments {
  @Flag(help: "Leave out rows that cannot be read, and say how many and why; without it, the first ends the command.")
  var skipBadRows = false

  /// - Parameter files: those of rows that are read.
  func check(reading files: [String?], _ idle: inout IdleOptions) {
    idle.add(
      "--skip-bad-rows", if: skipBadRows && files.allSatisfy { $0 == nil }, because: "no file of rows is read")
  }
}

/// Options of every command that writes into a run folder.
struct FolderOptions: ParsableArguments {
  @Flag(help: "Continue the run in the folder, to the bytes of an uninterrupted one.")
  var resume = false

  @Flag(help: "Everything in small: the same stages in a minute.")
  var quick = false

  @Option(
    parsing: .unconditional,
    help: "Seed of everything that is drawn; the built-in world's facts do not follow it (default: 1).",
    transform: Seed.read)
  var seed: UInt64 = 1

  @Option(help: ArgumentHelp("Hyper-parameters by name, as JSON; the command line wins.", valueName: "file"))
  var config: String?

  @Option(parsing: .unconditional, help: "Seconds between training checkpoints.")
  var saveInterval: Double = 30

  @Option(
    parsing: .unconditional,
    help: ArgumentHelp(
      """
      Training checkpoints that stay of each stage, also when it has ended: the newest N, and the \
      best by what is held out (pretrain: bits per byte; sft, reward: validation loss, or the score of \
      sft's --reward-model; ppo on the built-in world: the rubric's grade). Without it, the newest until the stage ends.
      """, valueName: "n"))
  var keep: Int?

  @Flag(name: .shortAndLong, help: "No progress lines.")
  var quiet = false

  @OptionGroup var badRows: BadRowOptions
  @OptionGroup var verification: VerifyOptions
  @OptionGroup var compute: ComputeOptions

  func validate() throws {
    guard saveInterval.isFinite, saveInterval >= 0 else {
      throw ValidationError("--save-interval \(saveInterval) is not 0 seconds or more.")
    }
    guard let keep, keep < 1 else { return }
    throw ValidationError("--keep \(keep) is not at least 1.")
  }
}

extension FolderOptions {
  /// What a command looks at before it does anything.
  ///
  /// - Parameters:
  ///   - data: files of rows or text.
  ///   - models: what else is to be read.
  /// - Throws: `Failure`: `.usage` where there is nothing to resume, and for an option about rows where none are
  ///   read; `.inputOutput` that names the files that are not there.
  func check(_ output: String, data: [String?], models: [String?] = []) throws {
    if resume { try RunFolder.requireSomething(at: output) }
    try InputFiles.require([config] + models + data)
    var idle = IdleOptions()
    badRows.check(reading: data, &idle)
    try idle.refuse()
  }

  /// Settings from defaults, `--quick` and `--config`; the command's own options come on top.
  func settings(_ stage: Stage?) throws -> Settings {
    try settings(stage, over: Settings(quick: quick))
  }

  /// Settings with those of `--config`.
  func settings(_ stage: Stage?, over defaults: Settings) throws -> Settings {
    var settings = defaults
    if let config {
      let object = try JSON.decode([String: JSONValue].self, from: Files.read(config), at: config)
      try settings.merge(object, stage: stage, at: config)
    }
    return settings
  }

  /// Opens or continues the run folder and makes the context of its stages.
  /// - Parameter extra: options beside the hyper-parameters that a resumed run must repeat.
  func context(
    _ output: String, _ settings: Settings, stages: [Stage], extra: [(String, String)] = []
  ) throws -> StageContext {
    Signals.catchInterrupts()
    var configuration = settings.resolved(stages)
    configuration["quick"] = .bool(quick)
    for (name, value) in extra { configuration[name] = .string(value) }
    if resume, try RunFolder.isEmpty(output), !quiet {
      Console.error("\(output): there is no run to resume yet, so this one begins.")
    }
    let run = try RunFolder.start(
      at: output,
      manifest: Manifest(
        command: CommandLine.arguments, configuration: configuration, seed: seed,
        host: .current(threads: compute.threads)),
      resume: resume)
    return try StageContext(
      run: run, settings: settings, seed: seed, threads: compute.threads,
      saveInterval: saveInterval, keep: keep, verify: verification.verify, resumeCommand: resumeCommand,
      progress: { stage, total, first in
        Progress(stage: stage, total: total, first: first, line: Console.status, quiet: quiet)
      },
      note: { [quiet] text in if !quiet { Console.error(text) } },
      isInterrupted: { Signals.interrupted })
  }

  private var resumeCommand: String {
    let words = CommandLine.arguments.map(ShellWord.quoted)
    return (resume ? words : words + ["--resume"]).joined(separator: " ")
  }
}
