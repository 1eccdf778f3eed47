import Checkpoints
import Inference
import Runs
import Stages
import Support

/// The context of a study for one seed. Models are trained in their own run folders inside the study's folder, so that
/// finished models are not trained again and interrupted training continues.
public class Workshop {
  public let seed: UInt64
  /// The study's settings; a trial can change some.
  public let settings: Settings
  /// The context of the seed's folder inside the study's folder.
  let context: StageContext
  /// The path of the base model, from which everything starts.
  let base: String

  /// - Parameters:
  ///   - study: the context of the study's folder.
  ///   - base: the path of the base model, the same for all seeds.
  init(_ study: StageContext, seed: UInt64, base: String) throws {
    self.seed = seed
    settings = study.settings
    self.base = base
    context = try study.nested(Self.folder(seed), settings: settings, seed: seed)
  }

  /// The name of the seed's folder inside the study's folder.
  static func folder(_ seed: UInt64) -> String { "seed-\(seed)" }

  /// The context of a run folder inside the seed's folder, named after the trial.
  func trial(_ name: String, _ settings: Settings? = nil) throws -> StageContext {
    try context.nested(name, settings: settings ?? self.settings, seed: seed)
  }

  func scorer(_ reward: String) throws -> RewardScorer {
    try RewardScorer(try open(reward), threads: context.threads)
  }

  func open(_ path: String, _ access: Checkpoint.Access = .readOnly) throws -> Model {
    try context.model(at: path, access)
  }

  /// - Throws: `Failure(.interrupted)` if the user asked the study to stop.
  func checkInterruption() throws {
    if context.isInterrupted() { throw context.interrupted() }
  }

  /// Returns the cached result, or runs `body` and caches its result in a file. So `body` finishes once, even if the
  /// study is interrupted.
  func cached<Value: Codable>(_ name: String, _ body: () throws -> Value) throws -> Value {
    let path = context.run.file("\(name).json")
    if Files.exists(path) {
      return try Failure.advising("Remove this file, so that it is measured again.") {
        try JSON.decode(Value.self, from: Files.read(path), at: path)
      }
    }
    try checkInterruption()
    let value = try body()
    try Files.writeAtomically(JSON.encode(value), to: path)
    return value
  }
}
