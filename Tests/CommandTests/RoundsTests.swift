import FoundationEssentials
import Support
import TestSupport
import Testing

#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#endif

/// `all --rounds` in miniature, on the bundled base.
@Suite(.serialized) struct RoundsTests {
  private let program: Program

  init() throws { program = try Program() }

  private func arguments(_ folder: String, rounds: Int = 2, _ more: [String] = []) -> [String] {
    [
      "all", "--quick", "--quiet", "--output", folder, "--rounds", "\(rounds)", "--ranking-prompts",
      "25", "--total-episodes", "160", "--ppo-batch-size", "32", "--eval-prompts", "6",
      "--eval-documents", "10", "--sft-epochs", "2",
    ] + more
  }

  /// An uninterrupted run of two rounds, made once.
  private func whole() throws -> String {
    let folder = "\(program.folder)/rounds"
    if !Files.exists("\(folder)/report.html") {
      let result = try program.run(arguments(try program.fresh("rounds")))
      try #require(result.exitCode == 0, "\(result.errorText)")
    }
    return folder
  }

  /// - Parameter folder: nil for that run's.
  private func lines(_ name: String, of folder: String? = nil) throws -> [[String: JSONValue]] {
    let path = "\(try folder ?? whole())/\(name)"
    return try Files.read(path).split(separator: 0x0A).map {
      try JSON.decode([String: JSONValue].self, from: Array($0), at: path)
    }
  }

