import Checkpoints
import Support
import TestSupport
import Testing

/// NaN in a model or in training: said by name, and nothing is lost.
@Suite(.serialized) struct NonFiniteTests {
  private let tiny: TinyModels
  private var program: Program { tiny.program }

  init() throws { tiny = try TinyModels() }

  @Test("a weight that is NaN is named by every command that computes with it")
  func weights() throws {
    let model = try tiny.withNaN(tiny.sft, "nan.trlhf")
    let before = try Files.read(model)
    let phrases = [model, "layers.0.norm1.weight", "nan"]
    let unverified = [model, "layers.0.norm1.weight[5] is not finite", "inspect --verify"]
    let pair = "{\"prompt\":\"Hi\",\"completion\":\"a\"}\n"
    let prompt = "{\"prompt\":\"Hi\"}\n"
    for precision in ["int8", "float32"] {
      for (command, input) in [("generate", prompt), ("chat", "Hi\n"), ("logprobs", pair)] {
        let arguments = [command, model, "--precision", precision]
        try tiny.expectRefusal(arguments, input: input, code: 65, phrases)
        try tiny.expectRefusal(arguments + ["--no-verify"], input: input, code: 65, unverified)
      }
    }
    try tiny.expectRefusal(["sample", model], input: prompt, code: 65, phrases)
    try tiny.expectRefusal(["eval", model, "--text", tiny.text], code: 65, phrases)
    try tiny.expectRefusal(["quantize", model, "-o", "/nowhere/x"], code: 65, phrases)
    for arguments in [
      tiny.sftArguments("no", model: model), tiny.rewardArguments("no", model: model),
      tiny.ppoArguments("no", model: model),
    ] {
      try tiny.expectRefusal(arguments, code: 65, phrases)
      try tiny.expectRefusal(arguments + ["--no-verify"], code: 65, unverified)
    }
    #expect(try Files.read(model) == before)
    try tiny.expectRefusal(["inspect", model, "--verify"], code: 65, [model, "norm1.weight", "nan"])

    let reward = try tiny.withNaN(tiny.reward, "nan-reward.trlhf")
    let ofReward = [reward] + phrases.dropFirst()
    try tiny.expectRefusal(["score", reward], input: pair, code: 65, ofReward)
    try tiny.expectRefusal(tiny.ppoArguments("no", reward: reward), code: 65, ofReward)
    try tiny.expectRefusal(["eval", reward, "--comparisons", tiny.comparisons], code: 65, ofReward)
  }

  @Test("weights so large that the loss is NaN end training by name, and the model stays as it was")
  func losses() throws {
    let model = try tiny.forge(tiny.sft, "large.trlhf") { name, values in
      if name == "final_norm.weight" { values.update(repeating: 3e38) }
      return true
    }
    let before = try Files.read(model)
    for arguments in [
      tiny.sftArguments("no", model: model), tiny.rewardArguments("no", model: model),
    ] {
      try tiny.expectRefusal(
        arguments, code: 1, ["optimizer step 1", "is not finite", "learning rate"])
    }
    for arguments in [["quantize", model, "-o", "no.trlhf"], tiny.ppoArguments("no", model: model)] {
      try tiny.expectRefusal(arguments, code: 65, ["activations of the model are not finite", "float32"])
    }
    #expect(try Files.read(model) == before)
    let pair = "{\"prompt\":\"Hi\",\"completion\":\"a\"}\n"
    let scores = try program.run("logprobs", model, input: pair)
    #expect(scores.exitCode == 1)
    #expect(scores.errorText.contains("not a finite number"), "\(scores.errorText)")
  }

  @Test("training that fails after a while says so, and keeps what it had learnt before that step")
  func explosions() throws {
    let folder = try program.fresh("exploded")
    var arguments = tiny.ppoArguments("exploded")
    arguments[arguments.firstIndex(of: "--total-episodes")! + 1] = "800"
    arguments += [
      "--learning-rate", "1", "--num-ppo-epochs", "4", "--num-mini-batches", "2",
      "--save-interval", "0",
    ]
    let result = try program.run(arguments)
    #expect(result.exitCode == 1, "\(result.errorText)")
    #expect(result.errorText.contains("Lower --learning-rate"), "\(result.errorText)")
    let left = try program.contents(of: folder)
    let checkpoint = try #require(left.keys.first { $0.hasSuffix(".training.trlhf") }, "\(left.keys)")
    // The value model takes every update, so that half an iteration would show in their number.
    let saved = try Checkpoint(path: "\(folder)/\(checkpoint)", verify: true)
    let state = try JSON.decode(
      [String: JSONValue].self, from: try #require(saved.state), at: checkpoint)
    let step = try #require(state["step"]?.number)
    #expect(step > 0 && state["optimizerSteps"]?["value"]?.number == 8 * step, "\(state)")
    #expect(result.errorText.contains("ppo, step \(Int(step) + 1)"), "\(result.errorText)")
    #expect(result.errorText.contains("\(folder)/\(checkpoint)"), "\(result.errorText)")
    let answers = try program.run(
      "generate", "\(folder)/\(checkpoint)", "--max-new-tokens", "2", input: "{\"prompt\":\"Hi\"}\n")
    #expect(answers.exitCode == 0, "\(answers.errorText)")

    let again = try program.run(arguments + ["--resume"])
    #expect(again.exitCode == 1 && again.errorText == result.errorText, "\(again.errorText)")
    let after = try program.contents(of: folder)
    #expect(after[checkpoint] == left[checkpoint])
    #expect(after["metrics.jsonl"] == left["metrics.jsonl"])
  }
}
