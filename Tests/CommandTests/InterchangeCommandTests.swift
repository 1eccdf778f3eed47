import FoundationEssentials
import Support
import TestSupport
import Testing

#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#endif

/// `import` and `export`.
@Suite(.serialized) struct InterchangeCommandTests {
  private let program: Program

  init() throws { program = try Program() }

  static func golden(_ name: String) -> String {
    "\(PythonReaderTests.root)/Tests/InterchangeTests/Goldens/\(name)"
  }

  private func imported(_ name: String, _ more: [String] = []) throws -> String {
    let path = try program.fresh("imported-\(name).trlhf")
    let made = try program.run(["import", Self.golden(name), "-o", path] + more)
    try #require(made.exitCode == 0, "\(made.errorText)")
    return path
  }

  @Test("import makes a model that other commands use, and says what it is")
  func imports() throws {
    let path = try program.fresh("qwen2.trlhf")
    let made = try program.run("import", Self.golden("qwen2"), "-o", path, "--json")
    #expect(made.exitCode == 0, "\(made.errorText)")
    let said = try made.objects()
    #expect(said.count == 1 && said[0].count == 2 && said[0]["file"] == .string(path))
    // These models have no chat template.
    let warnings = said.first?["warnings"]?.array?.compactMap(\.string) ?? []
    #expect(warnings.count == 1 && warnings[0].hasPrefix("No chat template was found"), "\(warnings)")
    #expect(
      made.errorText.contains("\nThe checkpoint is \(path): Qwen2ForCausalLM, 0.05 million parameters, "),
      "\(made.errorText)")
    let object = try program.run("inspect", path, "--json", "--verify").objects()[0]
    #expect(object["training"]?["kind"]?.string == "base")
    let names = object["provenance"]?["data"]?.array?.compactMap { $0["name"]?.string } ?? []
    #expect(names.contains("config.json") && names.contains("model-00001-of-00005.safetensors"))
    let answer = try program.run(
      "generate", path, "--max-new-tokens", "4", "--precision", "float32", input: "{\"prompt_tokens\":[5,6]}\n")
    #expect(answer.exitCode == 0, "\(answer.errorText)")
  }

  @Test("a GGUF file comes in as a folder does, and where another command is given one it says so")
  func gguf() throws {
    let (first, file) = (try imported("qwen3"), try program.fresh("qwen3.gguf"))
    let exported = try program.run("export", first, "-o", file, "--format", "gguf")
    #expect(exported.exitCode == 0, "\(exported.errorText)")
    let path = try program.fresh("again.trlhf")
    let made = try program.run("import", file, "-o", path, "--chat-format", "plain", "--context", "24", "--json")
    #expect(made.exitCode == 0, "\(made.errorText)")
    #expect(try made.objects().first?["warnings"]?.array?.isEmpty == true)
    #expect(made.errorText.contains("The checkpoint is \(path): Qwen3ForCausalLM, "), "\(made.errorText)")
    let object = try program.run("inspect", path, "--json", "--verify").objects()[0]
    #expect(object["provenance"]?["data"]?.array?.compactMap { $0["name"]?.string } == ["qwen3.gguf"])
    #expect(object["architecture"]?["context"]?.number == 24)
    let small = try program.run("import", file, "-o", path, "--chat-format", "plain", "--int8", "--force")
    #expect(small.exitCode == 0, "\(small.errorText)")
    let used = try program.run("generate", file, input: "{\"prompt\":\"a\"}\n")
    #expect(
      used.exitCode == 65 && used.errorText.contains("is a GGUF file, the format of llama.cpp"),
      "\(used.errorText)")
    #expect(
      used.errorText.contains("Make a checkpoint from it with `tinyrlhf import \(file) -o FILE`."),
      "\(used.errorText)")
    var bytes = try Files.read(file)
    bytes[4] = 1
    try Files.writeAtomically(bytes, to: file)
    let refused = try program.run("import", file, "-o", path, "--force")
    #expect(refused.exitCode == 65 && refused.errorText.contains("is a GGUF file of version 1"), "\(refused.errorText)")
  }

  @Test("a chat template that is not understood is refused by its file, and --chat-format is the way out")
  func unknownTemplate() throws {
    let folder = try program.fresh("template")
    try FileManager.default.copyItem(atPath: Self.golden("gpt2"), toPath: folder)
    let path = try program.fresh("template.trlhf")
    func expect(_ shown: String, _ more: String...) throws {
      let made = try program.run(["import", folder, "-o", path, "--force"] + more)
      #expect(made.exitCode == 0 && made.errorText.contains(", \(shown)."), "\(made.errorText)")
    }
    try expect("chat format plain")
    let template = "\(folder)/chat_template.jinja"
    try Files.writeAtomically(
      Array("{% for m in messages %}<<{{ m.role | shout }}>> {{ m.content }}{% endfor %}".utf8), to: template)
    let refused = try program.run("import", folder, "-o", path, "--force")
    #expect(refused.exitCode == 65)
    #expect(refused.errorText.hasPrefix("tinyrlhf: \(template)"), "\(refused.errorText)")
    #expect(refused.errorText.contains("shout") && refused.errorText.contains("--chat-format"), "\(refused.errorText)")
    let answer = try program.run(
      "tokenize", folder, "--chat-format", "plain", input: "{\"text\":\"the cat\"}\n")
    #expect(answer.exitCode == 0, "\(answer.errorText)")
    // What we export is a template that says the same.
    let dialogue = #"{"messages":[{"role":"user","content":"a"},{"role":"assistant","content":"b"}]}"#
    for format in ["hh-rlhf", "zephyr", "plain"] {
      try expect("chat format \(format)", "--chat-format", format)
      let before = try program.run("tokenize", path, input: dialogue + "\n").outputText
      let exported = try program.fresh("template-exported")
      let made = try program.run("export", path, "-o", exported)
      #expect(made.exitCode == 0, "\(made.errorText)")
      let again = try program.run("import", exported, "-o", path, "--force")
      #expect(again.errorText.contains(", chat template from tokenizer_config.json."), "\(again.errorText)")
      #expect(!before.isEmpty)
      #expect(try program.run("tokenize", path, input: dialogue + "\n").outputText == before, "\(format)")
    }
  }

  @Test("any number of threads imports the same bytes, int8 too")
  func threads() throws {
    for more in [["--threads", "1"], ["--int8", "--threads", "1"]] {
      let first = try Files.read(try imported("gpt2", more))
      let others = more.dropLast() + ["3"]
      #expect(try Files.read(try imported("gpt2", Array(others))) == first, "\(more)")
    }
  }

  @Test("what is exported is imported as the same model, and answers the same")
  func roundTrip() throws {
    for name in ["gpt2", "neox-parallel", "llama-rope", "qwen3"] {
      let path = try imported(name)
      let folder = try program.fresh("exported-\(name)")
      let made = try program.run("export", path, "-o", folder)
      #expect(made.exitCode == 0, "\(made.errorText)")
      #expect(made.errorText == "The model is \(folder), as float32 for transformers.\n")
      let again = try program.fresh("again-\(name).trlhf")
      #expect(try program.run("import", folder, "-o", again).exitCode == 0)
      let input = "{\"prompt\":\"the cat\"}\n"
      let options = ["--max-new-tokens", "9", "--seed", "3"]
      let answer = try program.run(["generate", again] + options, input: input)
      #expect(answer.exitCode == 0, "\(answer.errorText)")
      #expect(try answer.outputText == program.run(["generate", path] + options, input: input).outputText)
    }
  }

  @Test("what an import ignores is said, to people and to programs")
  func warnings() throws {
    let folder = try program.fresh("warned")
    try FileManager.default.copyItem(atPath: Self.golden("llama-reward"), toPath: folder)
    var fields = try JSON.decode(
      [String: JSONValue].self, from: Files.read("\(folder)/config.json"), at: "config.json")
    fields["colour"] = .string("red")
    fields["pad_token_id"] = .number(999)
    try Files.writeAtomically(JSON.encode(fields), to: "\(folder)/config.json")
    let path = try program.fresh("warned.trlhf")
    let made = try program.run("import", folder, "-o", path, "--json")
    #expect(made.exitCode == 0, "\(made.errorText)")
    let warnings = try made.objects()[0]["warnings"]?.array?.compactMap(\.string) ?? []
    #expect(warnings.count == 4)
    let parts = ["\"colour\"", "\"pad_token_id\"", "No chat template", "no normalisation"]
    for (warning, part) in zip(warnings, parts) {
      #expect(warning.contains(part) && made.errorText.contains(warning), "\(warning)")
    }
  }

  @Test("a classifier that pads with the token that ends answers is scored before it, as transformers does")
  func padding() throws {
    let folder = try program.fresh("padded")
    try FileManager.default.copyItem(atPath: Self.golden("llama-reward"), toPath: folder)
    var fields = try JSON.decode(
      [String: JSONValue].self, from: Files.read("\(folder)/config.json"), at: "config.json")
    fields["pad_token_id"] = .number(7)
    try Files.writeAtomically(JSON.encode(fields), to: "\(folder)/config.json")
    let path = try program.fresh("padded.trlhf")
    #expect(try program.run("import", folder, "-o", path).exitCode == 0)
    // transformers' scores of goldens, Tools/goldens/make_interchange.py.
    let input = [[2, 3, 7], [7, 2]].map { "{\"prompt_tokens\":[1],\"completion_tokens\":\($0)}\n" }.joined()
    let scores = try program.run("score", path, input: input).objects().compactMap { $0["score"]?.number }
    #expect(scores.count == 2 && abs(scores[0] - 1.1678178) < 1e-4 && abs(scores[1] - 0.1859284) < 1e-4, "\(scores)")
    // It goes out as it came in.
    let exported = try program.fresh("padded-exported")
    #expect(try program.run("export", path, "-o", exported).exitCode == 0)
    let again = try JSON.decode(
      [String: JSONValue].self, from: Files.read("\(exported)/config.json"), at: "config.json")
    #expect(again["pad_token_id"] == .number(7))
  }

  @Test("what is no model of this program is named where a model is wanted")
  func foreign() throws {
    let file = try program.write("GGUF and more", to: "foreign.bin")
    for command in ["generate", "inspect", "score"] {
      let refused = try program.run(command, file)
      #expect(refused.exitCode == 65 && refused.errorText.contains("is a GGUF file"), "\(refused.errorText)")
    }
    let empty = try program.fresh("foreign-empty")
    try FileManager.default.createDirectory(atPath: empty, withIntermediateDirectories: true)
    let refused = try program.run("generate", empty)
    #expect(refused.exitCode == 65 && refused.errorText.contains("contains no model and no run"), "\(refused.errorText)")
  }

  @Test("reward models go out and come back with their head, bias and normalisation")
  func rewards() throws {
    let tiny = try TinyModels()
    let folder = try program.fresh("exported-reward")
    let made = try program.run("export", tiny.reward, "-o", folder)
    #expect(made.exitCode == 0, "\(made.errorText)")
    let again = try program.fresh("again-reward.trlhf")
    #expect(try program.run("import", folder, "-o", again).exitCode == 0)
    let input = "{\"prompt\":\"Hi\",\"completion\":\"Hello.\"}\n{\"prompt\":\"Who?\",\"completion\":\"x\"}\n"
    let scores = try program.run("score", again, input: input)
    #expect(scores.exitCode == 0, "\(scores.errorText)")
    #expect(try scores.outputText == program.run("score", tiny.reward, input: input).outputText)
  }

  @Test("a file that is there stays, without --force")
  func existing() throws {
    let path = try imported("gpt2")
    let before = try Files.read(path)
    let refused = try program.run("import", Self.golden("qwen3"), "-o", path)
    #expect(refused.exitCode == 73)
    #expect(
      refused.errorText
        == "tinyrlhf: \(path): exists already. Name another file with -o, or replace it with --force.\n")
    #expect(try Files.read(path) == before)
    #expect(try program.run("import", Self.golden("qwen3"), "-o", path, "--force").exitCode == 0)
    #expect(try Files.read(path) != before)
    let place = try program.fresh("existing-gguf")
    try FileManager.default.createDirectory(atPath: place, withIntermediateDirectories: true)
    let file = "\(place)/gpt2.gguf"
    for status in [0, 73] {
      #expect(try program.run("export", path, "-o", file, "--format", "gguf").exitCode == Int32(status))
    }
    for more in [[], ["--force"]] {
      let folder = try program.run(["export", path, "-o", program.folder, "--format", "gguf"] + more)
      #expect(folder.exitCode == 73)
      #expect(folder.errorText == "tinyrlhf: \(program.folder): is a folder. Name a file with -o.\n")
    }
  }

  @Test("an import in int8 leaves what lies beside its output, and nothing of its own")
  func neighbours() throws {
    let place = try program.fresh("neighbours")
    let folder = "\(place)/m.trlhf.float32"
    try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
    try Files.writeAtomically(Array("mine".utf8), to: "\(folder)/notes")
    let result = try program.run("import", Self.golden("gpt2"), "-o", "\(place)/m.trlhf", "--int8")
    #expect(result.exitCode == 0, "\(result.errorText)")
    #expect(try Files.read("\(folder)/notes") == Array("mine".utf8))
    #expect(try FileManager.default.contentsOfDirectory(atPath: place).sorted() == ["m.trlhf", "m.trlhf.float32"])
  }

  @Test("what cannot be imported or exported is bad data, wrong use is wrong use")
  func refusals() throws {
    let path = try program.fresh("refused.trlhf")
    let missing = try program.run("import", "/nowhere", "-o", path)
    #expect(missing.exitCode == 65)
    #expect(
      missing.errorText
        == "tinyrlhf: /nowhere: does not exist. Name the folder of a model in Hugging Face's form, or a GGUF file.\n")
    #expect(!Files.exists(path))
    let int8 = try imported("gpt2", ["--int8"])
    let folder = try program.fresh("refused")
    let refused = try program.run("export", int8, "-o", folder)
    #expect(refused.exitCode == 65)
    #expect(refused.errorText.contains("is an int8 model, but the weights that it was made from are needed"))
    #expect(!Files.exists(folder) && !Files.exists("\(folder).partial"))
    for name in ["", ".", "..", "a/..", "/"] {
      #expect(try program.run("export", program.base, "-o", name, "--force").exitCode == 64, "\(name)")
    }
    // The tokenizer is this program's own.
    let place = try program.fresh("refused-gguf")
    try FileManager.default.createDirectory(atPath: place, withIntermediateDirectories: true)
    let own = try program.run("export", program.base, "-o", "\(place)/own.gguf", "--format", "gguf")
    #expect(own.exitCode == 65)
    #expect(
      own.errorText == "tinyrlhf: \(program.base): llama.cpp does not support the pre-tokenizer of this program's own "
        + "tokenizers. Export the model in Hugging Face's form.\n")
    for arguments in [["--dtype", "q8_0"], ["--format", "gguf", "--dtype", "bfloat16"], ["--format", "onnx"]] {
      #expect(try program.run(["export", program.base, "-o", folder] + arguments).exitCode == 64)
    }
    #expect(try program.run("import", Self.golden("gpt2"), "-o", path, "--context", "99").exitCode == 64)
    let reward = try program.run("import", Self.golden("llama-reward"), "-o", path, "--int8")
    #expect(reward.exitCode == 65 && reward.errorText.contains("only language models can be int8"))
  }

  @Test("a model with a tensor larger than all the memory there is, is imported and exported")
  func memory() throws {
    let folder = try program.fresh("wide")
    try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
    try writeWideModel(folder)
    let path = try program.fresh("wide.trlhf")
    // Twice the data of a program that waits with two threads; the embedding has 134 MB as float32.
    let limit = "ulimit -d 98304; exec \"$@\""
    func limited(_ arguments: String...) throws {
      let result = try ChildProcess.run(
        "sh", ["-c", limit, "sh", program.binary] + arguments, timeout: 120)
      #expect(result.exitCode == 0, "\(arguments[0]): \(result.errorText)")
    }
    try limited("import", folder, "-o", path, "--int8", "--threads", "2")
    try limited("import", folder, "-o", path, "--force")
    try limited("export", path, "-o", try program.fresh("wide-again"), "--dtype", "bfloat16")
    try interrupt(path)
    for name in ["wide.trlhf", "wide", "wide-again"] { _ = try program.fresh(name) }
  }

  /// An export that is stopped removes what it has begun, and says that it was.
  private func interrupt(_ path: String) throws {
    // A place of its own: a GGUF file has a Modelfile beside it.
    let place = try program.fresh("stopped")
    try FileManager.default.createDirectory(atPath: place, withIntermediateDirectories: true)
    let output = "\(place)/out"
    for (format, signal) in [("huggingface", SIGTERM), ("gguf", SIGINT)] {
      let process = try ChildProcess(program.binary, ["export", path, "-o", output, "--format", format])
      while process.isRunning, !Files.exists("\(output).partial") { usleep(200) }
      kill(process.identifier, signal)
      let result = process.wait()
      #expect(result.exitCode == 130, "\(result.errorText)")
      #expect(
        result.errorText == "tinyrlhf: the export was interrupted. Run the same command again.\n")
      #expect(!Files.exists(output) && !Files.exists("\(output).partial"), "\(format)")
    }
  }

  /// A Llama of one small layer and an embedding of 64 MB in float16, zeros that take no room.
  private func writeWideModel(_ folder: String) throws {
    let (rows, width) = (16_384, 2048)
    let layer = "model.layers.0"
    let tensors: [(String, [Int])] = [
      ("model.embed_tokens.weight", [rows, width]), ("\(layer).input_layernorm.weight", [width]),
      ("\(layer).self_attn.q_proj.weight", [2, width]), ("\(layer).self_attn.k_proj.weight", [2, width]),
      ("\(layer).self_attn.v_proj.weight", [2, width]), ("\(layer).self_attn.o_proj.weight", [width, 2]),
      ("\(layer).post_attention_layernorm.weight", [width]), ("\(layer).mlp.gate_proj.weight", [1, width]),
      ("\(layer).mlp.up_proj.weight", [1, width]), ("\(layer).mlp.down_proj.weight", [width, 1]),
      ("model.norm.weight", [width]),
    ]
    var end = 0
    let records = tensors.map { name, dims in
      let first = end
      end += 2 * dims.reduce(1, *)
      return "\"\(name)\":{\"dtype\":\"F16\",\"shape\":\(dims),\"data_offsets\":[\(first),\(end)]}"
    }
    let header = Array("{\(records.joined(separator: ","))}".utf8)
    let length = (0..<8).map { UInt8(truncatingIfNeeded: header.count >> (8 * $0)) }
    try Files.writeAtomically(length + header, to: "\(folder)/model.safetensors")
    let size = try ChildProcess.run(
      "truncate", ["-s", "\(8 + header.count + end)", "\(folder)/model.safetensors"])
    try #require(size.exitCode == 0)
    try Files.writeAtomically(
      Array(
        """
        {"architectures":["LlamaForCausalLM"],"hidden_size":\(width),"head_dim":2,"intermediate_size":1,
        "max_position_embeddings":64,"num_attention_heads":1,"num_hidden_layers":1,"vocab_size":\(rows),
        "tie_word_embeddings":true}
        """.utf8), to: "\(folder)/config.json")
    for name in ["tokenizer.json", "tokenizer_config.json"] {
      try Files.writeAtomically(
        Files.read("\(Self.golden("llama-rope"))/\(name)"), to: "\(folder)/\(name)")
    }
  }
}