  @Test("each round ranks answers of the newest policy to new prompts, and keeps what was ranked before")
  func ranksAnew() throws {
    for (file, counts) in [("rankings", (12, 13)), ("rankings-held-out", (8, 8))] {
      let (first, all) = (try lines("\(file)-1.jsonl"), try lines("\(file).jsonl"))
      #expect(first.count == counts.0 && Array(all.prefix(first.count)) == first, "\(file)")
      let second = all.dropFirst(first.count)
      #expect(second.count == counts.1, "\(file)")
      #expect(Set(first.map { $0["policy"]?.string }) == ["sft"])
      #expect(Set(second.map { $0["policy"]?.string }) == ["ppo-1"])
    }
    func prompts(_ name: String) throws -> [String] {
      try lines(name).map { try JSON.line(#require($0["prompt"])) }
    }
    let (trained, heldOut) = (try prompts("rankings.jsonl"), try prompts("rankings-held-out.jsonl"))
    #expect(Set(trained).count >= 24 && Set(trained).isDisjoint(with: heldOut))
  }

  @Test("the rounds share the episodes, PPO goes on from round to round, and KL is that from SFT")
  func goesOn() throws {
    let lines = try lines("metrics.jsonl")
    func values(_ stage: String, _ name: String) -> [Double?] {
      lines.filter { $0["stage"]?.string == stage }.map { $0[name]?.number }
    }
    #expect(values("ppo-1", "episode") + values("ppo", "episode") == [32, 64, 96, 128, 160])
    #expect(values("ppo-1", "objective/kl")[0] == 0)
    // An estimate of few tokens may be below 0.
    #expect(try #require(values("ppo", "objective/kl")[0]) != 0)
    // Nothing has moved between the rollouts and their first update.
    #expect(try abs(#require(values("ppo", "val/ratio")[0]) - 1) < 0.05)
    let parents = try program.run("inspect", "\(whole())/ppo.trlhf", "--json").objects()[0]
    let names = parents["provenance"]?["parents"]?.array?.compactMap { $0["name"]?.string }
    #expect(names == ["ppo", "sft", "reward"])
  }

  @Test("an adaptive coefficient of KL goes on from round to round")
  func adaptive() throws {
    let folder = try program.fresh("rounds, adaptive")
    let result = try program.run(
      arguments(folder) + ["--kl-target", "0.5", "--kl-horizon", "100", "--kl-coef", "0.3"])
    try #require(result.exitCode == 0, "\(result.errorText)")
    let steps = try lines("metrics.jsonl", of: folder).filter { $0["objective/kl_coef"] != nil }
    #expect(steps.compactMap { $0["stage"]?.string } == ["ppo-1", "ppo-1", "ppo", "ppo", "ppo"])
    var expected = 0.3
    for step in steps {
      let coefficient = try #require(step["objective/kl_coef"]?.number)
      #expect(abs(coefficient / expected - 1) < 1e-9)
      let kl = try #require(step["objective/kl"]?.number)
      expected = coefficient * (1 + min(max(kl / 0.5 - 1, -0.2), 0.2) * 32 / 100)
    }
  }

  @Test("ppo.trlhf, summary.json and the report are of the newest policy, and the report draws every round")
  func reports() throws {
    let folder = try whole()
    let path = "\(folder)/summary.json"
    let summary = try JSON.decode([String: JSONValue].self, from: Files.read(path), at: path)
    let names = summary["stages"]?.array?.compactMap { $0["name"]?.string }
    #expect(
      names == [
        "base", "sft", "rankings-1", "reward-1", "ppo-1", "rankings", "reward", "ppo", "eval",
      ])
    #expect(try #require(summary["models"]?["ppo"]?["kl"]?.number) != 0)
    let page = String(decoding: try Files.read("\(folder)/report.html"), as: UTF8.self)
    #expect(page.contains("2 rounds") && page.contains("Gold score against √KL"))
    // A run that has come as far as its first round answers with that round's policy.
    let partial = try program.fresh("rounds, one done")
    try FileManager.default.createDirectory(atPath: partial, withIntermediateDirectories: true)
    for name in ["manifest.json", "sft.trlhf", "ppo-1.trlhf"] {
      try FileManager.default.copyItem(atPath: "\(folder)/\(name)", toPath: "\(partial)/\(name)")
    }
    for (run, model) in [(partial, "ppo-1.trlhf"), (folder, "ppo.trlhf")] {
      let answers = try [run, "\(folder)/\(model)"].map {
        try program.run("inspect", $0, "--json").objects()[0]["content_hash"]
      }
      #expect(answers[0] == answers[1] && answers[0] != nil, "\(model)")
    }
  }

  @Test("a run of two rounds killed within each stage and resumed equals an uninterrupted one, byte for byte")
  func survivesKills() throws {
    let folder = try program.fresh("rounds, killed")
    for (stage, isTraining) in [
      ("rankings-1", false), ("reward-1", true), ("ppo-1", true), ("rankings", false),
      ("reward", true), ("ppo", true), ("eval", false),
    ] {
      let result = try program.stop(
        arguments(folder), in: folder, stage: stage, saved: isTraining, with: SIGKILL)
      #expect(result.exitCode == 128 + SIGKILL, "\(stage)")
      #expect(try program.isRunning(stage, in: folder), "\(stage) had ended")
    }
    let result = try program.run(arguments(folder, ["--resume", "--threads", "1"]))
    #expect(result.exitCode == 0, "\(result.errorText)")
    let (resumed, uninterrupted) = (
      try program.contents(of: folder), try program.contents(of: whole())
    )
    #expect(resumed.keys.sorted() == uninterrupted.keys.sorted())
    for (name, bytes) in uninterrupted
    where name.hasSuffix(".trlhf") || name.hasSuffix(".jsonl") {
      #expect(resumed[name] == bytes, "\(name)")
    }
  }

  @Test("by disagreement a round chooses among new prompts, the same when it was killed and on other threads")
  func disagreement() throws {
    func arguments(_ folder: String, _ more: [String] = []) -> [String] {
      self.arguments(
        folder,
        more + [
          "--ranking-prompts", "16", "--total-episodes", "64", "--label-selection", "disagreement",
          "--reward-heads", "4",
        ])
    }
    let folder = try program.fresh("rounds, chosen")
    let result = try program.run(arguments(folder))
    try #require(result.exitCode == 0, "\(result.errorText)")
    func lines(_ name: String) throws -> [[String: JSONValue]] {
      try Files.read("\(folder)/\(name)").split(separator: 0x0A).map {
        try JSON.decode([String: JSONValue].self, from: Array($0), at: name)
      }
    }
    let (first, all) = (try lines("rankings-1.jsonl"), try lines("rankings.jsonl"))
    #expect(first.count == 8 && all.count == 16 && Array(all.prefix(8)) == first)
    let heads = try lines("reward-heads-1.jsonl")
    #expect(heads.map { $0["head"]?.number } == [1, 2, 3, 4])
    #expect(Set(heads.map { $0["weights"]?.array?.count }).count == 1)
    let figures = try #require(try lines("metrics.jsonl").first { $0["stage"]?.string == "rankings" })
    let (chosen, pool) = (figures["disagreement/chosen"]?.number, figures["disagreement/pool"]?.number)
    #expect(try #require(chosen) > #require(pool) && #require(pool) > 0)

    let killed = try program.fresh("rounds, chosen and killed")
    let stopped = try program.stop(
      arguments(killed), in: killed, stage: "rankings", saved: false, with: SIGKILL)
    #expect(stopped.exitCode == 128 + SIGKILL)
    let resumed = try program.run(arguments(killed, ["--resume", "--threads", "1"]))
    #expect(resumed.exitCode == 0, "\(resumed.errorText)")
    for (name, bytes) in try program.contents(of: folder)
    where name.hasSuffix(".trlhf") || name.hasSuffix(".jsonl") {
      #expect(try Files.read("\(killed)/\(name)") == bytes, "\(name)")
    }
  }

  @Test("rounds that nobody ranks, or that have no prompt or no iteration of their own, are a usage error")
  func refusals() throws {
    let comparisons = try program.write(
      #"{"prompt":"a","completions":["b","c"],"ranks":[1,2]}"# + "\n", to: "rounds-own.jsonl")
    for (rounds, more, words) in [
      (2, ["--comparisons", comparisons], ["--rounds", "--comparisons", "every round"]),
      (26, [], ["--ranking-prompts 25", "--rounds 26"]),
      (6, [], ["5 iterations", "--rounds 6"]), (0, [], ["--rounds 0"]),
      (1, ["--label-selection", "disagreement", "--reward-heads", "4"], ["disagreement", "--rounds 2"]),
      (2, ["--label-selection", "disagreement"], ["--reward-heads"]),
      (2, ["--reward-heads", "4"], ["--reward-heads 4", "--label-selection"]),
    ] {
      let folder = try program.fresh("rounds, refused")
      let result = try program.run(arguments(folder, rounds: rounds, more))
      #expect(result.exitCode == 64, "\(result.errorText)")
      for word in words { #expect(result.errorText.contains(word), "\(result.errorText)") }
      #expect(!Files.exists(folder))
    }
  }
}
