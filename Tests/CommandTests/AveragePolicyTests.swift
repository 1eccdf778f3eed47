import Support
import TestSupport
import Testing

/// `ppo --ema-decay`, by the program itself.
@Suite struct AveragePolicyTests {
  private let tiny: TinyModels

  init() throws { tiny = try TinyModels() }

  /// A finished run of two updates.
  private func run(_ name: String, decay: String) throws -> String {
    let folder = try tiny.program.fresh(name)
    let result = try tiny.program.run(
      tiny.ppoArguments(name) + [
        "--num-mini-batches", "1", "--ema-decay", decay, "--keep", "9", "--save-interval", "0",
      ])
    try #require(result.exitCode == 0, "\(result.errorText)")
    return folder
  }

  @Test("PPO leaves the average of its policies, and samples from the newest")
  func average() throws {
    let (newest, mean) = (try run("average-0", decay: "0"), try run("average-1", decay: "1"))
    #expect(try Files.read("\(newest)/metrics.jsonl") == Files.read("\(mean)/metrics.jsonl"))
    let first = try TinyModels.tensors("\(newest)/ppo-00000001.training.trlhf")
    let second = try TinyModels.tensors("\(newest)/ppo.trlhf")
    let average = try TinyModels.tensors("\(mean)/ppo.trlhf")
    #expect(Set(average.keys) == Set(second.keys))
    var moved = 0
    for (name, values) in average {
      let (first, second) = (try #require(first[name]), try #require(second[name]))
      for (i, value) in values.enumerated() {
        #expect(abs(value - (first[i] + second[i]) / 2) <= 1e-6, "\(name)[\(i)]")
        moved += first[i] == second[i] ? 0 : 1
      }
    }
    #expect(moved > 1000)
  }
}
