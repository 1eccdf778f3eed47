import Checkpoints
import Support
import TestSupport
import Testing

/// `sft --reward-model`, by the program itself.
@Suite(.serialized) struct ChosenEpochTests {
  private let tiny: TinyModels
  private let asked: String
  private var program: Program { tiny.program }

  init() throws {
    tiny = try TinyModels()
    asked = try tiny.program.write(
      """
      {"prompt":"Hello?","completion":"Hi."}
      {"prompt":"Is it?","completion":"It is."}
      {"prompt":"When?","completion":"Now."}
      {"prompt":"How?","completion":"So."}

      """, to: "asked.jsonl")
  }

  /// Six epochs of two steps, of which neither the first nor the last is the best.
  private func arguments(_ folder: String, reward: String? = nil) -> [String] {
    tiny.sftArguments(folder) + [
      "--epochs", "6", "--learning-rate", "0.01", "--seed", "4", "--validation", asked,
      "--reward-model", reward ?? tiny.reward, "--response-length", "12",
    ]
  }

  /// A fresh folder with a finished run, and what it said to people.
  private func finished(
    _ name: String, reward: String? = nil, _ options: [String] = []
  ) throws -> (folder: String, text: String) {
    let folder = try program.fresh(name)
    let result = try program.run(arguments(name, reward: reward) + options)
    try #require(result.exitCode == 0, "\(result.errorText)")
    return (folder, result.errorText)
  }

  /// The scores in the log, one an epoch.
  private func scores(_ folder: String) throws -> [(step: Int, value: Double)] {
    let path = "\(folder)/metrics.jsonl"
    return try Files.read(path).split(separator: 0x0A).compactMap { line in
      let values = try JSON.decode([String: JSONValue].self, from: Array(line), at: path)
      guard let value = values["eval/proxy"]?.number else { return nil }
      return (Int(try #require(values["step"]?.number)), value)
    }
  }

  private func training(_ folder: String) throws -> [String] {
    try program.contents(of: folder).keys.filter { $0.hasSuffix(".training.trlhf") }.sorted()
  }

  @Test("the epoch that is taken is the one whose answers scored best")
  func best() throws {
    let (folder, text) = try finished("chosen", ["--keep", "99", "--save-interval", "0"])
    let scores = try scores(folder)
    #expect(scores.map(\.step) == [2, 4, 6, 8, 10, 12])
    let best = try #require(scores.max { $0.value < $1.value })
    #expect(scores.filter { $0.value == best.value }.count == 1)
    #expect(best.step == 4, "\(scores)")
    let chosen = "\(folder)/sft.trlhf"
    #expect(try TinyModels.tensors(chosen) == TinyModels.tensors("\(folder)/sft-00000004.training.trlhf"))
    for other in ["03", "05", "11"] {
      #expect(try TinyModels.tensors(chosen) != TinyModels.tensors("\(folder)/sft-000000\(other).training.trlhf"), "\(other)")
    }
    #expect(
      text.contains("epoch 2 of 6 is chosen: its answers to 4 held-out prompts have the highest mean score"), "\(text)")
    let checkpoint = try Checkpoint(path: chosen)
    #expect(checkpoint.training.step == 4)
    let provenance = try JSON.decode(
      [String: JSONValue].self, from: checkpoint.provenance, at: chosen)
    #expect(provenance["notes"]?["chosen"]?["epoch"]?.number == 2)
    #expect(provenance["notes"]?["chosen"]?["eval/proxy"]?.number == best.value)
    #expect(provenance["parents"]?.array?.map { $0["name"]?.string } == ["base", "reward"])
    #expect(provenance["configuration"]?["response-length"]?.number == 12)
  }

  @Test("of epochs whose answers score alike the first is taken")
  func equals() throws {
    let reward = try tiny.forge(tiny.reward, "indifferent.trlhf") { name, values in
      if name == "head.weight" { values.update(repeating: 0) }
      if name == "head.bias" { values[0] = 3 }
      return true
    }
    let (folder, text) = try finished("chosen-first", reward: reward)
    let normalization = try #require(try TinyModels.tensors(reward, .head)["head.normalization"])
    let score = Double(normalization[0] * 3 + normalization[1])
    #expect(try scores(folder).map(\.value) == Array(repeating: score, count: 6))
    #expect(text.contains("epoch 1 of 6 is chosen"), "\(text)")
    #expect(try Checkpoint(path: "\(folder)/sft.trlhf").training.step == 2)
  }

  @Test("a run that chooses its epoch, stopped and resumed, ends with the same bytes, and keeps two states")
  func resumes() throws {
    let (whole, _) = try finished("chosen-whole", ["--threads", "1"])
    #expect(try training(whole).isEmpty)
    // In the middle, after the best; and when all is learnt.
    for (file, newest) in [("sft-00000007.training.trlhf", "06"), ("run/sft.trlhf", "11")] {
      let faulty = try FaultyFolder(program, "chosen-stopped")
      let folder = "\(faulty.path)/run"
      let often = arguments("chosen-stopped/run") + ["--save-interval", "0"]
      let stopped = try faulty.run(often, untilNaming: file)
      #expect(stopped.exitCode == 74, "\(stopped.errorText)")
      #expect(
        try training(folder) == ["04", newest].map { "sft-000000\($0).training.trlhf" }, "\(file)")
      try tiny.expectRefusal(
        arguments("chosen-stopped/run", reward: tiny.sft) + ["--resume"], code: 64, ["reward-model"])
      let resumed = try program.run(often + ["--resume"])
      #expect(resumed.exitCode == 0, "\(resumed.errorText)")
      for name in ["sft.trlhf", "metrics.jsonl"] {
        #expect(try Files.read("\(folder)/\(name)") == Files.read("\(whole)/\(name)"), "\(file): \(name)")
      }
      #expect(try training(folder).isEmpty)
    }
  }

