import FoundationEssentials
import Support
import TestSupport
import Testing

/// Every stage, from models in Hugging Face's form to a model in Hugging Face's form.
@Suite(.serialized) struct ImportedRecipeTests {
  private let tiny: TinyModels
  private var program: Program { tiny.program }

  init() throws { tiny = try TinyModels() }

  /// One of each family, with the chat format that its models are known for, or another.
  private static let models = [
    ("gpt2", "plain"), ("neox-parallel", "hh-rlhf"), ("llama-rope", "plain"), ("qwen2", "plain"),
    ("qwen3", "hh-rlhf"),
  ]
  private static let goldens = "\(PythonReaderTests.root)/Tests/InterchangeTests/Goldens"

  private func make(_ arguments: [String]) throws {
    let result = try program.run(arguments)
    try #require(result.exitCode == 0, "\(arguments.joined(separator: " ")): \(result.errorText)")
  }

  private func metrics(_ folder: String) throws -> [[String: JSONValue]] {
    let text = String(decoding: try Files.read("\(folder)/metrics.jsonl"), as: UTF8.self)
    return try text.split(separator: "\n").map {
      try JSON.decode([String: JSONValue].self, from: Array($0.utf8), at: "metrics.jsonl")
    }
  }

  @Test(
    "an imported model of each family is fine-tuned, judged, improved by PPO and exported again",
    arguments: models)
  func recipe(name: String, format: String) throws {
    let base = "\(program.folder)/imported-\(name).trlhf"
    let folder = "\(program.folder)/imported-\(name)"
    try make(["import", "\(Self.goldens)/\(name)", "-o", base, "--chat-format", format])
    // Short, since the models' context is.
    try make([
      "sft", "-o", "\(folder)-sft", "--model", base, "--demonstrations", tiny.demonstrations,
      "--epochs", "2", "--batch-size", "2",
    ])
    let sft = "\(folder)-sft/sft.trlhf"
    try make([
      "reward", "-o", "\(folder)-reward", "--model", sft, "--comparisons", tiny.comparisons,
      "--batch-size", "2",
    ])
    let reward = "\(folder)-reward/reward.trlhf"
    try make([
      "ppo", "-o", "\(folder)-ppo", "--model", sft, "--reward-model", reward, "--prompts",
      tiny.prompts, "--pretraining-text", tiny.text, "--total-episodes", "16", "--batch-size", "8",
      "--response-length", "6",
    ])
    let ppo = "\(folder)-ppo/ppo.trlhf"
    let unimported = try program.run(
      ["generate", "\(Self.goldens)/\(name)"], input: "{\"prompt\":\"Hi\"}\n")
    #expect(unimported.exitCode == 65 && unimported.errorText.contains("tinyrlhf import"))

    let steps = try metrics("\(folder)-ppo")
    #expect(steps.count == 2)
    #expect(steps[0]["objective/kl"]?.number == 0, "KL before the first update")
    #expect(steps[1]["objective/kl"]?.number != 0, "nothing was learnt")
    for step in steps {
      for (key, value) in step { #expect(value.number?.isFinite != false, "\(key)") }
    }
    // The tokenizer and the chat format came along: the prompt's text is its tokens.
    let answers = try program.run(
      ["generate", ppo, "--max-new-tokens", "6"], input: "{\"prompt\":\"Hi\"}\n{\"prompt\":\"Who?\"}\n")
    #expect(answers.exitCode == 0, "\(answers.errorText)")
    #expect(try answers.objects().count == 2)
    let scored = try program.run(
      ["score", reward], input: "{\"prompt\":\"Hi\",\"completion\":\"Hello.\"}\n")
    #expect(try scored.objects().first?["score"]?.number?.isFinite == true)

    for model in [ppo, reward] {
      let exported = try program.fresh("recipe-exported-\(name)")
      try make(["export", model, "-o", exported])
      let again = try program.fresh("recipe-again-\(name).trlhf")
      // Its chat template says which format it has.
      try make(["import", exported, "-o", again])
      let question = ["logprobs", "score"][model == reward ? 1 : 0]
      let input = "{\"prompt\":\"Who?\",\"completion\":\"The cat.\"}\n"
      #expect(
        try program.run([question, again], input: input).objects()
          == program.run([question, model], input: input).objects(), "\(model)")
    }
  }

  @Test("PPO scales a reward model without a normalisation by answers of its own model, and says so")
  func rawReward() throws {
    let raw = try tiny.forge(tiny.reward, "raw.trlhf") { name, _ in name != "head.normalization" }
    let made = try program.run(tiny.ppoArguments("raw-ppo", reward: raw))
    #expect(made.exitCode == 0, "\(made.errorText)")
    #expect(made.errorText.contains("\(raw) has no normalisation: "), "\(made.errorText)")
    #expect(made.errorText.contains("2 answers of \(tiny.sft) have mean 0"), "\(made.errorText)")
    let shown = try program.run("inspect", "\(program.folder)/raw-ppo/ppo.trlhf", "--json").objects()[0]
    #expect(shown["provenance"]?["notes"]?["reward_scale"]?["gain"]?.number != nil)
    let again = try program.run(tiny.ppoArguments("raw-ppo-again", reward: raw))
    #expect(again.exitCode == 0, "\(again.errorText)")
    #expect(
      try TinyModels.tensors("\(program.folder)/raw-ppo/ppo.trlhf")
        == TinyModels.tensors("\(program.folder)/raw-ppo-again/ppo.trlhf"))
  }

  @Test("an imported reward model without a normalisation gets one from comparisons, and keeps its head")
  func rewardModel() throws {
    let raw = try program.fresh("raw-reward.trlhf")
    try make(["import", "\(Self.goldens)/llama-reward", "-o", raw])
    let lines = ["Hello.", "No.", "The cat."].map {
      "{\"prompt\":\"Hi\",\"completion\":\"\($0)\"}\n"
    }.joined()
    let logits = try program.run(["score", raw], input: lines)
    #expect(logits.exitCode == 0 && logits.errorText.contains("its scores are the raw logits"), "\(logits.errorText)")
    #expect(try logits.objects().compactMap { $0["score"]?.number }.count == 3)
    let folder = "\(program.folder)/normalised-reward"
    try make(["reward", "-o", folder, "--model", raw, "--comparisons", tiny.comparisons, "--epochs", "0"])
    let normalised = "\(folder)/reward.trlhf"
    let scores = try program.run("score", normalised, input: lines).objects()
    #expect(scores.compactMap { $0["score"]?.number }.count == 3)
    func head(_ model: String) throws -> JSONValue? {
      let shown = try program.run("inspect", model, "--tensor", "head.weight", "--json")
      return try shown.objects().first?["values"]
    }
    let (before, after) = (try head(raw), try head(normalised))
    #expect(before != nil && before == after)
  }
}
