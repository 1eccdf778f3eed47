import ArgumentParser
import Checkpoints
import Inference
import Stages
import Support

/// `--force`, for a command that writes one output file.
struct FileOutput: ParsableArguments {
  @Flag(help: "Replace the output file if there is one.") var force = false

  /// - Parameter streams: whether the output may be a pipe or a device.
  /// - Throws: `Failure(.cannotCreate)` when the file exists and `--force` is not given, or for a pipe or a device
  ///   that is not allowed.
  func check(_ path: String, streams: Bool = false) throws {
    guard !Files.isStream(path) else {
      guard !streams else { return }
      throw Failure(.cannotCreate, "is a pipe or a device, not a file", at: path, remedy: "Name a file with -o.")
    }
    guard !force, Files.exists(path) else { return }
    throw Failure(
      .cannotCreate, "exists already", at: path,
      remedy: "Name another file with -o, or replace it with --force.")
  }
}

struct Pack: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Compress a .trlhf to a .trlhf.zst, which every command can read.")

  @Argument(help: ArgumentHelp("The checkpoint, or a run folder: its model is packed.", valueName: "file"))
  var file: String
  @Option(name: .shortAndLong, help: ArgumentHelp("The archive (default: FILE.zst).", valueName: "file"))
  var output: String?
  @Option(parsing: .unconditional, help: "Compression level of zstd, 1…22.") var level: Int = 12
  @OptionGroup var target: FileOutput
  @OptionGroup var made: MadeFile
  @OptionGroup var compute: ComputeOptions

  func run() throws {
    guard (1...22).contains(level) else {
      throw Failure(
        .usage, "--level \(level) is not in 1…22", remedy: "Choose a level in that range.")
    }
    guard file != ModelSource.builtin else {
      throw Failure(
        .usage, "is packed already, inside the program", at: file, remedy: "Expand it with `tinyrlhf unpack \(file)`.")
    }
    let file = try ModelSource.resolve(file)
    let output = output ?? "\(file).zst"
    try target.check(output, streams: true)
    try Checkpoint.pack(file, to: output, level: level, threads: compute.threads)
    try made.report(output, sentence: "The archive is \(output).")
  }
}

struct Unpack: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Expand a .trlhf.zst to the original .trlhf, and verify it.")

  @Argument(help: ArgumentHelp("The archive, or builtin:base.", valueName: "file")) var file: String
  @Option(
    name: .shortAndLong,
    help: ArgumentHelp(
      "The checkpoint (default: FILE without .zst).", valueName: "file"))
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
    try made.report(output, sentence: "The checkpoint is \(output).")
  }

  private func refuseFolder() throws {
    guard let names = try? Files.names(in: file) else { return }
    let archive = names.first { $0.hasSuffix(".zst") }
    throw Failure(
      .usage, "is a folder, not an archive file", at: file,
      remedy: archive.map { "Name an archive in it, \(file)/\($0)." }
        ?? "Its models are not packed: use them directly.")
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
    abstract: "Convert a language model to int8, a quarter of its size, and measure how far it is from float32.")

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
    let gap = try measuring.measure(int8: int8, float32: model, on: texts, threads: compute.threads)
    try made.report(
      output,
      sentence: "The int8 model is \(output): \(Formatting.bytes(int8.checkpoint.fileBytes)) of "
        + "\(Formatting.bytes(model.checkpoint.fileBytes)). \(int8.float32Share)\n\(measuring.text(of: gap))",
      ["int8": gap.json])
  }
}