  @Test("without a reward model nothing is sampled, and nothing of it is recorded")
  func without() throws {
    let folder = "\(program.folder)/tiny-sft"
    #expect(try scores(folder).isEmpty)
    let provenance = try JSON.decode(
      [String: JSONValue].self, from: Checkpoint(path: tiny.sft).provenance, at: tiny.sft)
    #expect(provenance["parents"]?.array?.count == 1)
    #expect(provenance["notes"]?["chosen"] == nil)
    #expect(provenance["configuration"]?["response-length"] == nil)
    let manifest = try JSON.decode(
      [String: JSONValue].self, from: Files.read("\(folder)/manifest.json"), at: folder)
    #expect(manifest["configuration"]?["reward-model"] == nil)
    #expect(manifest["configuration"]?["response-length"] == nil)
  }

  @Test("a reward model that cannot judge the answers, and prompts that leave none, are refused")
  func refusals() throws {
    func reward(_ name: String, _ shape: [String]) throws -> String {
      let base = try program.fresh("\(name)-base")
      let made = try program.run(
        [
          "pretrain", "-o", base, "--quick", "--steps", "1", "--layers", "1", "--d-model", "32",
          "--heads", "2", "--quiet",
        ] + shape)
      try #require(made.exitCode == 0, "\(made.errorText)")
      let folder = try program.fresh(name)
      let trained = try program.run(tiny.rewardArguments(name, model: "\(base)/base.trlhf"))
      try #require(trained.exitCode == 0, "\(trained.errorText)")
      return "\(folder)/reward.trlhf"
    }
    let stranger = try reward("stranger-judge", ["--vocab", "280", "--context", "128"])
    let short = try reward("short-judge", ["--vocab", "300", "--context", "64"])
    for (model, phrase) in [
      (stranger, "another tokenizer"), (short, "has a context of 64 tokens"),
      (tiny.sft, "a reward model is needed"),
    ] {
      try tiny.expectRefusal(arguments("no", reward: model), code: 65, [model, phrase])
    }
    try tiny.expectRefusal(
      arguments("no") + ["--response-length", "127"], code: 65,
      [asked, "none of 4 held-out prompts", "127"])
    try tiny.expectRefusal(
      tiny.sftArguments("no") + ["--reward-model", tiny.reward], code: 64,
      ["no held-out prompts", "--validation"])
    try tiny.expectRefusal(
      tiny.sftArguments("no") + ["--response-length", "9"], code: 64, ["--reward-model"])
    #expect(!Files.exists("\(program.folder)/no"))
  }

  @Test("plan counts what choosing an epoch takes: a key-value cache and the reward model")
  func plan() throws {
    let plain = ["plan", "sft", "--model", tiny.base, "--json"]
    func plan(_ arguments: [String]) throws -> [String: JSONValue] {
      let result = try program.run(arguments)
      try #require(result.exitCode == 0, "\(result.errorText)")
      return try result.objects()[0]
    }
    let (without, with) = (try plan(plain), try plan(plain + ["--reward-model", tiny.reward]))
    let stage = try #require(with["stages"]?.array?.first)
    func names(_ key: String) -> [String] { stage[key]?.array?.compactMap { $0["name"]?.string } ?? [] }
    #expect(names("groups").contains("KV cache"))
    #expect(names("mapped").contains("reward model"))
    #expect(with["peak_bytes"]?.number ?? 0 > without["peak_bytes"]?.number ?? .infinity)
    try tiny.expectRefusal(
      ["plan", "ppo", "--model", tiny.base, "--reward-model", tiny.reward], code: 64,
      ["--reward-model"])
    try tiny.expectRefusal(
      plain + ["--reward-model", tiny.sft], code: 65, ["a reward model is needed"])
  }
}
