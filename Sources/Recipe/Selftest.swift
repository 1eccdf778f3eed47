import Checkpoints
import Models
import Support
import Tensors
import Training

#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#endif

/// Whether the program's invariants hold on this machine.
public struct Selftest {
  public struct Check: Codable, Equatable, Sendable {
    public let name: String
    /// `skipped` stands for an instruction set that this processor does not have.
    public let outcome: Outcome
    /// What was counted or measured.
    public let figure: String
  }

  public enum Outcome: String, Codable, Sendable { case passed, failed, skipped }

  let folder: String

  /// - Parameter folder: where a checkpoint is written, read and removed.
  public init(folder: String) { self.folder = folder }

  /// Runs every check and hands over each result as it comes.
  ///
  /// - Throws: `Failure` when a check cannot be made: no memory, or no file.
  public func run(_ show: (Check) throws -> Void) throws {
    try kernels(show)
    try show(threads())
    try show(batchIndependence())
    try show(cache())
    try show(firstUpdate())
    try show(int8())
    try show(checkpoint())
  }

  private func check(_ name: String, _ holds: Bool, _ figure: String) -> Check {
    Check(name: name, outcome: holds ? .passed : .failed, figure: figure)
  }

  private func compare(_ name: String, _ a: [UInt32], _ b: [UInt32]) -> Check {
    let differ = a.count == b.count ? zip(a, b).reduce(0) { $0 + ($1.0 == $1.1 ? 0 : 1) } : a.count
    return check(
      name, differ == 0 && Set(a).count > 1, "\(a.count) numbers compared, \(differ) differ")
  }

  // MARK: Kernels

  private func kernels(_ show: (Check) throws -> Void) throws {
    let before = InstructionSet.active
    defer { before.force() }
    InstructionSet.scalar.force()
    let kernels = try SelftestKernels(threads: 2).all
    let expected = try kernels.map { try $0.body() }
    for set in InstructionSet.allCases where set != .scalar {
      guard set.force() else {
        try show(
          Check(
            name: "\(set) against scalar", outcome: .skipped,
            figure: "this processor does not have it"))
        continue
      }
      for (kernel, reference) in zip(kernels, expected) {
        try show(compare("\(kernel.name), \(set) against scalar", try kernel.body(), reference))
      }
    }
  }

  // MARK: Invariants

  private func threads() throws -> Check {
    let trajectories = try [1, 2].map { threads in
      let model = try SelftestModel(threads: threads)
      for _ in 0..<2 { _ = try model.learn(try model.rollout()) }
      return model.bits
    }
    return compare("PPO on one thread and on two", trajectories[0], trajectories[1])
  }

  private func batchIndependence() throws -> Check {
    let model = try SelftestModel(threads: 1)
    let sequences = (0..<6).map { SelftestModel.tokens(3 + 17 * $0, $0) }
    let together = try model.logprobs(sequences).flatMap { $0 }
    let alone = try sequences.flatMap { try model.logprobs([$0]).flatMap { $0 } }
    return compare("log-probabilities alone and in a batch", alone, together)
  }

  private func cache() throws -> Check {
    let model = try SelftestModel(threads: 1)
    var episodes = try model.rollout()
    _ = model.memory.trainer.assess(&episodes)
    return compare(
      "decoding with a cache and the whole sequence at once",
      episodes.sampled.map(\.bitPattern), episodes.logprobs.map(\.bitPattern))
  }

  private func firstUpdate() throws -> Check {
    let model = try SelftestModel(threads: 1)
    let metrics = try model.learn(try model.rollout())
    let kl = metrics["objective/kl"] ?? .nan
    let ratio = metrics["val/ratio"] ?? .nan
    let variance = metrics["val/ratio_var"] ?? .nan
    return check(
      "before the first update", kl == 0 && ratio == 1 && variance == 0,
      "KL \(kl), ratio \(ratio), its variance \(variance)")
  }

  private func int8() throws -> Check {
    let model = try SelftestModel(threads: 1, precision: .int8)
    var episodes = try model.rollout()
    let metrics = model.memory.trainer.assess(&episodes)
    let variance = metrics["rollout/is_var"] ?? .nan
    return check(
      "int8 rollouts differ from float32, and it shows", variance > 0,
      "variance of the importance weights \(variance)")
  }

  // MARK: This disk

  private func checkpoint() throws -> Check {
    let architecture = PretrainStage.architecture(
      Settings(), vocabulary: Settings().count(.vocabulary))
    let parameters = try ParameterSet(
      ParameterLayout(architecture, scalarHead: false), name: "parameters", arena: Arena())
    parameters.initialize(seed: 11)
    let path = "\(folder)/tinyrlhf-selftest-\(getpid()).trlhf"
    defer { unlink(path) }
    let start = Clock.monotonic()
    try CheckpointWriter.write(
      CheckpointContents(
        architecture: architecture.record, training: TrainingRecord(kind: .base, seed: 11),
        identity: 11, configuration: Array("{}".utf8), tensors: parameters.sources(.policy)),
      to: path)
    let file = try ModelFile(try Checkpoint.open(path, verify: true))
    let read = try file.parameters()
    let isEqual = zip(parameters.buffers, read.buffers).allSatisfy { a, b in
      a.count == b.count && memcmp(a.base, b.base, 4 * a.count) == 0
    }
    let bytes = 4 * parameters.layout.trunkCount
    let milliseconds = Int(1000 * (Clock.monotonic() - start))
    return check(
      "a checkpoint written, read and verified in \(folder)", isEqual,
      "\(Formatting.bytes(bytes)) in \(milliseconds) ms")
  }
}
