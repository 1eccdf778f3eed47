import Support
import TestSupport
import Testing

@testable import Checkpoints
@testable import Interchange
@testable import Models
@testable import Tensors

/// Families beyond Llama's: what their files say, and that export and import are each other's reverse.
@Suite struct FamilyTests {
  private func read(
    _ name: String, _ changes: [String: JSONValue] = [:], without missing: String...
  ) throws -> Architecture {
    var fields = try JSONFile.read([String: JSONValue].self, from: "\(Golden(name).path)/config.json", .configuration)
    for key in missing { fields[key] = nil }
    fields.merge(changes) { $1 }
    return try HuggingFaceConfiguration(ConfigurationFields(fields, at: "config.json")).architecture
  }

  private func refusal(_ name: String, _ changes: [String: JSONValue]) -> String? {
    error { _ = try read(name, changes) }
  }

  private static let kinds: JSONValue = .array(["sliding_attention", "full_attention"].map { .string($0) })

  @Test("each golden's architecture is what its file says, layer by layer")
  func layers() throws {
    func windows(_ name: String) throws -> [Int] {
      let a = try read(name)
      return (0..<a.layers).map(a.window)
    }
    #expect(try windows("mistral") == [5, 5] && windows("mistral-stored").allSatisfy { $0 == 0 })
    #expect(try windows("gemma3") == [5, 5, 0, 5] && windows("gemma2") == [5, 0, 5])
    #expect(try windows("smollm3") == [0, 5, 0] && windows("phi3") == [5, 5])
    let gemma = try read("gemma3")
    #expect(gemma.rotaryTheta == 5000 && gemma.otherLayers?.rotaryTheta == 100)
    #expect(gemma.attentionScale == 1 / Float(13).squareRoot() && gemma.embeddingScale == Float(21).squareRoot())
    #expect(try read("smollm3").otherLayers?.rotaryTheta == 0)
    #expect(try read("phi3").rotaryDim == 6 && read("olmo2").normPlacement == .after)
    let granite = try read("granite")
    #expect(granite.attentionScale == 0.3 && granite.embeddingScale == 3.5 && granite.residualScale == 0.6)
    #expect(granite.logitScale == Float(1 / 1.7))
  }

  @Test("a missing key has the class's own default")
  func defaults() throws {
    #expect(try read("mistral", without: "sliding_window").window == 4096)
    #expect(try read("mistral", ["sliding_window": .null]).window == 0)
    // A scale of 1, not of 1/√head_dim.
    #expect(try read("granite", without: "attention_multiplier").attentionScale == 1)
    #expect(try read("gemma3", without: "final_logit_softcapping").logitCap == 0)
    let gemma = try read("gemma2", without: "final_logit_softcapping", "attn_logit_softcapping")
    #expect(gemma.logitCap == 30 && gemma.attentionCap == 50)
    #expect(try read("gemma2", without: "layer_types").otherLayers?.places == 1)
    let layers = try read("smollm3", without: "no_rope_layers", "layer_types")
    #expect(layers.otherLayers == nil)
    #expect(try read("smollm3", without: "rope_parameters").rotaryTheta == 2_000_000)
    let ropes = try read("gemma3", without: "rope_parameters")
    #expect(ropes.rotaryTheta == 1_000_000 && ropes.otherLayers?.rotaryTheta == 10_000)
  }

  @Test("a base beside the ropes of the layer types is read where the ropes have none")
  func bases() throws {
    let a = try read(
      "gemma3", ["rope_theta": .number(700), "rope_local_base_freq": .number(70)], without: "rope_parameters")
    #expect(a.rotaryTheta == 700 && a.otherLayers?.rotaryTheta == 70)
    let b = try read("gemma3", ["rope_local_base_freq": .number(70)])
    #expect(b.otherLayers?.rotaryTheta == 100)
  }

  @Test("what contradicts itself, or is not computed, is refused by its key")
  func refusals() {
    for (name, changes, phrase) in [
      ("mistral", ["layer_types": Self.kinds], "\"layer_types\" contradicts \"sliding_window\""),
      ("mistral", ["layer_types": .array([.string("full_attention")])], "1 entries for 2 layers"),
      ("smollm3", ["layer_types": .array(["sliding_attention", "full_attention", "full_attention"].map { .string($0) })],
        "not those without a rope"),
      ("smollm3", ["no_rope_layers": .array([.number(1)])], "not a 0 or 1 for each of 3 layers"),
      ("smollm3", ["sliding_window": .null], "\"sliding_window\" is missing"),
      ("gemma2", ["sliding_window": .null], "\"sliding_window\" is missing"),
      ("gemma3", ["use_bidirectional_attention": .bool(true)], "\"use_bidirectional_attention\" is true"),
      ("gemma3", ["rope_parameters": .object(["rope_theta": .number(50)])], "\"rope_theta\" is no type of layer"),
      ("gemma3", ["hidden_activation": .string("silu")], "does not suit this architecture"),
      ("phi3", ["rope_scaling": .object(["type": .string("longrope")])], "the rope type \"longrope\" is unknown"),
      ("phi3", ["rope_parameters": .object(["partial_rotary_factor": .number(0.875)])], "not an even number"),
      ("olmo2", ["layer_types": Self.kinds], "\"layer_types\""),
      ("phi3", ["rope_parameters": Self.llama3], "Phi3 with a scaled rope"),
      ("gemma2", ["rope_parameters": Self.llama3], "a scaled rope of all layers"),
      ("gemma2", ["attn_logit_softcapping": .number(0)], "\"attn_logit_softcapping\" is 0"),
      ("gemma3", ["final_logit_softcapping": .number(-1)], "\"final_logit_softcapping\" is -1"),
      ("granite", ["residual_multiplier": .number(0)], "residual_scale has a value that cannot be stored"),
      ("granite", ["attention_multiplier": .number(1e-60)], "attention_scale has a value that cannot be stored"),
      ("granite", ["logits_scaling": .number(1e60)], "logit_scale has a value that cannot be stored"),
    ] as [(String, [String: JSONValue], String)] {
      let found = refusal(name, changes)
      #expect(found?.contains(phrase) == true, "\(name): \(found ?? "taken")")
    }
  }

