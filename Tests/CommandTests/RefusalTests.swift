import Checkpoints
import FoundationEssentials
import Support
import TestSupport
import Testing

/// What the commands say to input that they cannot use.
@Suite(.serialized) struct RefusalTests {
  private let tiny: TinyModels
  private var program: Program { tiny.program }

  init() throws { tiny = try TinyModels() }

  /// The commands that read one model, with what else they need to get so far.
  private static let readers = [
    ["generate"], ["chat"], ["logprobs"], ["score"], ["tokenize"], ["inspect"], ["pack"],
    ["unpack", "-o", "/nowhere/x"], ["quantize", "-o", "/nowhere/x"], ["eval"], ["sample"],
    ["plan", "sft", "--model"],
  ]

  @Test("a missing file is named by every command that reads one")
  func missing() throws {
    let none = "\(program.folder)/none.trlhf"
    for command in Self.readers {
      try tiny.expectRefusal(command + [none], code: 74, [none, "No such file"])
    }
    for arguments in [
      tiny.sftArguments("no", model: none), tiny.sftArguments("no", data: none),
      tiny.rewardArguments("no", model: none), tiny.rewardArguments("no", data: none),
      tiny.ppoArguments("no", reward: none), tiny.ppoArguments("no", data: none),
      ["all", "-o", "\(program.folder)/no", "--model", none],
      ["all", "-o", "\(program.folder)/no", "--config", none],
      ["pretrain", "-o", "\(program.folder)/no", "--pretraining-text", none],
      ["eval", tiny.sft, "--text", none], ["sample", tiny.sft, "--prompts", none],
    ] {
      try tiny.expectRefusal(arguments, code: 74, [none, "No such file"])
    }
    try tiny.expectRefusal(["report", none], code: 65, [none, "not a run folder"])
  }

  @Test("a reward model of another architecture than the policy's is named")
  func otherArchitecture() throws {
    let wide = try program.fresh("wide")
    let made = try program.run([
      "pretrain", "-o", wide, "--quick", "--steps", "1", "--layers", "1", "--d-model", "48",
      "--heads", "2", "--vocab", "300", "--context", "128", "--quiet",
    ])
    #expect(made.exitCode == 0, "\(made.errorText)")
    try tiny.expectRefusal(
      tiny.ppoArguments("no", model: "\(wide)/base.trlhf"), code: 65,
      [tiny.reward, "another architecture"])
  }

  @Test("a CONFIG that would exhaust the stack is refused where it becomes too deep")
  func deepConfiguration() throws {
    let path = try program.fresh("deep.trlhf")
    try Files.writeAtomically(Files.read(tiny.sft), to: path)
    try Checkpoint.editConfiguration(path) { _ in
      [UInt8](repeating: UInt8(ascii: "["), count: 100_000)
    }
    try tiny.expectRefusal(
      ["inspect", path], code: 65,
      ["\(path), CONFIG: byte 64 opens nesting level 65. Nest at most 64 levels."])
  }

  @Test("a folder or an empty file in the place of a file is named")
  func notAFile() throws {
    let empty = try program.write("", to: "empty")
    for command in Self.readers {
      // An archive is a file.
      let takesFiles = command[0] == "unpack"
      try tiny.expectRefusal(
        command + ["/usr"], code: takesFiles ? 64 : 65,
        [takesFiles ? "/usr: is a folder" : "/usr: contains no model and no run"])
      try tiny.expectRefusal(command + [empty], code: 65, [empty, "is empty"])
    }
    for path in ["/usr", empty] {
      let code: Int32 = path == empty ? 65 : 74
      for arguments in [
        tiny.sftArguments("no", data: path), tiny.rewardArguments("no", data: path),
        tiny.ppoArguments("no", data: path), ["eval", tiny.sft, "--text", path],
        ["eval", tiny.reward, "--comparisons", path],
        ["pretrain", "-o", "\(program.folder)/no", "--pretraining-text", path],
      ] {
        try tiny.expectRefusal(arguments, code: code, [path])
      }
    }
  }

