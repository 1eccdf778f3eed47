import Support
import TestSupport
import Testing

/// How far int8 is from float32: measured, said, and acted on.
@Suite(.serialized) struct Int8GapTests {
  private let tiny: TinyModels
  private var program: Program { tiny.program }

  init() throws { tiny = try TinyModels() }

  private static let keys: Set<String> = [
    "tokens", "k3", "float32_loss", "int8_loss", "largest", "mean_weight", "effective_share", "clipped_share",
  ]

  /// The bundled base, which has something to lose.
  private func base() throws -> String {
    let path = "\(program.folder)/gap-base.trlhf"
    if !Files.exists(path) { try #require(program.run("unpack", "builtin:base", "-o", path).exitCode == 0) }
    return path
  }

  /// The same with attention so sharp that the roundings of int8 turn it to other positions.
  private func sharp() throws -> String {
    try tiny.forge(base(), "gap-sharp.trlhf") { name, values in
      if name.hasSuffix("attention.qkv.weight") { for i in values.indices { values[i] *= 3 } }
      return true
    }
  }

  @Test("quantize measures what it changes on what the model samples, or on a text, and says it")
  func quantize() throws {
    let path = try program.fresh("gap.trlhf")
    let sampled = try program.run("quantize", tiny.sft, "-o", path, "--json")
    let figures = try #require(try sampled.objects().first?["int8"]?.object)
    #expect(Set(figures.keys) == Self.keys)
    let k3 = try #require(figures["k3"]?.number)
    #expect(k3 > 0 && k3 < 0.01, "\(k3)")
    #expect(sampled.errorText.contains("that it sampled") && sampled.errorText.contains("stay float32"))
    let onText = try program.run("quantize", tiny.sft, "-o", path, "--force", "--text", tiny.text, "--json")
    let other = try #require(try onText.objects().first?["int8"]?.object)
    #expect(other["k3"] != figures["k3"] && (other["tokens"]?.number ?? 0) > 10)
    #expect(onText.errorText.contains("of \(tiny.text)"), "\(onText.errorText)")
  }

  @Test("a model that int8 does not hold is named as one")
  func warned() throws {
    let path = try program.fresh("gap-int8.trlhf")
    let result = try program.run("quantize", try sharp(), "-o", path)
    #expect(result.exitCode == 0 && result.errorText.contains("warning: ") && result.errorText.contains("0.01"), "\(result.errorText)")
  }

  @Test("PPO leaves int8 where it is far from float32, says so, and keeps it where that was asked for")
  func rollouts() throws {
    let base = try base()
    let taught = try program.run(tiny.rewardArguments("gap-reward", model: base))
    try #require(taught.exitCode == 0, "\(taught.errorText)")
    let reward = "\(program.folder)/gap-reward/reward.trlhf"
    func run(_ name: String, _ model: String, _ more: String...) throws -> (text: String, metrics: [JSONValue]) {
      let folder = try program.fresh(name)
      let result = try program.run(tiny.ppoArguments(name, model: model, reward: reward) + more)
      #expect(result.exitCode == 0, "\(result.errorText)")
      let lines = try Files.read("\(folder)/metrics.jsonl").split(separator: 10)
      return (result.errorText, try lines.map { try JSON.decode(JSONValue.self, from: Array($0), at: "metrics") })
    }
    let sharp = try sharp()
    let left = try run("gap-left", sharp)
    #expect(left.text.contains("warning: ") && left.text.contains("rollouts go on in float32"), "\(left.text)")
    #expect(left.metrics.allSatisfy { $0["rollout/k3"]?.number == 0 })
    let kept = try run("gap-kept", sharp, "--rollout-precision", "int8")
    #expect(kept.text.contains("warning: ") && !kept.text.contains("go on in float32"), "\(kept.text)")
    #expect(kept.metrics.contains { ($0["rollout/k3"]?.number ?? 0) > 0.01 })
    let near = try run("gap-near", base)
    #expect(near.text.contains("Rollouts: int8 is 0.000") && !near.text.contains("warning"), "\(near.text)")
    #expect(near.metrics.allSatisfy { ($0["rollout/ess"]?.number ?? 0) > 0.99 })
  }
}
