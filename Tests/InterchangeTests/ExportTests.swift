import Support
import Testing

@testable import Interchange
@testable import Models
@testable import Tokenizers

@Suite struct ExportTests {
  /// A golden model, imported and exported again.
  private func roundTrip(_ name: String, _ type: ElementType = .float32) throws
    -> (golden: Golden, imported: Imported, folder: String)
  {
    let golden = try Golden(name)
    let imported = try Imported(golden.path)
    let folder = imported.folder.file("exported")
    try HuggingFaceExport.write(imported.file, golden.tokenizer(), to: folder, type: type)
    return (golden, imported, folder)
  }

  private static let stored: [(String, ElementType)] = [
    ("gpt2", .float32), ("gpt2-bare", .float32), ("neox-parallel", .float32),
    ("neox-sequential", .float32), ("llama-rope", .float32), ("llama-tied", .bfloat16),
    ("qwen2", .float16), ("qwen3", .float32), ("llama-reward", .float32), ("mistral", .float32),
    ("gemma3", .float32), ("gemma3-stored", .bfloat16), ("smollm3", .float32), ("smollm3-stored", .bfloat16),
    ("gemma2", .float32), ("gemma2-reward", .bfloat16), ("olmo2", .float32), ("olmo2-stored", .float32),
    ("phi3", .float32), ("granite", .float32), ("granite-stored", .bfloat16),
  ]

  @Test("what was imported is exported bit for bit, in the type it came in", arguments: stored)
  func bits(name: String, type: ElementType) throws {
    let (golden, imported, folder) = try roundTrip(name, type)
    let before = try SafetensorsFolder(golden.path)
    let after = try SafetensorsFolder(folder)
    #expect(!after.names.isEmpty)
    let prefix = name == "gpt2-bare" ? "transformer." : ""
    let family = try HuggingFaceConfiguration(fields(golden.path)).family
    #expect(after.names == before.names.filter { !family.tensors.isBuffer($0) }.map { prefix + $0 }.sorted())
    for name in after.names {
      let ours = try #require(after.tensor(name))
      let theirs = try #require(before.tensor(String(name.dropFirst(prefix.count))))
      #expect(ours.dims == theirs.dims && ours.typeName == theirs.typeName, "\(name)")
      #expect(ours.bytes.elementsEqual(theirs.bytes), "\(name)")
      #expect(UInt(bitPattern: ours.bytes.baseAddress) % 4 == 0 || type != .float32)
    }
    // What is read again is the same model.
    #expect(try Imported(folder).checkpoint.contentHash == imported.checkpoint.contentHash)
  }

  private func fields(_ folder: String) throws -> ConfigurationFields {
    let path = "\(folder)/config.json"
    return ConfigurationFields(
      try JSONFile.read([String: JSONValue].self, from: path, .configuration), at: path)
  }

  @Test("the configuration has the tokens that begin and end, and what another program needs")
  func configuration() throws {
    let (golden, imported, folder) = try roundTrip("llama-rope")
    // Of texts that nothing begins, what ends them is not said to begin them.
    var definition = try golden.tokenizer().definition
    for (begin, name, path) in [
      (nil, nil, folder), (276 as Int32?, "<|begin_of_text|>", imported.folder.file("begun")),
    ] as [(Int32?, String?, String)] {
      definition.chatFormat.documentBegin = [begin ?? definition.chatFormat.documentEnd[0]]
      definition.chatFormat.endTokens = [277, 278]
      try HuggingFaceExport.write(
        imported.file, Tokenizer(definition, at: "here"), to: path, replacing: true)
      let tokens: [String: JSONValue] = [
        "bos_token_id": begin.map { .number(Double($0)) } ?? .null,
        "eos_token_id": .array([.number(277), .number(278)]),
      ]
      func read(_ name: String) throws -> [String: JSONValue] {
        try JSONFile.read([String: JSONValue].self, from: "\(path)/\(name)", .configuration)
      }
      #expect(try read("generation_config.json") == tokens)
      let fields = try read("config.json")
      #expect(fields.filter { tokens[$0.key] != nil } == tokens)
      #expect(fields["rms_norm_eps"] == .number(1e-5) && fields["torch_dtype"] == .string("float32"))
      #expect(try read("tokenizer_config.json")["bos_token"]?.string == name)
    }
  }

  @Test("what fills a batch ends no text, so that the score of a text is that of its end")
  func padding() throws {
    let (golden, imported, folder) = try roundTrip(Golden.rewardModel)
    defer { withExtendedLifetime(imported) {} }
    let ends = try golden.tokenizer().endTokens
    let padding = try #require(fields(folder)["pad_token_id"]?.number)
    #expect(!ends.isEmpty && !ends.contains(Int32(padding)))
    let settings = try JSONFile.read(
      [String: JSONValue].self, from: "\(folder)/tokenizer_config.json", .configuration)
    #expect(settings["pad_token"] == .string("<|begin_of_text|>") && padding == 276)
    // GPT-2's only special token ends texts: there is none.
    #expect(try Golden("gpt2").tokenizer().definition.paddingToken == nil)
  }