  @Test("a file of another format is named with what it is or is not")
  func otherFormats() throws {
    for command in Self.readers where command[0] != "unpack" {
      try tiny.expectRefusal(
        command + [tiny.text], code: 65, [tiny.text, "not a .trlhf checkpoint"])
    }
    for path in [tiny.text, tiny.base] {
      try tiny.expectRefusal(
        ["unpack", path, "-o", "/nowhere/x"], code: 65, [path, "not an archive"])
    }
    let first = "\(tiny.text):1"
    try tiny.expectRefusal(tiny.sftArguments("no", data: tiny.text), code: 65, [first, "JSON"])
    try tiny.expectRefusal(tiny.ppoArguments("no", data: tiny.text), code: 65, [first, "JSON"])
    try tiny.expectRefusal(
      tiny.sftArguments("no", data: tiny.prompts), code: 65, [tiny.prompts, "contains prompts"])
    try tiny.expectRefusal(
      tiny.rewardArguments("no", data: tiny.demonstrations), code: 65,
      [tiny.demonstrations, "contains demonstrations"])
    try tiny.expectRefusal(
      ["eval", tiny.sft, "--text", tiny.demonstrations], code: 65,
      [tiny.demonstrations, "not documents"])
    try tiny.expectRefusal(
      ["all", "-o", "\(program.folder)/no", "--config", tiny.text], code: 65,
      [tiny.text, "not JSON"])
    try tiny.expectRefusal(
      tiny.ppoArguments("no") + ["--kl-estimator", "k9"], code: 64, ["--kl-estimator k9", "k1, k2, k3"])
  }

  @Test("a model of the wrong kind is named with its kind and with the one that is needed")
  func kinds() throws {
    let reward = ["reward model", "language model", tiny.reward]
    for command in [["generate"], ["chat"], ["logprobs"], ["sample"], ["quantize", "-o", "/nowhere/x"]] {
      try tiny.expectRefusal(command + [tiny.reward], code: 65, reward)
    }
    for stage in ["sft", "ppo", "all"] {
      try tiny.expectRefusal(["plan", stage, "--model", tiny.reward], code: 65, reward)
    }
    try tiny.expectRefusal(tiny.sftArguments("no", model: tiny.reward), code: 65, reward)
    try tiny.expectRefusal(tiny.ppoArguments("no", model: tiny.reward), code: 65, reward)
    try tiny.expectRefusal(
      ["all", "--quick", "-o", "\(program.folder)/no", "--model", tiny.reward], code: 65,
      ["is a reward model", "language model"])
    let sft = ["sft model", "a reward model is needed", tiny.sft]
    try tiny.expectRefusal(["score", tiny.sft], code: 65, sft)
    try tiny.expectRefusal(tiny.ppoArguments("no", reward: tiny.sft), code: 65, sft)
    try tiny.expectRefusal(
      ["eval", tiny.sft, "--text", tiny.text, "--reward-model", tiny.sft], code: 65, sft)
  }

  @Test("a reward model of another tokenizer is refused")
  func rewardModels() throws {
    let documents = (1...4).map { "Quite other text \($0), with other words in it." }
    let words = try program.write(documents.joined(separator: "<|endoftext|>"), to: "words.txt")
    let other = try program.fresh("stranger")
    let made = try program.run(
      "pretrain", "-o", other, "--pretraining-text", words, "--steps", "1", "--layers", "1",
      "--d-model", "32", "--heads", "2", "--vocab", "270", "--context", "128", "--batch-size", "2")
    try #require(made.exitCode == 0, "\(made.errorText)")
    let trained = try program.run(tiny.rewardArguments("stranger-reward", model: other))
    try #require(trained.exitCode == 0, "\(trained.errorText)")
    let stranger = "\(program.folder)/stranger-reward/reward.trlhf"
    let phrases = [stranger, "another tokenizer", tiny.sft]
    try tiny.expectRefusal(tiny.ppoArguments("no", reward: stranger), code: 65, phrases)
    try tiny.expectRefusal(
      ["eval", tiny.sft, "--text", tiny.text, "--reward-model", stranger], code: 65, phrases)
    try tiny.expectRefusal(
      ["eval", tiny.sft, "--text", tiny.text, "--reference", other], code: 65,
      ["another tokenizer", tiny.sft])
  }

