import ArgumentParser
import Checkpoints
import Support

struct Inspect: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Show a checkpoint, compare two, or edit a checkpoint's metadata.",
    discussion: """
      For int8 tensors, statistics and values are those of the stored values, scale times code, which are the \
      weights after balancing and rotation (FORMAT.md). With --no-stats, only the header and tables are read, \
      never the weights, so a large file takes no longer than a small one. \
      If the weights are read, every byte is verified first. --no-verify skips that, for damaged files; \
      --verify verifies even with --no-stats.

      --diff compares everything in two checkpoints, including every tensor's bytes. The exit status is 0 if \
      they are the same, 1 if they differ and 64 or more if they cannot be compared. \
      The values of an int8 tensor are compared only with those of another int8 tensor.

      --set and --unset edit the free metadata of a .trlhf in place. The content hash and the weights do not \
      change, and after a crash the file has either the old metadata or the new. Values are stored as text.
      """)

  @Argument(help: ArgumentHelp(ModelSource.help)) var file: String
  @Flag(help: "Print one JSON object instead of text.") var json = false
  @Flag(
    inversion: .prefixedNo,
    help: "Check every hash and value first (default: yes, but not with --no-stats).")
  var verify: Bool?
  @Flag(
    inversion: .prefixedNo,
    help: "Show minimum, maximum, mean, standard deviation, zeros and NaN of every tensor.")
  var stats = true
  @Option(
    help: ArgumentHelp(
      "Show one tensor and its values: all with --json (null for NaN and infinity), else the first rows.",
      valueName: "name"))
  var tensor: String?
  @Option(help: ArgumentHelp("Compare with another checkpoint.", valueName: "model"))
  var diff: String?
  @Option(
    help: ArgumentHelp("Set a key of the metadata to a text; may be repeated.", valueName: "key=value"))
  var set: [String] = []
  @Option(help: ArgumentHelp("Remove a key of the metadata; may be repeated.", valueName: "key"))
  var unset: [String] = []
  @OptionGroup var compute: ComputeOptions

  private var edits: Bool { !set.isEmpty || !unset.isEmpty }

  func validate() throws {
    let works = [
      ("--tensor", tensor != nil), ("--diff", diff != nil), ("--set or --unset", edits),
    ].filter(\.1)
    if works.count > 1 {
      throw ValidationError("\(works[0].0) and \(works[1].0) cannot be used together: give one of them.")
    }
    if !stats, let work = works.first {
      throw ValidationError("--no-stats has no effect with \(work.0), which shows no statistics of a checkpoint.")
    }
    if edits && verify != nil {
      throw ValidationError("--\(verify! ? "" : "no-")verify has no effect with --set or --unset.")
    }
    if let wrong = set.first(where: { !$0.contains("=") }) {
      throw ValidationError("--set \(wrong) is not KEY=VALUE.")
    }
    let keys = set.map { $0.prefix { $0 != "=" } }
    if let twice = keys.indices.first(where: { keys[..<$0].contains(keys[$0]) }) {
      throw ValidationError("--set gives \(keys[twice]) two values.")
    }
  }

  func run() throws {
    try InputFiles.require([file, diff])
    let file = try ModelSource.resolve(file)
    if edits { return try edit(file) }
    let checkpoint = try open(file)
    if let diff { return try compare(checkpoint, open(diff)) }
    if let tensor { return try show(checkpoint.tensor(called: tensor), of: checkpoint) }
    let statistics =
      stats ? try TensorStatistics.of(checkpoint.tensors, threads: compute.threads) : nil
    let inspection = try Inspection(
      checkpoint, isVerified: verifies, statistics: statistics, folder: ModelSource.folder(file))
    try output(json ? try JSON.line(inspection) + "\n" : inspection.text)
  }

  private var verifies: Bool { verify ?? (stats || tensor != nil || diff != nil) }

  private func open(_ name: String) throws -> Checkpoint {
    try ModelSource.checkpoint(name, verify: verifies, threads: compute.threads)
  }

  private func show(_ tensor: StoredTensor, of checkpoint: Checkpoint) throws {
    let show = try TensorShow(tensor, of: checkpoint, threads: compute.threads)
    if json {
      try show.json { try Console.output($0) }
    } else {
      try output(show.text)
    }
  }

  private func compare(_ a: Checkpoint, _ b: Checkpoint) throws {
    let difference = try CheckpointDifference(a, b, threads: compute.threads)
    try output(json ? try JSON.line(difference) + "\n" : difference.text)
    if !difference.same { throw ExitCode(Failure.Kind.failed.rawValue) }
  }

  private func edit(_ file: String) throws {
    let pairs = set.map { text in
      let parts = text.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
      return (String(parts[0]), String(parts[1]))
    }
    let edit = try ConfigurationEdit(
      set: Dictionary(pairs, uniquingKeysWith: { $1 }), unset: Set(unset))
    let path = try ModelSource.editable(file)
    let values = try edit.apply(to: path)
    Console.error("The metadata of \(path) is \(try JSON.line(values)).")
    if json {
      try output(
        JSON.line(JSONValue.object(["configuration": values, "file": .string(path)])) + "\n")
    }
  }

  private func output(_ text: String) throws {
    let harmless =
      json ? Terminal.harmlessJSON(text) : Terminal.harmless(text, keepingLines: true)
    try Console.output(Array(harmless.utf8))
  }
}
