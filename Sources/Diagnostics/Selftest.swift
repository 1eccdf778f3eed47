import Stages
import Support
import Tensors
import Training

/// Checks the program's invariants on this machine.
public struct Selftest {
  public struct Check: Codable, Equatable, Sendable {
    public let name: String
    /// `skipped` means that this processor does not have the instruction set.
    public let outcome: Outcome
    /// The counts or measurements of the check, as text.
    public let figure: String
  }

  public enum Outcome: String, Codable, Sendable { case passed, failed, skipped }

  let folder: String

  /// - Parameter folder: the folder in which checkpoints are written, read and removed.
  public init(folder: String) { self.folder = folder }

  /// Runs every check and calls `show` for each result.
  ///
  /// - Throws: `Failure` if a check cannot be made, because memory or a file is missing.
  public func run(_ show: (Check) throws -> Void) throws {
    try kernels(show)
    try show(threads())
    try show(batchIndependence())
    try show(cache())
    try show(firstUpdate())
    try show(int8())
    try SelftestLearning(threads: 2).run(show)
    try SelftestDisk(folder: folder).run(show)
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
        try show(
          Check(
            comparing: "\(kernel.name), \(set) against scalar", try kernel.body(), reference))
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
    return Check(comparing: "PPO on one thread and on two", trajectories[0], trajectories[1])
  }

  private func batchIndependence() throws -> Check {
    let model = try SelftestModel(threads: 1)
    let sequences = (0..<6).map { SelftestModel.tokens(3 + 17 * $0, stream: $0) }
    let together = try model.logprobs(sequences).flatMap { $0 }
    let alone = try sequences.flatMap { try model.logprobs([$0]).flatMap { $0 } }
    return Check(comparing: "log-probabilities alone and in a batch", alone, together)
  }

  private func cache() throws -> Check {
    let model = try SelftestModel(threads: 1)
    var episodes = try model.rollout()
    _ = model.memory.trainer.assess(&episodes)
    return Check(
      comparing: "decoding with a cache and the whole sequence at once",
      episodes.sampled.map(\.bitPattern), episodes.logprobs.map(\.bitPattern))
  }

  private func firstUpdate() throws -> Check {
    let model = try SelftestModel(threads: 1)
    let metrics = try model.learn(try model.rollout())
    let kl = metrics[Metric("objective/kl")] ?? .nan
    let ratio = metrics[Metric("val/ratio")] ?? .nan
    let variance = metrics[Metric("val/ratio_var")] ?? .nan
    return Check(
      "before the first update", holds: kl == 0 && ratio == 1 && variance == 0,
      figure: "KL \(kl), ratio \(ratio), its variance \(variance)")
  }

  private func int8() throws -> Check {
    let model = try SelftestModel(threads: 1, precision: .int8)
    var episodes = try model.rollout()
    let metrics = model.memory.trainer.assess(&episodes)
    let variance = metrics[Metric("rollout/is_var")] ?? .nan
    return Check(
      "int8 rollouts differ from float32, and it shows", holds: variance > 0,
      figure: "variance of the importance weights \(variance)")
  }
}

extension Selftest.Check {
  init(_ name: String, holds: Bool, figure: String) {
    self.init(name: name, outcome: holds ? .passed : .failed, figure: figure)
  }

  /// Compares bits, which must be equal. They must not all have the same value, because then the comparison would prove
  /// nothing.
  init(comparing name: String, _ a: [UInt32], _ b: [UInt32]) {
    let differ = a.count == b.count ? zip(a, b).reduce(0) { $0 + ($1.0 == $1.1 ? 0 : 1) } : a.count
    self.init(
      name, holds: differ == 0 && Set(a).count > 1, figure: "\(a.count) numbers compared, \(differ) differ")
  }
}
