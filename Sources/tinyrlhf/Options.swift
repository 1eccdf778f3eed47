import ArgumentParser
import Datasets
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

/// Options of every command that computes.
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

/// Options of every command that uses a checkpoint.
struct VerifyOptions: ParsableArguments {
  @Flag(
    inversion: .prefixedNo,
    help: "Check every hash and value of the input files before anything is printed or written.")
  var verify = true
}

/// Options for data rows that cannot be read.
struct BadRowOptions: ParsableArguments {
  @Flag(help: "Leave out unreadable rows, and print how many and why (default: stop at the first).")
  var skipBadRows = false

  /// Adds `--skip-bad-rows` to the idle options if no data file is read.
  /// - Parameter files: the data files of the command; nil for those not given.
  func check(reading files: [String?], _ idle: inout IdleOptions) {
    idle.add(
      "--skip-bad-rows", if: skipBadRows && files.allSatisfy { $0 == nil }, because: "no file of rows is read")
  }
}

/// Options of every command that writes into a run folder.
struct FolderOptions: ParsableArguments {
  @Flag(help: "Continue the run in the folder; the result has the same bytes as an uninterrupted run.")
  var resume = false

  @Flag(help: "Small sizes: the same stages in about a minute.")
  var quick = false

  @Option(
    parsing: .unconditional,
    help: "Seed of all random numbers, except the facts of the built-in world (default: 1).",
    transform: Seed.read)
  var seed: UInt64 = 1

  @Option(help: ArgumentHelp("Hyper-parameters by name, as JSON; options override them.", valueName: "file"))
  var config: String?

  @Option(parsing: .unconditional, help: "Seconds between training checkpoints.")
  var saveInterval: Double = 30

  @Option(
    parsing: .unconditional,
    help: ArgumentHelp(
      """
      Training checkpoints to keep of each stage, even after it has ended: the newest N, and the best on held-out \
      data (pretrain: bits per byte; sft, reward: validation loss, or the score of sft's --reward-model; ppo on \
      the built-in world: the rubric's grade). Default: the newest, until the stage ends.
      """, valueName: "n"))
  var keep: Int?

  @Flag(name: .shortAndLong, help: "Print no progress lines.")
  var quiet = false

  @OptionGroup var badRows: BadRowOptions
  @OptionGroup var verification: VerifyOptions
  @OptionGroup var compute: ComputeOptions

  func validate() throws {
    guard saveInterval.isFinite, saveInterval >= 0 else {
      throw ValidationError("--save-interval \(saveInterval) must be 0 or more seconds.")
    }
    guard let keep, keep < 1 else { return }
    throw ValidationError("--keep \(keep) must be at least 1.")
  }
}

extension FolderOptions {
  /// Checks the command's files and options before anything else is done.
  ///
  /// - Parameters:
  ///   - data: files of rows or text.
  ///   - models: the other input files.
  /// - Throws: `Failure`: `.usage` if there is nothing to resume, or if `--skip-bad-rows` is given but no rows are
  ///   read; `.inputOutput` that names the missing files.
  func check(_ output: String, data: [String?], models: [String?] = []) throws {
    if resume { try RunFolder.requireSomething(at: output) }
    try InputFiles.require([config] + models + data)
    var idle = IdleOptions()
    badRows.check(reading: data, &idle)
    try idle.refuse()
  }

  /// Settings from the defaults, `--quick` and `--config`. The command applies its own options afterwards.
  func settings(_ stage: Stage?) throws -> Settings {
    try settings(stage, over: Settings(quick: quick))
  }

  /// `defaults`, overridden by `--config`.
  func settings(_ stage: Stage?, over defaults: Settings) throws -> Settings {
    var settings = defaults
    if let config {
      let object = try JSON.decode([String: JSONValue].self, from: Files.read(config), at: config)
      try settings.merge(object, stage: stage, at: config)
    }
    return settings
  }

  /// Opens or continues the run folder and makes the context of its stages.
  /// - Parameters:
  ///   - extra: options besides the hyper-parameters that a resumed run must repeat.
  ///   - data: what was read of the data file of each option; a resumed run must read the same contents.
  func context(
    _ output: String, _ settings: Settings, stages: [Stage], extra: [(String, String)] = [],
    data: [(option: String, report: DatasetReport?)] = []
  ) throws -> StageContext {
    Signals.catchInterrupts()
    var configuration = settings.resolved(stages)
    configuration["quick"] = .bool(quick)
    for (name, value) in extra { configuration[name] = .string(value) }
    if resume, try RunFolder.isEmpty(output), !quiet {
      Console.error("\(output): there is no run to resume yet, so a new one starts.")
    }
    let contents = data.compactMap { option, report in report?.contentHash.map { (option, $0) } }
    let run = try RunFolder.start(
      at: output,
      manifest: Manifest(
        command: CommandLine.arguments, configuration: configuration,
        dataHashes: Dictionary(uniqueKeysWithValues: contents), seed: seed, host: .current(threads: compute.threads)),
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
