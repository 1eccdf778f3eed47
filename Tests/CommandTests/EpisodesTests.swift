import Support
import TestSupport
import Testing

/// How much PPO does, and what it does it with.
@Suite struct EpisodesTests {
  private let tiny: TinyModels
  private var program: Program { tiny.program }

  init() throws { tiny = try TinyModels() }

  private func episodes(_ folder: String) throws -> [Double] {
    let text = String(decoding: try Files.read("\(program.folder)/\(folder)/metrics.jsonl"), as: UTF8.self)
    return try text.split(separator: "\n").compactMap {
      try JSON.decode([String: JSONValue].self, from: Array($0.utf8), at: "metrics.jsonl")["episode"]?.number
    }
  }

  /// A base that knows no built-in world, and a reward model on it.
  private func own() throws -> (base: String, reward: String) {
    let (base, reward) = (try program.fresh("own-base"), try program.fresh("own-reward"))
    for arguments in [
      [
        "pretrain", "-o", base, "--pretraining-text", tiny.text, "--steps", "1", "--layers", "1", "--d-model", "32",
        "--heads", "2", "--vocab", "270", "--context", "128", "--batch-size", "2",
      ],
      tiny.rewardArguments("own-reward", model: "\(base)/base.trlhf"),
    ] {
      let made = try program.run(arguments)
      try #require(made.exitCode == 0, "\(made.errorText)")
    }
    return ("\(base)/base.trlhf", "\(reward)/reward.trlhf")
  }

  @Test("PPO has as many episodes as were asked for, the last iteration those that are left")
  func totals() throws {
    for (total, batch, expected) in [(15, 8, [8.0, 15]), (16, 8, [8, 16]), (5, 8, [5]), (9, 4, [4, 8, 9])] {
      _ = try program.fresh("episodes")
      // Of an option that stands twice the last counts.
      let made = try program.run(
        tiny.ppoArguments("episodes") + ["--total-episodes", "\(total)", "--batch-size", "\(batch)"])
      #expect(made.exitCode == 0, "\(made.errorText)")
      #expect(try episodes("episodes") == expected)
    }
  }

  @Test("plain PPO needs no pretraining text, and PPO with a mix does")
  func plain() throws {
    let own = try own()
    _ = try program.fresh("plain")
    let arguments = [
      "ppo", "-o", "\(program.folder)/plain", "--model", own.base, "--reward-model", own.reward, "--prompts",
      tiny.prompts, "--response-length", "8", "--total-episodes", "8", "--batch-size", "8",
    ]
    try tiny.expectRefusal(arguments, code: 64, ["no built-in world", "--pretraining-text"])
    let made = try program.run(arguments + ["--ptx-coef", "0"])
    #expect(made.exitCode == 0, "\(made.errorText)")
    #expect(try episodes("plain") == [8])
  }

  @Test("the whole recipe on own files needs no pretraining text either, where nothing is mixed in")
  func pipeline() throws {
    let (own, folder) = (try own(), try program.fresh("plain-all"))
    let made = try program.run(
      "all", "--quick", "--quiet", "-o", folder, "--model", own.base, "--demonstrations", tiny.demonstrations,
      "--comparisons", tiny.comparisons, "--ptx-coef", "0", "--total-episodes", "16", "--ppo-batch-size", "8",
      "--response-length", "8", "--sft-epochs", "1")
    #expect(made.exitCode == 0, "\(made.errorText)")
    let summary = try JSON.decode(JSONValue.self, from: Files.read("\(folder)/summary.json"), at: "summary.json")
    #expect(summary["models"]?["ppo"]?["bits_per_byte"] == .null)
  }
}
