import ArgumentParser
import Checkpoints
import Inference
import Stages
import Support

/// Where a command that makes one file puts it.
struct FileOutput: ParsableArguments {
  @Flag(help: "Replace the output file if there is one.") var force = false

  /// - Parameter streams: whether a pipe or a device may have the name.
  /// - Throws: `Failure(.cannotCreate)` when the file exists.
  func check(_ path: String, streams: Bool = false) throws {
    guard !Files.isStream(path) else {
      guard !streams else { return }
      throw Failure(.cannotCreate, "is no file, but a pipe or a device", at: path, remedy: "Name a file with -o.")
    }
    guard !force, Files.exists(path) else { return }
    throw Failure(
      .cannotCreate, "exists already", at: path,
      remedy: "Name another file with -o, or replace it with --force.")
  }
}

struct Pack: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Compress a .trlhf into a .trlhf.zst, which every command reads as well.")

  @Argument(help: ArgumentHelp("The checkpoint; a run folder stands for its model.", valueName: "file"))
  var file: String
  @Option(name: .shortAndLong, help: ArgumentHelp("The archive; FILE.zst without it.", valueName: "file"))
  var output: String?
  @Option(parsing: .unconditional, help: "zstd's level, 1…22.") var level: Int = 12
  @OptionGroup var target: FileOutput
  @OptionGroup var made: MadeFile
  @OptionGroup var compute: ComputeOptions

  func run() throws {
    guard (1...22).contains(level) else {
      throw Failure(
        .usage, "--level \(level) is not in 1…22", remedy: "Choose a number between them.")
    }
    guard file != ModelSource.builtin else {
      throw Failure(
        .usage, "is packed already, inside the program", at: file, remedy: "Expand it with `tinyrlhf unpack \(file)`.")
    }
    let file = try ModelSource.resolve(file)
    let output = output ?? "\(file).zst"
    try target.check(output, streams: true)
    try Checkpoint.pack(file, to: output, level: level, threads: compute.threads)
    try made.report(output, "The archive is \(output).")
  }
}

struct Unpack: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Expand a .trlhf.zst to the .trlhf it was packed from, verified.")

  @Argument(help: ArgumentHelp("The archive, or builtin:base.", valueName: "file")) var file: String
  @Option(
    name: .shortAndLong,
    help: ArgumentHelp(
      "The checkpoint; FILE without .zst by default.", valueName: "file"))
  var output: String?
  @OptionGroup var target: FileOutput
  @OptionGroup var made: MadeFile
  @OptionGroup var compute: ComputeOptions

  func run() throws {
    try refuseFolder()
    let output = try output ?? defaultOutput()
    try target.check(output, streams: true)
    if file == ModelSource.builtin {
      try ModelSource.checkpoint(file, verify: true, threads: compute.threads).copy(to: output)
    } else {
      try Checkpoint.unpack(file, to: output, threads: compute.threads)
    }
    try made.report(output, "The checkpoint is \(output).")
  }

  private func refuseFolder() throws {
    guard let names = try? Files.names(in: file) else { return }
    let archive = names.first { $0.hasSuffix(".zst") }
    throw Failure(
      .usage, "is a folder, and an archive is a file", at: file,
      remedy: archive.map { "Name an archive in it, \(file)/\($0)." }
        ?? "Its models are not packed: use them as they are.")
  }

  private func defaultOutput() throws -> String {
    if file == ModelSource.builtin { return "base.trlhf" }
    guard file.hasSuffix(".zst") else {
      throw Failure(
        .usage, "the name does not end in .zst", at: file, remedy: "Name the output with -o FILE.")
    }
    return String(file.dropLast(4))
  }
}

struct Quantize: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Write a language model in int8, a quarter of its size, and measure what that changes.")

  @Argument(help: ArgumentHelp(ModelSource.help)) var model: String
  @Option(name: .shortAndLong, help: ArgumentHelp("The int8 checkpoint.", valueName: "file"))
  var output: String
  @OptionGroup var measuring: Int8MeasureOptions
  @OptionGroup var verification: VerifyOptions
  @OptionGroup var target: FileOutput
  @OptionGroup var made: MadeFile
  @OptionGroup var compute: ComputeOptions

  func run() throws {
    try InputFiles.require([model, measuring.text])
    try target.check(output)
    let model = try ModelSource.open(model, verification)
    let texts = try measuring.read()
    let int8 = try model.quantize(to: output, threads: compute.threads)
    let gap = try measuring.measure(int8, model, texts, threads: compute.threads)
    try made.report(
      output,
      "The int8 model is \(output): \(Formatting.bytes(int8.checkpoint.fileBytes)) of "
        + "\(Formatting.bytes(model.checkpoint.fileBytes)). \(int8.float32Share)\n\(measuring.text(of: gap))",
      ["int8": gap.json])
  }
}
