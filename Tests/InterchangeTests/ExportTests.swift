import Support
import Testing

@testable import Interchange
@testable import Models

@Suite struct ExportTests {
  /// A golden model, imported and exported again.
  private func roundTrip(_ name: String, _ type: ElementType = .float32) throws
    -> (golden: Golden, imported: Imported, folder: String)
  {
    let golden = try Golden(name)
    let imported = try Imported(golden.path)
    let folder = imported.folder.file("exported")
    try HuggingFaceExport.write(
      imported.file, to: folder, type: type, beginning: 3, ends: [5, 7]) { _ in }
    return (golden, imported, folder)
  }

  private static let stored: [(String, ElementType)] = [
    ("gpt2", .float32), ("gpt2-bare", .float32), ("neox-parallel", .float32),
    ("neox-sequential", .float32), ("llama-rope", .float32), ("llama-tied", .bfloat16),
    ("qwen2", .float16), ("qwen3", .float32), ("llama-reward", .float32),
  ]

  @Test("what was imported is exported bit for bit, in the type it came in", arguments: stored)
  func bits(name: String, type: ElementType) throws {
    let (golden, imported, folder) = try roundTrip(name, type)
    let before = try SafetensorsFolder(golden.path)
    let after = try SafetensorsFolder(folder)
    #expect(!after.names.isEmpty)
    let prefix = name == "gpt2-bare" ? "transformer." : ""
    let family = try HuggingFaceConfiguration(fields(golden.path)).family
    #expect(after.names == before.names.filter { !family.isBuffer($0) }.map { prefix + $0 }.sorted())
    for name in after.names {
      let ours = try #require(after.tensor(name))
      let theirs = try #require(before.tensor(String(name.dropFirst(prefix.count))))
      #expect(ours.dims == theirs.dims && ours.typeName == theirs.typeName, "\(name)")
      #expect(ours.bytes.elementsEqual(theirs.bytes), "\(name)")
      #expect(UInt(bitPattern: ours.bytes.baseAddress) % 8 == 0 || type != .float32)
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
    let (_, imported, folder) = try roundTrip("llama-rope")
    defer { withExtendedLifetime(imported) {} }
    let fields = try fields(folder)
    #expect(fields["bos_token_id"] == .number(3))
    #expect(fields["eos_token_id"] == .array([.number(5), .number(7)]))
    #expect(fields["rms_norm_eps"] == .number(1e-5) && fields["torch_dtype"] == .string("float32"))
    let generation = try JSONFile.read(
      [String: JSONValue].self, from: "\(folder)/generation_config.json", .configuration)
    #expect(generation == ["bos_token_id": .number(3), "eos_token_id": .array([.number(5), .number(7)])])
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
    let bias = try again.file.parameters().headBias[0]
    #expect(bias == 0.1)
    let stored = try #require(
      again.checkpoint.tensors(in: .head, role: .policy).first { $0.name == ModelFile.normalizationName })
    #expect(stored.floats[0] == 1.7 && stored.floats[1] == -0.3)
    let exported = imported.folder.file("again")
    try HuggingFaceExport.write(again.file, to: exported, beginning: nil, ends: []) { _ in }
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
    let remedy = "Export a model of the shape of GPT-2, GPT-NeoX, Llama, Qwen2 or Qwen3."
    #expect(
      refusal { $0.mlp = .swiglu }
        == "model: a gated MLP with LayerNorm, which no architecture that can be exported has. \(remedy)")
    #expect(refusal { $0.norm = .rmsNorm }?.contains("an MLP without gate and RMSNorm") == true)
    #expect(refusal { $0.kvHeads = 1 }?.contains("heads that are grouped") == true)
    #expect(refusal { $0.attentionOutputBias = false }?.contains("with these biases") == true)
    #expect(refusal { $0.parallelResidual = true }?.contains("learned positions") == true)
  }

  @Test("a folder that exists stays unless it may be replaced, and what is no model stays in any case")
  func folders() throws {
    let golden = try Golden("gpt2")
    let imported = try Imported(golden.path)
    let path = imported.folder.file("out")
    func export(replacing: Bool) throws {
      try HuggingFaceExport.write(
        imported.file, to: path, replacing: replacing, beginning: nil, ends: []) { _ in }
    }
    try export(replacing: false)
    let names = ["config.json", "generation_config.json", "model.safetensors"]
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
        .cannotCreate, "holds thesis.tex, which is no file of a model", at: path,
        remedy: "Name another folder with -o.")
    ) { try export(replacing: true) }
    #expect(try Files.names(in: path) == names + ["thesis.tex"])
    #expect(try Files.names(in: imported.folder.path) == ["model.trlhf", "out"])
  }

  @Test("an export that fails leaves nothing behind, and what was there as it was")
  func failures() throws {
    let golden = try Golden("gpt2")
    let imported = try Imported(golden.path)
    let path = imported.folder.file("out")
    let weights = try imported.file.parameters()
    weights.trunk[0] = 70_000
    func export(_ type: ElementType) throws {
      try HuggingFaceExport.write(
        imported.file, to: path, type: type, replacing: true, beginning: nil, ends: []) { _ in }
    }
    #expect(
      throws: Failure(
        .badData, "the value 70000.0 cannot be stored in this type",
        at: "tensor \"transformer.wte.weight\"", remedy: "Export as float32 or bfloat16.")
    ) { try export(.float16) }
    #expect(try Files.names(in: imported.folder.path) == ["model.trlhf"])
    try export(.bfloat16)
    let before = try Files.read("\(path)/model.safetensors")
    #expect(throws: Failure.self) { try export(.float16) }
    #expect(try Files.read("\(path)/model.safetensors") == before)
    #expect(try Files.names(in: imported.folder.path) == ["model.trlhf", "out"])
  }
}
