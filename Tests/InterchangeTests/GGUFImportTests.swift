import Foundation
import Support
import TestSupport
import Testing

@testable import Checkpoints
@testable import Interchange
@testable import Models
@testable import Tensors
@testable import Tokenizers

/// GGUF files as they come in.
@Suite struct GGUFImportTests {
  /// A golden, exported and opened again.
  private struct Returned {
    let before: Imported
    let tokenizer: Tokenizer
    let path: String
    let model: GGUFModel

    init(_ name: String, _ precision: GGUFExport.Precision = .float32, context: Int? = nil) throws {
      let golden = try Golden(name)
      before = try Imported(golden.path)
      tokenizer = try golden.tokenizer()
      path = before.folder.file("model.gguf")
      try GGUFExport.write(before.file, tokenizer, to: path, precision: precision)
      model = try GGUFModel(path, context: context)
    }
  }

  /// Tensors as they are written.
  private func floats(_ tensors: [TensorSource]) throws -> [String: [Float]] {
    var all: [String: [Float]] = [:]
    for tensor in tensors {
      var bytes: [UInt8] = []
      try tensor.stream! { bytes += $0 }
      all[tensor.name] = bytes.withUnsafeBytes { buffer in
        (0..<buffer.count / 4).map { buffer.loadUnaligned(fromByteOffset: 4 * $0, as: Float.self) }
      }
    }
    return all
  }

