import Checkpoints
import FoundationEssentials
import Support
import TestSupport
import Testing

/// Imported models whose matrices stay in 16 bits.
@Suite(.serialized) struct StoredTypeTests {
  private let tiny: TinyModels
  private var program: Program { tiny.program }

  init() throws { tiny = try TinyModels() }

  private func make(_ arguments: [String]) throws {
    let result = try program.run(arguments)
    try #require(result.exitCode == 0, "\(arguments.joined(separator: " ")): \(result.errorText)")
  }

  /// The same model twice: as it came, in a 16-bit type, and with these weights in float32.
  private func models(_ name: String, _ type: String) throws -> (stored: String, wide: String) {
    let first = try program.fresh("first-\(name).trlhf")
    let (stored, wide) = (try program.fresh("stored-\(name).trlhf"), try program.fresh("wide-\(name).trlhf"))
    try make(["import", InterchangeCommandTests.golden(name), "-o", first, "--chat-format", "plain"])
    let isGGUF = name == "llama-rope"
    let other = try program.fresh(isGGUF ? "\(name).gguf" : "folder-\(name)")
    try make(["export", first, "-o", other, "--dtype", type] + (isGGUF ? ["--format", "gguf", "--force"] : []))
    try make(["import", other, "-o", stored, "--chat-format", "plain"])
    try make(["import", other, "-o", wide, "--chat-format", "plain", "--dtype", "float32"])
    return (stored, wide)
  }

  private func types(_ path: String) throws -> Set<String> {
    Set(try Checkpoint(path: path, verify: true).tensors.map(\.typeName))
  }

  /// The weights of a checkpoint, without what names its file and its parents.
  private func weights(_ path: String) throws -> [[UInt8]] {
    let checkpoint = try Checkpoint(path: path, verify: true)
    return checkpoint.tensors.map { [UInt8]($0.bytes) }
  }

  @Test(
    "a model that stays in 16 bits gives every output of the same weights in float32",
    arguments: [("llama-rope", "float16"), ("gpt2", "bfloat16"), ("neox-parallel", "bfloat16"), ("gemma3", "float16")])
  func outputs(name: String, type: String) throws {
    let (stored, wide) = try models(name, type)
    #expect(try types(stored) == ["float32", type] && types(wide) == ["float32"])
    func bytes(_ path: String) throws -> Int { try weights(path).reduce(0) { $0 + $1.count } }
    #expect(try bytes(stored) < bytes(wide) * 6 / 10)
    let prompt = #"{"prompt_tokens":[5,6,7,8,9,4]}"# + "\n"
    for precision in ["float32", "int8"] {
      func answers(_ model: String) throws -> String {
        let result = try program.run(
          ["generate", model, "--precision", precision, "--max-new-tokens", "8", "--temperature", "1"],
          input: prompt)
        #expect(result.exitCode == 0, "\(result.errorText)")
        return result.outputText
      }
      #expect(try answers(stored) == answers(wide), "\(precision)")
    }
    let text = #"{"prompt":"the cat","completion":" sat on the mat"}"# + "\n"
    let logprobs = try [stored, wide].map { try program.run("logprobs", $0, input: text).outputText }
    #expect(logprobs[0] == logprobs[1] && !logprobs[0].isEmpty)

    let ends = [("-int8.trlhf", ["quantize"]), ("-out", ["export"])]
    for (ending, command) in ends {
      for model in [stored, wide] {
        _ = try program.fresh("\(model.split(separator: "/").last!)\(ending)")
        try make(command + [model, "-o", model + ending])
      }
    }
    #expect(try weights(stored + "-int8.trlhf") == weights(wide + "-int8.trlhf"))
    #expect(try Files.read("\(stored)-out/model.safetensors") == Files.read("\(wide)-out/model.safetensors"))
  }

  @Test("a model in 16 bits learns as the same weights in float32, and is PPO's reference as it is")
  func learning() throws {
    let (stored, wide) = try models("qwen3", "bfloat16")
    var made: [[[[UInt8]]]] = []
    for (name, model) in [("stored", stored), ("wide", wide)] {
      let folder = "\(program.folder)/types-\(name)"
      try? FileManager.default.removeItem(atPath: "\(folder)-sft")
      try make([
        "sft", "-o", "\(folder)-sft", "--model", model, "--demonstrations", tiny.demonstrations, "--epochs", "1",
        "--batch-size", "2",
      ])
      try make([
        "reward", "-o", "\(folder)-reward", "--model", model, "--comparisons", tiny.comparisons, "--batch-size", "2",
      ])
      try make([
        "ppo", "-o", "\(folder)-ppo", "--model", model, "--reward-model", "\(folder)-reward/reward.trlhf", "--prompts",
        tiny.prompts, "--pretraining-text", tiny.text, "--total-episodes", "8", "--batch-size", "8",
        "--response-length", "6",
      ])
      made.append(
        try ["sft", "reward", "ppo"].map { try weights("\(folder)-\($0)/\($0).trlhf") })
      #expect(try types("\(folder)-ppo/ppo.trlhf") == ["float32"])
    }
    #expect(made[0] == made[1])
    try make(["plan", "ppo", "--model", stored])
  }

  /// How many values of a model change in a type, of how many, in the tensors that `made` has in that type.
  private func rounded(_ model: String, as type: ElementType, where made: Checkpoint) throws -> (Int, Int) {
    let path = try program.fresh("exact.trlhf")
    try #require(try program.run("import", model, "-o", path, "--dtype", "float32", "--force").exitCode == 0)
    let exact = try Checkpoint(path: path)
    var (changed, all) = (0, 0)
    for tensor in made.tensors where tensor.stored?.type == type {
      let floats = try exact.tensor(called: tensor.address).floats
      all += tensor.count
      changed += (0..<tensor.count).count { tensor.stored![$0] != floats[$0] }
    }
    return (changed, all)
  }

  @Test("--dtype rounds, and says how many values became others")
  func rounding() throws {
    let golden = InterchangeCommandTests.golden("gpt2")
    let path = try program.fresh("rounded.trlhf")
    for (type, size) in [("bfloat16", 2.0), ("float16", 2), ("float32", 4)] {
      let result = try program.run("import", golden, "-o", path, "--dtype", type, "--force", "--json")
      #expect(result.exitCode == 0, "\(result.errorText)")
      #expect(try types(path) == (size == 4 ? ["float32"] : ["float32", type]))
      guard let element = TensorType.allCases.first(where: { "\($0)" == type })?.element, size == 2 else {
        #expect(!result.errorText.contains(" rounded "), "\(result.errorText)")
        continue
      }
      let (changed, all) = try rounded(golden, as: element, where: try Checkpoint(path: path))
      #expect(changed > 0 && changed <= all)
      let sentence = "--dtype \(type) rounded \(changed) of \(all) values of the matrices."
      #expect(result.errorText.contains(sentence), "\(result.errorText)")
    }
    let both = try program.run("import", golden, "-o", path, "--dtype", "bfloat16", "--int8", "--force")
    #expect(both.exitCode == 64 && both.errorText.contains("--dtype"), "\(both.errorText)")
  }
}