  @Test("an int8 model cannot be trained, nor quantised again")
  func quantised() throws {
    let int8 = "\(program.folder)/refused-int8.trlhf"
    try #require(
      try program.run("quantize", tiny.sft, "-o", int8, "--force").exitCode == 0)
    let phrases = [int8, "the weights that it was made from are needed"]
    try tiny.expectRefusal(tiny.sftArguments("no", model: int8), code: 65, phrases)
    try tiny.expectRefusal(tiny.rewardArguments("no", model: int8), code: 65, phrases)
    try tiny.expectRefusal(tiny.ppoArguments("no", model: int8), code: 65, phrases)
    try tiny.expectRefusal(["quantize", int8, "-o", "/nowhere/x"], code: 65, phrases)
  }

  @Test("one answer, none, or ties alone are nothing to rank")
  func rankings() throws {
    let one = try program.write(
      "{\"prompt\":\"a\",\"completions\":[\"b\"],\"ranks\":[1]}\n", to: "one-answer.jsonl")
    let ties = try program.write(
      "{\"prompt\":\"a\",\"completions\":[\"b\",\"c\"],\"ranks\":[1,1]}\n", to: "tied.jsonl")
    for command in [
      tiny.rewardArguments("no", data: one), ["eval", tiny.reward, "--comparisons", one],
    ] {
      try tiny.expectRefusal(command, code: 65, ["\(one):1", "two answers"])
    }
    for command in [
      tiny.rewardArguments("no", data: ties), ["eval", tiny.reward, "--comparisons", ties],
    ] {
      try tiny.expectRefusal(command, code: 65, [ties, "all answers are tied"])
    }
    try tiny.expectRefusal(
      ["all", "-o", "\(program.folder)/no", "--completions-per-prompt", "1"], code: 64,
      ["--completions-per-prompt 1", "2…64"])
    try tiny.expectRefusal(["sample", tiny.sft, "--samples", "0"], code: 64, ["--samples 0"])
  }

  @Test("an option out of bounds is named as it was given")
  func bounds() throws {
    let folder = "\(program.folder)/no"
    try tiny.expectRefusal(
      tiny.sftArguments("no") + ["--learning-rate", "2"], code: 64, ["--learning-rate 2", "0…1"])
    try tiny.expectRefusal(["pretrain", "-o", folder, "--steps", "0"], code: 64, ["--steps 0"])
    try tiny.expectRefusal(
      ["pretrain", "-o", folder, "--layers", "1.5"], code: 64, ["--layers 1.5", "whole"])
    try tiny.expectRefusal(
      ["all", "-o", folder, "--sft-learning-rate", "2"], code: 64, ["--sft-learning-rate 2"])
    for (option, value) in [("--top-p", "0"), ("--top-k=-1", ""), ("--max-new-tokens", "0")] {
      let result = try program.run(["generate", tiny.sft, option] + (value.isEmpty ? [] : [value]))
      #expect(result.exitCode == 64, "\(option): \(result.errorText)")
      #expect(result.errorText.contains(String(option.prefix { $0 != "=" })), "\(result.errorText)")
    }
  }

  /// Too long for any context of these models.
  private static let long = String(repeating: "a b ", count: 200)

  @Test("records that do not fit the context are left out aloud, and none at all is refused")
  func tooLong() throws {
    let demonstration = "{\"prompt\":\"Hi\",\"completion\":\"\(Self.long)\"}\n"
    let comparison =
      "{\"prompt\":\"Hi\",\"completions\":[\"\(Self.long)\",\"b\"],\"ranks\":[1,2]}\n"
    let prompt = "{\"prompt\":\"\(Self.long)\"}\n"
    let cases: [(name: String, own: String, long: String, (String, String?) -> [String])] = [
      ("demonstrations", tiny.demonstrations, demonstration, { tiny.sftArguments($0, data: $1) }),
      ("comparisons", tiny.comparisons, comparison, { tiny.rewardArguments($0, data: $1) }),
      ("prompts", tiny.prompts, prompt, { tiny.ppoArguments($0, data: $1) }),
    ]
    for (name, own, long, arguments) in cases {
      let alone = try program.write(long, to: "long-\(name).jsonl")
      try tiny.expectRefusal(arguments("no", alone), code: 65, [alone, "none of 1 \(name)"])
      let good = try Files.read(own)
      let mixed = try program.write(
        String(decoding: good, as: UTF8.self) + long, to: "mixed-\(name).jsonl")
      let count = good.count { $0 == 0x0A }
      _ = try program.fresh("mixed")
      let result = try program.run(arguments("mixed", mixed))
      #expect(result.exitCode == 0, "\(result.errorText)")
      let note = "\(mixed): \(count) of \(count + 1) \(name)"
      #expect(result.errorText.contains(note), "\(result.errorText)")
    }
  }

  @Test("a bad line of prompts is named, and the other prompts get their answers")
  func samples() throws {
    let input = "{\"prompt\":\"Hi\"}\n{broken\n{\"prompt\":\"\(Self.long)\"}\n{\"prompt\":\"Who?\"}\n"
    let result = try program.run(
      "sample", tiny.sft, "--max-new-tokens", "4", "--samples", "2", input: input)
    #expect(result.exitCode == 65)
    for place in ["stdin:2", "stdin:3"] {
      #expect(result.errorText.contains(place), "\(result.errorText)")
    }
    let answers = try result.objects()
    #expect(answers.map { $0["prompt"]?.string } == ["Hi", "Who?"])
    #expect(answers.allSatisfy { $0["completions"]?.array?.count == 2 })
    try tiny.expectRefusal(["sample", tiny.sft], code: 65, ["stdin", "no row"])
  }

  @Test("a run that was refused leaves its folder free for the right command")
  func refusedRuns() throws {
    let folder = try program.fresh("retried")
    let commands = [
      tiny.sftArguments("retried", model: tiny.reward),
      tiny.ppoArguments("retried", reward: tiny.sft),
      ["all", "-o", folder, "--quick", "--model", tiny.sft, "--prompts", tiny.prompts],
    ]
    for command in commands {
      #expect(try program.run(command).exitCode != 0)
      #expect(try program.contents(of: folder).keys.allSatisfy { $0 == "lock" }, "\(command)")
    }
    let result = try program.run(tiny.sftArguments("retried"))
    #expect(result.exitCode == 0, "\(result.errorText)")
  }

  @Test("few rankings of the user's own, or a held-out prompt that is too long, end no run")
  func ownData() throws {
    let arguments = [
      "all", "-o", try program.fresh("own"), "--quick", "--model", tiny.base, "--demonstrations",
      tiny.demonstrations, "--pretraining-text", tiny.text, "--total-episodes", "16",
      "--ppo-batch-size", "8", "--response-length", "8",
    ]
    let few = try program.run(arguments + ["--comparisons", tiny.comparisons])
    #expect(few.exitCode == 0, "\(few.errorText)")
    _ = try program.fresh("own")
    // Every tenth is held out.
    let many = (0..<20).map { number in
      let prompt = number == 19 ? Self.long : "Say \(number)"
      return "{\"prompt\":\"\(prompt)\",\"completions\":[\"\(number).\",\"no\"],\"ranks\":[1,2]}\n"
    }
    let path = try program.write(many.joined(), to: "many.jsonl")
    let result = try program.run(arguments + ["--comparisons", path])
    #expect(result.exitCode == 0, "\(result.errorText)")
    let summary = try Files.read("\(program.folder)/own/summary.json")
    let model = try JSON.decode([String: JSONValue].self, from: summary, at: "summary")["reward_model"]
    #expect(model?["pairs"]?.number == 1)
  }
}