  @Test("the share of a head that turns survives its way through a decimal fraction")
  func rotaryShare() throws {
    for headDim in 2...128 {
      for rotaryDim in stride(from: 2, through: headDim, by: 2) {
        let a = Architecture(
          layers: 1, dModel: headDim, heads: 1, vocabulary: 9, context: 9, position: .rotary,
          rotaryDim: rotaryDim, mlp: .geluExact)
        let json = Family.gptNeoX.configuration(a, rewardHead: nil)
        let again = try HuggingFaceConfiguration(ConfigurationFields(json, at: "config.json"))
        #expect(again.architecture == a, "\(rotaryDim) of \(headDim)")
      }
    }
  }

  @Test("a reward model keeps its head's bias and its normalisation")
  func reward() throws {
    let (_, imported, folder) = try roundTrip(Golden.rewardModel)
    let path = "\(folder)/config.json"
    var json = try JSONFile.read([String: JSONValue].self, from: path, .configuration)
    #expect(json["tinyrlhf_reward"] == .object(["head_bias": .number(0)]))
    let head = RewardHead(headBias: 0.1, normalization: (gain: 1.7, bias: -0.3))
    json[RewardHead.key] = head.json
    try Files.writeAtomically(JSON.encode(json), to: path)
    let again = try Imported(folder)
    #expect(again.model.rewardHead == head && again.model.isNormalized)
    let bias = try #require(try again.file.parameters().scalarHead).bias[0]
    #expect(bias == 0.1)
    let stored = try #require(
      again.checkpoint.tensors(in: .head, role: .policy).first { $0.name == ModelFile.normalizationName })
    #expect(stored.floats[0] == 1.7 && stored.floats[1] == -0.3)
    let exported = imported.folder.file("again")
    try HuggingFaceExport.write(again.file, Golden(Golden.rewardModel).tokenizer(), to: exported)
    #expect(try Imported(exported).checkpoint.contentHash == again.checkpoint.contentHash)
  }

  @Test("a shape that no other program computes is refused with what is the matter")
  func refusals() {
    let gpt2 = Architecture.gpt2(layers: 1, dModel: 8, heads: 2, vocabulary: 9, context: 9)
    func refusal(_ change: (inout Architecture) -> Void) -> String? {
      var a = gpt2
      change(&a)
      do {
        _ = try Family(of: a, at: "model")
        return nil
      } catch {
        return "\(error)"
      }
    }
    #expect(refusal { _ in } == nil)
    let remedy = "Export a model with the architecture of one of these families: \(Family.names)."
    #expect(
      refusal { $0.mlp = .swiglu }
        == "model: LayerNorm without biases, or with a gated MLP cannot be exported. \(remedy)")
    #expect(refusal { $0.norm = .rmsNorm }?.contains("an MLP without a gate but with RMSNorm") == true)
    #expect(refusal { $0.kvHeads = 1 }?.contains("heads that are grouped") == true)
    #expect(refusal { $0.attentionOutputBias = false }?.contains("with these biases") == true)
    #expect(refusal { $0.parallelResidual = true }?.contains("an MLP parallel to the attention") == true)
    #expect(refusal { $0.window = 5 }?.contains("a sliding window") == true)
  }

  @Test("a folder that exists stays unless it may be replaced, and what is no model stays in any case")
  func folders() throws {
    let golden = try Golden("gpt2")
    let imported = try Imported(golden.path)
    let path = imported.folder.file("out")
    func export(replacing: Bool) throws {
      try HuggingFaceExport.write(imported.file, golden.tokenizer(), to: path, replacing: replacing)
    }
    try export(replacing: false)
    let names = [
      "config.json", "generation_config.json", "model.safetensors", "tokenizer.json", "tokenizer_config.json",
    ]
    #expect(try Files.names(in: path) == names)
    #expect(
      throws: Failure(
        .cannotCreate, "exists already", at: path,
        remedy: "Name another folder with -o, or replace it with --force.")
    ) { try export(replacing: false) }
    try Files.writeAtomically([], to: "\(path)/model-00001-of-00002.safetensors")
    try export(replacing: true)
    #expect(try Files.names(in: path) == names)
    try Files.writeAtomically([1], to: "\(path)/thesis.tex")
    #expect(
      throws: Failure(
        .cannotCreate, "contains thesis.tex, which is not a file of a model", at: path,
        remedy: "Name another folder with -o.")
    ) { try export(replacing: true) }
    #expect(try Files.names(in: path) == (names + ["thesis.tex"]).sorted())
    #expect(try Files.names(in: imported.folder.path) == ["model.trlhf", "out"])
  }

  @Test("an export that fails leaves nothing behind, and what was there as it was")
  func failures() throws {
    let golden = try Golden("gpt2")
    let imported = try Imported(golden.path)
    let path = imported.folder.file("out")
    let weights = try imported.file.parameters()
    try #require(weights.stored("token_embedding.weight")).floats[0] = 70_000
    func export(_ type: ElementType) throws {
      try HuggingFaceExport.write(imported.file, golden.tokenizer(), to: path, type: type, replacing: true)
    }
    #expect(
      throws: Failure(
        .badData, "the value 70000.0 cannot be stored in this type",
        at: "tensor \"transformer.wte.weight\"", remedy: "Export as float32.")
    ) { try export(.float16) }
    #expect(try Files.names(in: imported.folder.path) == ["model.trlhf"])
    try export(.bfloat16)
    let before = try Files.read("\(path)/model.safetensors")
    #expect(throws: Failure.self) { try export(.float16) }
    #expect(try Files.read("\(path)/model.safetensors") == before)
    #expect(try Files.names(in: imported.folder.path) == ["model.trlhf", "out"])
  }
}
