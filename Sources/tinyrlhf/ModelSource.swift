import CWeights
import Checkpoints
import Inference
import Interchange
import Runs
import Support

/// Finds and opens what MODEL names on a command line: a checkpoint, an archive, a run folder or `builtin:base`.
enum ModelSource {
  static let help = "A .trlhf, a .trlhf.zst, a run folder, or builtin:base."
  static let builtinPrefix = "builtin:"
  static let builtin = "\(builtinPrefix)base"

  /// Opens a model in place, without copying it.
  static func open(
    _ name: String, _ verification: VerifyOptions, access: Checkpoint.Access = .readOnly
  ) throws -> Model {
    try Model(checkpoint(name, access: access, verify: verification.verify))
  }

  /// Opens a reward model, and prints a note if its scores are not normalised.
  static func openReward(_ name: String, _ verification: VerifyOptions) throws -> Model {
    let model = try open(resolve(name, .reward), verification)
    if let note = try model.noteOfRawScores() { Console.error(note) }
    return model
  }

  static func checkpoint(
    _ name: String, access: Checkpoint.Access = .readOnly, verify: Bool,
    threads: Int = ComputeOptions.processors
  ) throws -> Checkpoint {
    let name = try resolve(name)
    guard name == builtin else {
      return try Checkpoint.open(
        name, access: access, verify: verify, threads: threads)
    }
    let checkpoint = try withBuiltinArchive {
      try Checkpoint(bytes: $0, name: builtin, access: access, threads: threads)
    }
    if verify { try checkpoint.verify(threads: threads) }
    return checkpoint
  }

  /// Writes the model, expanded, to `destination`.
  static func copy(_ name: String, _ verification: VerifyOptions, to destination: String) throws {
    try checkpoint(name, verify: verification.verify).copy(to: destination)
  }

  /// The path of a model's file, for editing in place.
  /// - Throws: `Failure(.usage)` for the built-in model, which has no file.
  static func editable(_ name: String) throws -> String {
    guard name == builtin else { return try resolve(name) }
    throw Failure(
      .usage, "is inside the program and cannot be edited", at: name,
      remedy: "Write it to a file with `tinyrlhf unpack \(name)`.")
  }

  /// The folder of a model's file; nil for the built-in model.
  static func folder(_ name: String) throws -> String? {
    guard name != builtin else { return nil }
    return Files.folder(of: try resolve(name))
  }

  /// The path of a model's file, or `builtin:base`. For a run folder, the path of the `wanted` model in it.
  static func resolve(_ name: String, _ wanted: RunModel = .policy) throws -> String {
    guard name != builtin else { return name }
    if Files.exists("\(name)/\(RunFile.manifest)") { return try wanted.file(in: name) }
    if let failure = ForeignModel.failure(at: name) { throw failure }
    if !Files.exists(name), let failure = misspelt(name) { throw failure }
    return name
  }

  /// An error for a name that looks like a misspelt `builtin:base`; nil for other names.
  private static func misspelt(_ name: String) -> Failure? {
    let question = Spelling.question(name, in: [builtin])
    guard name.hasPrefix(builtinPrefix) || question != nil else { return nil }
    return Failure(
      .usage, "there is no such model", at: name,
      remedy: question ?? "The built-in model is \(builtin).")
  }

  private static func withBuiltinArchive<T>(_ body: (UnsafeRawBufferPointer) throws -> T) throws -> T {
    guard tinyrlhf_base_count > 0 else {
      throw Failure(
        .badData, "this program was built without its base model",
        remedy: "Make Weights/base.trlhf.zst with Tools/make-weights and build again, or give a model.")
    }
    return try body(
      UnsafeRawBufferPointer(start: tinyrlhf_base_bytes(), count: tinyrlhf_base_count))
  }
}