  private static let llama3: JSONValue = .object([
    "rope_type": .string("llama3"), "rope_theta": .number(1000), "factor": .number(8), "low_freq_factor": .number(1),
    "high_freq_factor": .number(4), "original_max_position_embeddings": .number(16),
  ])

  @Test("the rope of Gemma 3's layers with a window is not scaled, though that of the others is")
  func scaledRope() throws {
    let ropes: JSONValue = .object([
      "full_attention": Self.llama3,
      "sliding_attention": .object(["rope_type": .string("default"), "rope_theta": .number(100)]),
    ])
    let a = try read("gemma3", ["rope_parameters": ropes])
    #expect(a.ropeScaling?.factor == 8 && a.otherLayers?.rotaryTheta == 100)
    let sliding = JSONValue.array(Array(repeating: .string("sliding_attention"), count: 4))
    let b = try read("gemma3", ["rope_parameters": ropes, "layer_types": sliding])
    #expect(b.ropeScaling == nil && b.window == 5 && b.otherLayers == nil)
  }

  @Test("an export has keys that transformers' strict classes accept, and no padding token of their own")
  func strictKeys() throws {
    func fields(_ family: Family, _ change: (inout Architecture) -> Void = { _ in }) throws -> [String: JSONValue] {
      var a = try Self.shape(family)
      change(&a)
      return try Family(of: a, at: "here").configuration(a, rewardHead: nil)
    }
    let gemma = try fields(.gemma2)
    for key in ["attn_logit_softcapping", "final_logit_softcapping"] {
      let text = try JSON.line(#require(gemma[key]))
      #expect(text.contains(".") && abs(Double(text)! - gemma[key]!.number!) < 1e-9, "\(text)")
    }
    #expect(gemma["query_pre_attn_scalar"] == .number(6))
    // 1/(1/7) is not 7 in float32.
    #expect(try fields(.granite) { $0.logitScale = 1 / 7 }["logits_scaling"] == .number(7))
    let imported = try Imported(Golden("smollm3").path)
    let folder = imported.folder.file("out")
    try HuggingFaceExport.write(imported.file, Golden("smollm3").tokenizer(), to: folder)
    let written = String(decoding: try Files.read("\(folder)/config.json"), as: UTF8.self)
    #expect(written.contains("\"pad_token_id\" : null"))
  }

  @Test("layers that no class has are not exported")
  func strangeLayers() throws {
    func refusal(_ family: Family, _ change: (inout Architecture) -> Void) -> String? {
      error {
        var a = try Self.shape(family)
        change(&a)
        _ = try Family(of: a, at: "here")
      }
    }
    #expect(refusal(.gemma3) { $0.window = 4 }?.contains("cannot be exported") == true)
    #expect(refusal(.gemma3) { $0.otherLayers?.window = 0 }?.contains("cannot be exported") == true)
    #expect(refusal(.phi3) { $0.normBias = true }?.contains("RMSNorm with biases") == true)
    let scaling = RotaryScaling(factor: 8, lowFrequencyFactor: 1, highFrequencyFactor: 4, originalContext: 16)
    #expect(refusal(.gemma2) { $0.ropeScaling = scaling }?.contains("cannot be exported") == true)
  }

  @Test("a window of a GGUF file that is no count is refused", arguments: [Float(3e38), -1, 2047.5])
  func hostileWindow(window: Float) throws {
    let folder = TemporaryFolder()
    let random = try RandomModel(try Self.shape(.phi3), in: folder)
    try GGUFExport.write(random.file, try Golden("llama-rope").tokenizer(), to: folder.file("x.gguf"))
    var bytes = try Files.read(folder.file("x.gguf"))
    let key = Array("phi3.attention.sliding_window".utf8)
    let place = try #require(bytes.indices.first { bytes[$0...].starts(with: key) }) + key.count
    for (offset, value) in [(0, UInt32(6)), (4, window.bitPattern)] {
      withUnsafeBytes(of: value.littleEndian) { bytes.replaceSubrange(place + offset..<place + offset + 4, with: $0) }
    }
    #expect(error { _ = try GGUFModel(RawGGUF.archive(bytes)) }?.contains("sliding_window") == true)
  }

  @Test("a pattern of layers is the shortest one, and a list without one is refused")
  func patterns() {
    func pattern(_ text: String) -> (Int, UInt64)? {
      Architecture.OtherLayers(text.map { $0 == "x" }).map { ($0.period, $0.places) }
    }
    #expect(pattern("x.x.x")! == (2, 1) && pattern("...x...x.")! == (4, 8))
    #expect(pattern("xxxx")! == (5, 15) && pattern("..x")! == (3, 4))
    #expect(pattern("....") == nil && pattern(String(repeating: ".", count: 64) + "x") == nil)
    let others = Architecture.OtherLayers((0..<30).map { ($0 + 1) % 6 != 0 })
    #expect(others?.period == 6 && (0..<30).allSatisfy { others!.contains($0) == (($0 + 1) % 6 != 0) })
  }

  /// Shapes of llama.cpp's families, each with every layer kind.
  private static func shape(_ family: Family) throws -> Architecture {
    var a = Architecture(
      layers: 7, dModel: 24, heads: 4, kvHeads: 2, headDim: 6, dFF: 20, vocabulary: 279, context: 40, norm: .rmsNorm,
      normEpsilon: 1e-6, position: .rotary, rotaryDim: 6, mlp: .swiglu, attentionBias: false, mlpBias: false,
      normBias: false)
    switch family {
    case .smolLM3: a.otherLayers = .init(period: 4, places: 8)
    case .olmo2: (a.normPlacement, a.queryKeyNorm, a.queryKeyNormSpansHeads) = (.after, true, true)
    case .granite: (a.attentionScale, a.embeddingScale, a.residualScale, a.logitScale) = (0.25, 12, 0.22, 0.125)
    case .phi3: a.rotaryDim = 4
    case .gemma2, .gemma3:
      (a.mlp, a.normPlacement, a.normUnitOffset, a.embeddingScale) = (.geglu, .both, true, Float(24).squareRoot())
      a.logitCap = 30
      a.otherLayers = .init(period: 2, places: 1, window: 5, rotaryTheta: 10_000)
      if family == .gemma2 { a.attentionCap = 50 }
      if family == .gemma3 {
        (a.rotaryTheta, a.queryKeyNorm) = (50_000, true)
        a.otherLayers = .init(period: 6, places: 31, window: 5, rotaryTheta: 500)
      }
    default: break
    }
    return a
  }

  private static let gguf: [Family] = [.smolLM3, .olmo2, .granite, .phi3, .gemma2, .gemma3]

  @Test("what goes out as GGUF comes in as the same model; Gemma's norms as near as a sum with 1 allows", arguments: gguf)
  func ggufRoundTrip(family: Family) throws {
    let folder = TemporaryFolder()
    let a = try Self.shape(family)
    #expect(try Family(of: a, at: "here") == family)
    let random = try RandomModel(a, in: folder)
    try GGUFExport.write(random.file, try Golden("llama-rope").tokenizer(), to: folder.file("x.gguf"))
    let model = try GGUFModel(folder.file("x.gguf"))
    #expect(model.architecture == a && model.warnings.isEmpty, "\(model.warnings)")
    let parameters = try random.file.parameters()
    for tensor in model.tensors {
      var values: [Float] = []
      try tensor.stream! { values += $0.bindMemory(to: Float.self) }
      let ours = UnsafeBufferPointer(start: parameters.stored(tensor.name)!.floats, count: values.count)
      let isSum = tensor.name.contains("norm") && a.normUnitOffset
      #expect(zip(values, ours).allSatisfy { isSum ? abs($0 - $1) < 1e-7 : $0 == $1 }, "\(tensor.name)")
    }
  }

  @Test("a Llama whose heads do not divide its width is exported as Mistral, since transformers loads no such Llama")
  func oddWidth() throws {
    var a = try read("mistral-stored")
    (a.heads, a.kvHeads, a.dModel) = (4, 2, 22)
    #expect(try Family(of: a, at: "here") == .mistral)
    a.dModel = 24
    #expect(try Family(of: a, at: "here") == .llama)
  }

  @Test("what llama.cpp computes otherwise is not exported to it", arguments: [
    ("mistral", "a sliding window"), ("smollm3", "smollm3"), ("gemma3", "gemma3"), ("gemma2", "gemma2"),
    ("phi3", "phi3 with a sliding window"), ("olmo2", "olmo2"), ("granite", "granite with biases"),
  ])
  func ggufRefusals(name: String, phrase: String) throws {
    let imported = try Imported(Golden(name).path)
    let found = error {
      try GGUFExport.write(imported.file, try Golden(name).tokenizer(), to: imported.folder.file("x.gguf"))
    }
    #expect(found?.contains("llama.cpp does not support \(phrase)") == true, "\(found ?? "taken")")
  }
}
