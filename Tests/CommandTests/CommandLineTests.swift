import FoundationEssentials
import Support
import TestSupport
import Testing

/// What the program says to a command line that means nothing, says too little, or asks for what would do nothing.
@Suite(.serialized) struct CommandLineTests {
  private let tiny: TinyModels
  private var program: Program { tiny.program }
  private var folder: String { "\(program.folder)/no" }

  init() throws { tiny = try TinyModels() }

  // MARK: Near misses

  @Test("a command that is misspelt gets a suggestion, also where its help is asked for")
  func commands() throws {
    for (words, command) in [
      (["genrate"], "tinyrlhf generate"), (["help", "genrate"], "tinyrlhf generate"),
      (["data", "chek", "x"], "tinyrlhf data check"), (["help", "data", "chek"], "tinyrlhf data check"),
    ] {
      try tiny.expectRefusal(words, code: 64, ["has no command", "Did you mean `\(command)`?"])
    }
    let unknown = try program.run("help", "nonsense")
    #expect(unknown.exitCode == 64 && unknown.errorText.contains("`tinyrlhf --help` lists"), "\(unknown.errorText)")
    for words in [["help"], ["help", "sft"], ["help", "data", "check"], ["--help"], ["data"], []] {
      let help = try program.run(words)
      #expect(help.exitCode == 0 && !help.outputText.isEmpty, "\(words): \(help.errorText)")
    }
  }

  @Test("an option gets a suggestion by its letters, and by the name that another command has for it")
  func options() throws {
    for (words, option) in [
      (["sft", "-o", "x", "--sft-epochs", "3"], "--epochs"), (["sft", "--epochz", "3"], "--epochs"),
      (["all", "--epochs", "3"], "--sft-epochs"), (["ppo", "--temperature", "1"], "--rollout-temperature"),
      (["generate", "m", "--response-length", "9"], "--max-new-tokens"),
      (["sample", "m", "--precision", "float32"], "--float32"),
      (["generate", "m", "--quite"], "`tinyrlhf generate --help`"), (["sft", "--kl-coef", "1"], "`tinyrlhf ppo`"),
    ] {
      let result = try program.run(words)
      #expect(result.exitCode == 64)
      let text = result.errorText
      #expect(text.hasPrefix("tinyrlhf: `tinyrlhf \(words[0])` has no option "), "\(text)")
      #expect(text.contains(option), "\(text)")
    }
  }

  @Test("a model of the program that does not exist, and a study, get a suggestion")
  func names() throws {
    for name in ["builtin:bas", "buildin:base", "builtin:xyz"] {
      try tiny.expectRefusal(["generate", name], code: 64, ["\(name): there is no such model", "builtin:base"])
    }
    try tiny.expectRefusal(["study", "tx"], code: 64, ["there is no study \"tx\""])
    try tiny.expectRefusal(["study", "precison"], code: 64, ["Did you mean precision?"])
    try tiny.expectRefusal(
      ["all", "-o", folder, "--label-selection", "randon"], code: 64, ["Did you mean random?"])
  }

  // MARK: Numbers

  @Test("a number below 0 is read as a value, and refused for what it is")
  func negative() throws {
    for option in ["threads", "keep", "seed", "save-interval"] {
      let result = try program.run("all", "--quick", "-o", folder, "--\(option)", "-1")
      #expect(result.exitCode == 64)
      #expect(!result.errorText.contains("Missing"), "\(result.errorText)")
      #expect(result.errorText.contains("--\(option)") && result.errorText.contains("-1"), "\(result.errorText)")
    }
    for words in [
      ["sample", tiny.sft, "--samples", "-1"], ["pack", tiny.sft, "--level", "-1"],
      ["pretrain", "-o", folder, "--world-seed", "-1"], ["data", "check", tiny.demonstrations, "--show", "-1"],
      ["bench", "--layers", "-1"], ["eval", tiny.sft, "--eval-prompts", "-1"],
      ["plan", "pretrain", "--layers", "-1"], ["study", "ptx", "--seeds", "-1"],
    ] {
      let result = try program.run(words)
      #expect(result.exitCode == 64 && !result.errorText.contains("Missing"), "\(words): \(result.errorText)")
      #expect(result.errorText.contains("-1"), "\(words): \(result.errorText)")
    }
  }

  @Test("what is no number of seconds is refused")
  func seconds() throws {
    for value in ["nan", "inf", "-inf", "-0.5"] {
      let result = try program.run(tiny.sftArguments("no") + ["--save-interval", value])
      #expect(result.exitCode == 64 && result.errorText.contains("--save-interval"), "\(result.errorText)")
    }
    #expect(!Files.exists(folder))
  }

