import CWeights
import Checkpoints
import Inference
import Interchange
import Runs
import Support

/// What MODEL on a command line means: a checkpoint, an archive, a run folder or `builtin:base`.
enum ModelSource {
  static let help = "A .trlhf, a .trlhf.zst, a run folder, or builtin:base."
  static let builtinPrefix = "builtin:"
  static let builtin = "\(builtinPrefix)base"

  /// Opens a model where it lies.
  static func open(
    _ name: String, _ verification: VerifyOptions, access: Checkpoint.Access = .readOnly
  ) throws -> Model {
    try Model(checkpoint(name, access: access, verify: verification.verify))
  }

  /// Opens a reward model, and says so if its scores are raw.
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

  /// Puts the model, expanded, at `destination`.
  static func copy(_ name: String, _ verification: VerifyOptions, to destination: String) throws {
    try checkpoint(name, verify: verification.verify).copy(to: destination)
  }

  /// The file that a model is, to be edited in place.
  /// - Throws: `Failure(.usage)` for what is no file of its own.
  static func editable(_ name: String) throws -> String {
    guard name == builtin else { return try resolve(name) }
    throw Failure(
      .usage, "lies inside the program and cannot be edited", at: name,
      remedy: "Make a file of it with `tinyrlhf unpack \(name)`.")
  }

  /// The folder of a model's file; nil for the bundled one.
  static func folder(_ name: String) throws -> String? {
    guard name != builtin else { return nil }
    return Files.folder(of: try resolve(name))
  }

  /// The file of a model, or `builtin:base`. A run folder stands for the model in it that is wanted.
  static func resolve(_ name: String, _ wanted: RunModel = .policy) throws -> String {
    guard name != builtin else { return name }
    if Files.exists("\(name)/\(RunFile.manifest)") { return try wanted.file(in: name) }
    if let failure = ForeignModel.failure(at: name) { throw failure }
    if !Files.exists(name), let failure = misspelt(name) { throw failure }
    return name
  }

  /// Of a name that no file has.
  private static func misspelt(_ name: String) -> Failure? {
    let question = Spelling.question(name, in: [builtin])
    guard name.hasPrefix(builtinPrefix) || question != nil else { return nil }
    return Failure(
      .usage, "there is no such model", at: name,
      remedy: question ?? "The one inside the program is \(builtin).")
  }

  private static func withBuiltinArchive<T>(_ body: (UnsafeRawBufferPointer) throws -> T) throws -> T {
    guard tinyrlhf_base_count > 0 else {
      throw Failure(
        .badData, "this program was built without its base model",
        remedy: "Make Weights/base.trlhf.zst with Tools/make-weights and build again, or name a model.")
    }
    return try body(
      UnsafeRawBufferPointer(start: tinyrlhf_base_bytes(), count: tinyrlhf_base_count))
  }
}
