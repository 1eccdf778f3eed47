import Checkpoints
import Inference
import Runs
import Stages
import Support

/// Where a study works with one seed: models are trained in run folders of their own inside the study's, so
/// that what is finished is not trained again and what was interrupted goes on.
public class Workshop {
  public let seed: UInt64
  /// Of the study; a trial may change some.
  public let settings: Settings
  /// Of the seed's folder inside the study's.
  let context: StageContext
  /// The file of the model that everything starts from.
  let base: String

  /// - Parameters:
  ///   - study: the context of the study's folder.
  ///   - base: the same for all seeds.
  init(_ study: StageContext, seed: UInt64, base: String) throws {
    self.seed = seed
    settings = study.settings
    self.base = base
    context = try study.nested(Self.folder(seed), settings: settings, seed: seed)
  }

  /// The seed's folder inside the study's.
  static func folder(_ seed: UInt64) -> String { "seed-\(seed)" }

  /// A run folder inside the study's, named after what is tried there.
  func trial(_ name: String, _ settings: Settings? = nil) throws -> StageContext {
    try context.nested(name, settings: settings ?? self.settings, seed: seed)
  }

  func scorer(_ reward: String) throws -> RewardScorer {
    try RewardScorer(try open(reward), threads: context.threads)
  }

  func open(_ path: String, _ access: Checkpoint.Access = .readOnly) throws -> Model {
    try context.model(at: path, access)
  }

  /// - Throws: `Failure(.interrupted)` where someone asked the study to stop.
  func checkInterruption() throws {
    if context.isInterrupted() { throw context.interrupted() }
  }

  /// What was measured before, or is measured now and kept: `body` runs once, however often the study is
  /// interrupted.
  func cached<Value: Codable>(_ name: String, _ body: () throws -> Value) throws -> Value {
    let path = context.run.file("\(name).json")
    if Files.exists(path) {
      return try Failure.advising("Remove this file: then it is measured again.") {
        try JSON.decode(Value.self, from: Files.read(path), at: path)
      }
    }
    try checkInterruption()
    let value = try body()
    try Files.writeAtomically(JSON.encode(value), to: path)
    return value
  }
}