  @Test("what goes out as float32 comes in with the same bits, architecture and tokens", arguments: Golden.languageModels)
  func roundTrip(name: String) throws {
    // llama.cpp has no GPT-2 with the exact GELU.
    guard name != "gpt2-bare" else { return }
    let returned = try Returned(name)
    let (model, before) = (returned.model, returned.before.model)
    #expect(model.architecture == before.architecture)
    #expect(model.className == before.className && !model.isReward && model.padToken == nil)
    #expect(model.warnings.isEmpty && model.quantizedTypes.isEmpty, "\(model.warnings)")
    let (a, b) = (try floats(model.tensors), try floats(before.tensors))
    #expect(Set(a.keys) == Set(b.keys) && model.parameterCount == before.parameterCount)
    for (key, values) in b { #expect(a[key]?.map(\.bitPattern) == values.map(\.bitPattern), "\(key)") }
    let (tokenizer, notes) = try model.tokenizer(.test())
    #expect(notes.allSatisfy { $0.hasPrefix("No chat template was found") }, "\(notes)")
    #expect(tokenizer.endToken == returned.tokenizer.endToken)
    #expect(tokenizer.chatFormat.documentBegin == returned.tokenizer.chatFormat.documentBegin)
    for text in ["the cat sat on the mats", "They'll say: \u{E9}e\u{301} 1234 567", "  \n\n\t x<|endoftext|>", ""] {
      #expect(tokenizer.encode(text) == returned.tokenizer.encode(text), "\(text)")
    }
    let sources = try model.sources()
    let bytes = try Files.read(returned.path)
    #expect(sources.map(\.name) == ["model.gguf"] && sources.map(\.hash) == [Hash.xxh64(bytes)])
  }

  @Test("float16 comes in as the nearest of what went out")
  func precisions() throws {
    let half = try Returned("llama-rope", .float16)
    let (a, b) = (try floats(half.model.tensors), try floats(half.before.model.tensors))
    for (key, values) in b {
      let isMatrix = half.before.file.layout.trunk.first { $0.name == key }!.dims.count == 2
      #expect(a[key] == (isMatrix ? values.map { Float(Float16($0)) } : values), "\(key)")
    }
  }

  @Test("a shorter context is taken, and a longer one refused; learned positions beyond it are left")
  func contexts() throws {
    let returned = try Returned("gpt2", context: 5)
    #expect(returned.model.architecture.context == 5)
    let positions = try #require(try floats(returned.model.tensors)["position_embedding.weight"])
    let whole = try #require(try floats(returned.before.model.tensors)["position_embedding.weight"])
    #expect(positions == Array(whole[..<positions.count]) && positions.count == 5 * returned.model.architecture.dModel)
    let message = error { _ = try GGUFModel(returned.path, context: 4096) }
    #expect(message?.contains("--context 4096 is not in 1…\(returned.before.model.architecture.context)") == true)
  }

  @Test("blocks of 32 come in as the file's own values, by rows, and are named")
  func blocks() throws {
    let folder = TemporaryFolder()
    let wide = Architecture(
      layers: 1, dModel: 64, heads: 2, kvHeads: 1, dFF: 96, vocabulary: 279, context: 16, norm: .rmsNorm,
      position: .rotary, rotaryDim: 32, mlp: .swiglu, attentionBias: false, mlpBias: false, normBias: false)
    let random = try RandomModel(wide, in: folder)
    let path = folder.file("wide.gguf")
    try GGUFExport.write(random.file, Golden("llama-rope").tokenizer(vocabulary: 279), to: path, precision: .q8)
    let model = try GGUFModel(path)
    #expect(model.architecture == wide && model.quantizedTypes == ["Q8_0"])
    for (key, values) in try floats(model.tensors) {
      let layout = random.file.layout.trunk.first { $0.name == key }!
      let exact = try #require(try random.file.parameters().stored(key)?.floats)
      for i in values.indices {
        guard layout.dims.count == 2 else {
          #expect(values[i] == exact[i], "\(key)")
          continue
        }
        let largest = (i / 32 * 32..<i / 32 * 32 + 32).reduce(Float(0)) { max($0, exact[$1].magnitude) }
        // Half a step, and what float16 rounds off the scale.
        if abs(values[i] - exact[i]) > largest / 127 * 0.5 + largest * 0.0006 { Issue.record("\(key) \(i)") }
      }
    }
  }

  private func model(_ change: (inout RawGGUF) -> Void) throws -> GGUFModel {
    var file = RawGGUF.llama
    change(&file)
    return try GGUFModel(file.archive())
  }

  private func refusal(_ change: (inout RawGGUF) -> Void) -> String? {
    error { _ = try model(change) }.map { String($0.dropFirst("x.gguf: ".count)) }
  }

  @Test("numbers that llama.cpp has a default for, and numbers for each layer")
  func defaults() throws {
    let plain = try model { _ in }.architecture
    #expect(plain.rotaryTheta == 10_000 && plain.headDim == 4 && plain.tiedEmbeddings && !plain.attentionBias)
    let other = try model {
      $0["llama.rope.freq_base"] = .float32(500)
      $0["llama.feed_forward_length"] = .int32s([6])
      $0["llama.attention.head_count_kv"] = .int32s([1, 1])
      $0["llama.rope.dimension_count"] = nil
      $0["llama.vocab_size"] = .uint32(267)
      $0["llama.rope.scaling.type"] = .text("none")
      $0["llama.expert_count"] = .uint32(0)
    }
    var expected = plain
    expected.rotaryTheta = 500
    #expect(other.architecture == expected && other.warnings.isEmpty)
    #expect(refusal { $0["llama.attention.head_count_kv"] = .int32s([1, 2]) }?.contains("\"llama.attention.head_count_kv\" is not a whole number") == true)
  }

  @Test("what changes the computation is refused by its key")
  func refusals() {
    for (key, value, said) in [
      ("attention.sliding_window", .uint32(4096), "4096"), ("attn_logit_softcapping", .float32(50), "50"),
      ("final_logit_softcapping", .float32(30), "30"), ("expert_count", .uint32(8), "8"),
      ("logit_scale", .float32(0.5), "0.5"), ("embedding_scale", .float32(12), "12"),
      ("residual_scale", .float32(0.25), "0.25"), ("attention.scale", .float32(0.125), "0.125"),
      ("attention.causal", .bool(0), "false"), ("pooling_type", .uint32(3), "3"),
      ("classifier.output_labels", .texts(["yes"]), "[\"yes\"]"),
    ] as [(String, RawGGUF.Value, String)] {
      let message = refusal { $0["llama.\(key)"] = value }
      #expect(message == "\"llama.\(key)\" is \(said). Such a model cannot be imported.", "\(message ?? "taken")")
    }
    #expect(refusal { $0["llama.rope.scaling.type"] = .text("yarn") }?.hasPrefix("\"llama.rope.scaling.type\" is \"yarn\"") == true)
    #expect(refusal { $0["llama.rope.scaling.factor"] = .float32(4) }?.contains("the rope is scaled linearly") == true)
    #expect(refusal { $0["llama.rope.dimension_count"] = .uint32(2) }?.contains("is 2, but a head has 4") == true)
    #expect(
      refusal { $0["llama.attention.value_length"] = .uint32(8) }?
        .contains("\"llama.attention.value_length\" is 8, but a head's keys have 4") == true)
    #expect(refusal { $0["llama.logit_scale"] = .float32(.nan) }?.contains("is \"nan\"") == true)
    #expect(refusal { $0["llama.vocab_size"] = .uint32(300) }?.hasPrefix("\"llama.vocab_size\" is 300, but there are 267 tokens") == true)
    #expect(refusal { $0["llama.block_count"] = nil }?.hasPrefix("the key \"llama.block_count\" is missing") == true)
    #expect(
      refusal { $0["llama.attention.new_bias"] = .float32(1) }
        == "\"llama.attention.new_bias\" is 1: the key is unknown, "
        + "and its name suggests that it changes what the model computes. "
        + "Remove the key if llama.cpp computes the same without it.")
  }

  @Test("a key that nobody knows is named, and one of another architecture left alone")
  func warnings() throws {
    let warned = try model {
      $0["llama.mood"] = .text("good")
      $0["llama.attention.new_bias"] = .float32(0)
      $0["qwen2.attention.new_bias"] = .float32(1)
      $0["general.finetune"] = .text("x")
    }
    #expect(
      warned.warnings == [
        "x.gguf: \"llama.attention.new_bias\", which is 0, is unknown and ignored.",
        "x.gguf: \"llama.mood\", which is \"good\", is unknown and ignored.",
      ])
  }

  @Test("an unembedding with the embedding's bytes is the embedding, and another stands apart")
  func tied() throws {
    let twice = try model { file in
      file.tensors.append(file.tensors[0])
      file.tensors[11].name = "output.weight"
    }
    #expect(twice.architecture.tiedEmbeddings)
    let apart = try model { file in
      file.tensors.append(file.tensors[0])
      file.tensors[11].name = "output.weight"
      file.tensors[11].data[3] ^= 1
    }
    #expect(!apart.architecture.tiedEmbeddings)
    #expect(apart.parameterCount == twice.parameterCount + 8 * 267)
  }

  @Test("biases of Llama are known by their tensors")
  func biases() throws {
    func add(_ names: [(String, Int)], to file: inout RawGGUF) {
      for (name, count) in names {
        let values = (0..<count).map { Float($0) }
        file.tensors.append(.init(name: "blk.0.\(name).bias", dims: [UInt64(count)], type: 0, data: RawGGUF.floats(values)))
      }
    }
    let some = try model { add([("attn_q", 8), ("attn_k", 4), ("attn_v", 4)], to: &$0) }
    #expect(some.architecture.attentionBias && !some.architecture.attentionOutputBias && !some.architecture.mlpBias)
    // Turned as the weights are.
    let bias = try #require(try floats(some.tensors)["layers.0.attention.qkv.bias"])
    #expect(bias == [0, 2, 1, 3, 4, 6, 5, 7, 0, 2, 1, 3, 0, 1, 2, 3])
    let all = try model {
      add([("attn_q", 8), ("attn_k", 4), ("attn_v", 4), ("attn_output", 8), ("ffn_gate", 6), ("ffn_up", 6), ("ffn_down", 8)], to: &$0)
    }
    #expect(all.architecture.attentionOutputBias && all.architecture.mlpBias)
  }

  @Test("factors of the rope are those of Llama 3, or are refused")
  func ropes() throws {
    func refusal(_ factors: [Float]) -> String? {
      self.refusal { $0.tensors.append(.init(name: "rope_freqs.weight", dims: [UInt64(factors.count)], type: 0, data: RawGGUF.floats(factors))) }
    }
    #expect(refusal([1, 1]) == nil)
    #expect(refusal([1, 2, 3])?.contains("its shape is [3], but the metadata says [2]") == true)
    #expect(refusal([2, 1])?.contains("its factors are not those of a rope scaled as in Llama 3") == true)
    #expect(refusal([.nan, 1])?.contains("its factors are not those of") == true)
    // Every scaling that models have is found by what it makes.
    var a = try model { _ in }.architecture
    for (factor, context, headDim, theta) in [(8, 8192, 128, 500_000), (32, 8192, 64, 500_000), (4, 2048, 64, 10_000)] {
      (a.headDim, a.rotaryDim, a.rotaryTheta) = (headDim, headDim, Float(theta))
      let scaling = RotaryScaling(
        factor: Float(factor), lowFrequencyFactor: 1, highFrequencyFactor: 4, originalContext: context)
      #expect(try GGUFRope.scaling(GGUFRope.factors(of: scaling, a), of: a, at: "here") == scaling)
    }
  }

  @Test("GPT-NeoX without a word on its GELU has the exact one, with a warning")
  func geluOfNeoX() throws {
    let returned = try Returned("neox-sequential")
    #expect(returned.model.architecture.mlp == .gelu)
    var bytes = try Files.read(returned.path)
    let key = Array("tinyrlhf.hidden_act".utf8)
    let place = try #require(bytes.indices.first { bytes[$0...].starts(with: key) })
    bytes[place] = UInt8(ascii: "T")
    let other = try GGUFModel(RawGGUF.archive(bytes))
    #expect(other.architecture.mlp == .geluExact)
    #expect(other.warnings == ["x.gguf: no key says which GELU the model uses; the exact one of GPT-NeoX is assumed."])
  }

  @Test("a path is opened as what it is: a folder, a GGUF file, or something else by its name")
  func opening() throws {
    let returned = try Returned("qwen2")
    #expect(try IncomingModels.open(returned.path) is GGUFModel)
    #expect(try IncomingModels.open(Golden("qwen2").path) is HuggingFaceModel)
    let folder = TemporaryFolder()
    try folder.write([1, 2, 3], to: "notes.txt")
    #expect(
      error { _ = try IncomingModels.open(folder.file("notes.txt")) }
        == "\(folder.file("notes.txt")): is not a folder. Name the folder of a model in Hugging Face's form, or a GGUF file.")
    #expect(
      ForeignModel.failure(at: returned.path)?.remedy
        == "Make a checkpoint from it with `tinyrlhf import \(returned.path) -o FILE`.")
  }
}