  @Test("a stop text may begin with a dash, and is refused when it is empty")
  func stop() throws {
    let dashed = try program.run(
      "generate", tiny.sft, "--stop", "-e", "--max-new-tokens", "2", input: "{\"prompt\":\"Hi\"}\n")
    #expect(dashed.exitCode == 0, "\(dashed.errorText)")
    try tiny.expectRefusal(["generate", tiny.sft, "--stop", ""], code: 64, ["--stop has an empty text"])
  }

  // MARK: Options that would do nothing

  @Test("an option that would do nothing is refused by name, with the reason")
  func idle() throws {
    let float32 = ["--rollout-precision", "float32", "--importance-cap", "3"]
    let all = ["all", "-o", folder]
    let cases: [([String], String, String)] = [
      (["generate", tiny.sft, "--temperature", "0", "--top-p", "0.5"], "--top-p", "most probable"),
      (["chat", tiny.sft, "--temperature", "0", "--top-k", "5"], "--top-k", "most probable"),
      (["sft", "-o", folder, "--model", tiny.base, "--skip-bad-rows"], "--skip-bad-rows", "no file"),
      (
        ["pretrain", "-o", folder, "--pretraining-text", tiny.text, "--world-seed", "2"], "--world-seed",
        "replaces the world's text"
      ),
      (tiny.ppoArguments("no") + ["--ptx-coef", "0"], "--pretraining-text", "--ptx-coef is 0"),
      (tiny.ppoArguments("no") + ["--kl-horizon", "9"], "--kl-horizon", "--kl-target is 0"),
      (tiny.ppoArguments("no") + float32, "--importance-cap", "float32"),
      (tiny.rewardArguments("no") + ["--epochs", "0", "--batch-size", "2"], "--batch-size", "without an epoch"),
      (all + ["--comparisons", tiny.comparisons, "--ranking-prompts", "9"], "--ranking-prompts", "--comparisons"),
      (
        all + ["--demonstrations", tiny.demonstrations, "--sft-demonstrations", "9"], "--sft-demonstrations",
        "replaces the built-in"
      ),
      (["eval", tiny.sft, "--text", tiny.text, "--eval-documents", "9"], "--eval-documents", "not the world's"),
      (["eval", tiny.sft, "--prompts", tiny.prompts, "--split", "validation"], "--split", "--prompts"),
      (
        ["eval", tiny.reward, "--comparisons", tiny.comparisons, "--prompts", tiny.prompts], "--prompts",
        "--comparisons alone"
      ),
      (["tokenize", tiny.sft, "--decode", "--rate"], "--rate", "encodes nothing"),
      (["plan", "sft", "--kl-coef", "1"], "--kl-coef", "stage ppo"),
      (["plan", "all", "--layers", "3"], "--layers", "stage pretrain"),
      (["study", "ptx", "-o", folder, "--model", tiny.base, "--keep", "2"], "--keep", "study"),
    ]
    for (words, option, reason) in cases {
      let result = try program.run(words)
      #expect(result.exitCode == 64, "\(words): \(result.errorText)")
      #expect(result.errorText.contains("\(option) has no effect: "), "\(words): \(result.errorText)")
      #expect(result.errorText.contains(reason), "\(words): \(result.errorText)")
      #expect(!Files.exists(folder), "\(words)")
    }
    let inspected = try program.run("inspect", tiny.sft, "--diff", tiny.base, "--no-stats")
    #expect(inspected.exitCode == 64 && inspected.errorText.contains("--no-stats has no effect"),
      "\(inspected.errorText)")
  }

  @Test("a key of --config that the command does not use is refused by name, and all that is wrong in it at once")
  func config() throws {
    let other = try program.write(#"{"kl-coef": 1, "epochs": 2}"#, to: "other.json")
    try tiny.expectRefusal(
      tiny.sftArguments("no") + ["--config", other], code: 64, ["\"kl-coef\" in \(other) has no effect", "stage ppo"])
    let wrong = try program.write(#"{"epoch": 2, "batch-size": 0, "dropout": "x"}"#, to: "wrong.json")
    try tiny.expectRefusal(
      tiny.sftArguments("no") + ["--config", wrong], code: 65,
      [wrong, "\"epoch\" is not a hyper-parameter", "--batch-size 0", "\"dropout\" is not a number", "\"epochs\"?"])
  }

  // MARK: What is missing

  @Test("all that a command needs and was not given is named at once")
  func required() throws {
    try tiny.expectRefusal(
      ["reward", "--quick"], code: 64, ["`tinyrlhf reward` needs --output DIR, --model MODEL and --comparisons FILE"])
    try tiny.expectRefusal(["ppo", "-o", folder], code: 64, ["needs --model MODEL and --reward-model MODEL"])
    try tiny.expectRefusal(["quantize"], code: 64, ["needs MODEL and --output FILE"])
  }

  @Test("files that are not there are named together")
  func files() throws {
    let (a, b) = ("\(program.folder)/none-a.jsonl", "\(program.folder)/none-b.jsonl")
    for words in [
      tiny.sftArguments("no", data: a) + ["--validation", b], tiny.ppoArguments("no", reward: b, data: a),
      ["all", "-o", folder, "--comparisons", a, "--demonstrations", b], ["eval", tiny.sft, "--text", a, "--prompts", b],
      ["data", "check", a, b], ["generate", a, "--reward-model", b], ["inspect", a, "--diff", b],
      ["sft", "-o", folder, "--demonstrations", a, "--config", b], ["sample", a, "--prompts", b],
    ] {
      try tiny.expectRefusal(words, code: 74, [a, b, "No such file"])
    }
    #expect(!Files.exists(folder))
  }

  @Test("data that a model without a world needs are named together, and none that is not used")
  func data() throws {
    let base = try own()
    let all = ["all", "--quick", "-o", folder, "--model", base]
    let needed = ["--demonstrations FILE", "--comparisons FILE", "--pretraining-text FILE"]
    try tiny.expectRefusal(all, code: 64, ["no built-in world", "--prompts FILE"] + needed)
    let plain = try program.run(all + ["--ptx-coef", "0"])
    #expect(plain.exitCode == 64 && !plain.errorText.contains("--pretraining-text"), "\(plain.errorText)")
    #expect(!Files.exists(folder))
    try tiny.expectRefusal(
      ["ppo", "-o", folder, "--model", base, "--reward-model", tiny.reward], code: 64,
      ["--prompts FILE", "--pretraining-text FILE", "--ptx-coef 0"])
  }

  /// A base that knows no built-in world.
  private func own() throws -> String {
    let path = "\(program.folder)/worldless/base.trlhf"
    if !Files.exists(path) {
      let made = try program.run(
        "pretrain", "-o", "\(program.folder)/worldless", "--pretraining-text", tiny.text, "--steps", "1",
        "--layers", "1", "--d-model", "32", "--heads", "2", "--vocab", "270", "--context", "64", "--batch-size", "2",
        "--quiet")
      try #require(made.exitCode == 0, "\(made.errorText)")
    }
    return path
  }

  // MARK: Run folders

  @Test("there is nothing to resume where there is no folder, and an empty one begins aloud")
  func resume() throws {
    let path = try program.fresh("unborn")
    try tiny.expectRefusal(tiny.sftArguments("unborn") + ["--resume"], code: 64, [path, "there is no run to resume"])
    #expect(!Files.exists(path))
    try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
    let begun = try program.run(tiny.sftArguments("unborn") + ["--resume"])
    #expect(begun.exitCode == 0 && begun.errorText.contains("no run to resume yet"), "\(begun.errorText)")
  }

  @Test("a run is not resumed with data that have changed since it was started, nor with more or fewer files")
  func changedData() throws {
    let text = String(decoding: try Files.read(tiny.demonstrations), as: UTF8.self)
    let data = try program.write(text, to: "changing.jsonl")
    let arguments = tiny.sftArguments("changing", data: data)
    _ = try program.fresh("changing")
    try #require(try program.run(arguments).exitCode == 0)
    let record = try program.run("inspect", "\(program.folder)/changing/sft.trlhf", "--json").outputText
    #expect(try program.run(arguments + ["--resume"]).exitCode == 0)
    // The same contents under another name are the same data.
    let renamed = tiny.sftArguments("changing", data: tiny.demonstrations)
    #expect(try program.run(renamed + ["--resume"]).exitCode == 0)
    let without = arguments.filter { $0 != "--demonstrations" && $0 != data }
    try tiny.expectRefusal(without + ["--resume"], code: 64, ["was started with --demonstrations"])
    try tiny.expectRefusal(
      arguments + ["--resume", "--validation", tiny.demonstrations], code: 64, ["was started without --validation"])
    _ = try program.write(text.replacing("Hello", with: "Hallo"), to: "changing.jsonl")
    try tiny.expectRefusal(
      arguments + ["--resume"], code: 64, ["other contents of the file of --demonstrations", "the same data"])
    #expect(try program.run("inspect", "\(program.folder)/changing/sft.trlhf", "--json").outputText == record)
  }

  @Test("a run folder stands for the model that a command wants, and which one it is is said")
  func models() throws {
    let run = try program.fresh("all-models")
    try FileManager.default.createDirectory(atPath: run, withIntermediateDirectories: true)
    let files = ["sft.trlhf": tiny.sft, "reward.trlhf": tiny.reward, "ppo.trlhf": "\(tiny.ppoFolder)/ppo.trlhf"]
    for (name, path) in files { try Files.writeAtomically(Files.read(path), to: "\(run)/\(name)") }
    try Files.writeAtomically(Files.read("\(tiny.ppoFolder)/manifest.json"), to: "\(run)/manifest.json")
    let pair = "{\"prompt\":\"Hi\",\"completion\":\"No.\"}\n"
    let works: [([String], String, String)] = [
      (["score", run], "reward.trlhf", pair),
      (["generate", run, "--max-new-tokens", "1"], "ppo.trlhf", "{\"prompt\":\"Hi\"}\n"),
      (["logprobs", run], "ppo.trlhf", pair), (["chat", run], "ppo.trlhf", ""), (["inspect", run], "ppo.trlhf", ""),
      (["quantize", run, "-o", "\(program.folder)/of-run.trlhf", "--force"], "ppo.trlhf", ""),
      (["export", run, "-o", "\(program.folder)/of-run", "--force"], "ppo.trlhf", ""),
      (["pack", run, "--force"], "ppo.trlhf", ""),
      (["eval", run, "--comparisons", tiny.comparisons], "reward.trlhf", ""),
      (["generate", tiny.sft, "--reward-model", run, "--max-new-tokens", "1"], "reward.trlhf", "{\"prompt\":\"Hi\"}\n"),
    ]
    for (words, file, input) in works {
      let result = try program.run(words, input: input)
      #expect(result.exitCode == 0, "\(words): \(result.errorText)")
      let said = result.errorText.split(separator: "\n").filter { $0.contains(" is used, \(run)/\(file).") }
      #expect(said.count == 1, "\(words): \(result.errorText)")
    }
    #expect(Files.exists("\(run)/ppo.trlhf.zst"))
    try tiny.expectRefusal(["score", tiny.ppoFolder], code: 65, [tiny.ppoFolder, "no reward model"])
    try tiny.expectRefusal(["unpack", run], code: 64, ["is a folder", "\(run)/ppo.trlhf.zst"])
  }

  @Test("a stage ends with what comes next, with paths to copy, and quietly without")
  func next() throws {
    for (words, command) in [
      (tiny.sftArguments("next"), "tinyrlhf reward -o DIR --model \(program.folder)/next/sft.trlhf --comparisons FILE"),
      (tiny.rewardArguments("next"),
        "tinyrlhf ppo -o DIR --model \(tiny.sft) --reward-model \(program.folder)/next/reward.trlhf"),
      (tiny.ppoArguments("next"), "tinyrlhf chat \(program.folder)/next/ppo.trlhf"),
    ] {
      for quiet in [false, true] {
        _ = try program.fresh("next")
        let result = try program.run(words + (quiet ? ["--quiet"] : []))
        #expect(result.exitCode == 0, "\(result.errorText)")
        #expect(result.errorText.contains("Next:") != quiet, "\(result.errorText)")
        #expect(result.errorText.contains(command) != quiet, "\(command) in \(result.errorText)")
        #expect(result.standardOutput.isEmpty)
      }
    }
  }

  @Test("the manifest of a plain PPO without the world names no text that was not used")
  func plainManifest() throws {
    let base = try own()
    let reward = try program.fresh("worldless-reward")
    try #require(try program.run(tiny.rewardArguments("worldless-reward", model: base)).exitCode == 0)
    let path = try program.fresh("worldless-ppo")
    let made = try program.run(
      "ppo", "-o", path, "--model", base, "--reward-model", reward, "--prompts", tiny.prompts, "--ptx-coef", "0",
      "--total-episodes", "8", "--batch-size", "8", "--response-length", "4")
    try #require(made.exitCode == 0, "\(made.errorText)")
    let manifest = try JSON.decode(JSONValue.self, from: Files.read("\(path)/manifest.json"), at: "manifest.json")
    #expect(manifest["configuration"]?["pretraining-text"]?.string == "none")
  }

  @Test("a tokenizer.json is read by any name")
  func tokenizer() throws {
    let tokenizer = """
      {"added_tokens":[],"normalizer":null,"pre_tokenizer":{"type":"ByteLevel",
      "add_prefix_space":false,"use_regex":true},"decoder":{"type":"ByteLevel"},"model":{"type":"BPE","vocab":{"a":0,"b":1,"ab":2},"merges":["a b"]}}
      """
    let path = try program.write(tokenizer, to: "my-words.json")
    let result = try program.run("tokenize", path, input: "{\"text\":\"aba\"}\n")
    #expect(result.outputText == "{\"tokens\":[2,0]}\n", "\(result.errorText)")
    let other = try program.write("{\"words\": 3}", to: "no-words.json")
    try tiny.expectRefusal(["tokenize", other], code: 65, [other, "\"model\" is missing"])
  }
}
