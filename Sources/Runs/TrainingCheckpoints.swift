import Support

#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#endif

extension RunFolder {
  /// A file from which an interrupted stage continues.
  public struct TrainingCheckpoint: Equatable, Sendable {
    public var stage: String
    public var step: Int
    public var path: String
  }

  /// The training checkpoint of a stage after `step` steps; the file need not exist.
  public func trainingCheckpoint(_ stage: String, step: Int) -> TrainingCheckpoint {
    precondition(step >= 0, "step \(step)")
    let digits = String(step)
    let padded = String(repeating: "0", count: max(0, 8 - digits.count)) + digits
    return TrainingCheckpoint(
      stage: stage, step: step, path: file("\(stage)-\(padded)\(Self.trainingSuffix)"))
  }

  /// The training checkpoints of a stage, newest first.
  public func trainingCheckpoints(_ stage: String) throws -> [TrainingCheckpoint] {
    let prefix = "\(stage)-"
    return try Files.names(in: path).compactMap { name -> TrainingCheckpoint? in
      guard name.hasPrefix(prefix), name.hasSuffix(Self.trainingSuffix) else { return nil }
      let digits = name.dropFirst(prefix.count).dropLast(Self.trainingSuffix.count)
      guard digits.allSatisfy({ $0.isASCII && $0.isNumber }), let step = Int(digits) else {
        return nil
      }
      return TrainingCheckpoint(stage: stage, step: step, path: file(name))
    }.sorted { $0.step > $1.step }
  }

  /// Removes the training checkpoints of a stage except the `keep` newest and the one of step `best`.
  public func retain(_ stage: String, keep: Int, best: Int? = nil) throws {
    precondition(keep >= 0, "keep \(keep)")
    for old in try trainingCheckpoints(stage).dropFirst(keep) where old.step != best {
      unlink(old.path)
    }
  }

  private static let trainingSuffix = ".training.trlhf"
}
