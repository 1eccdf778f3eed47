import Support
import TestSupport
import Testing

@testable import Interchange

/// A golden model's folder with something changed: each has its own error, with file and field or tensor.
@Suite struct MalformedModelTests {
  private let folder = TemporaryFolder()
  private var config: String { folder.file("config.json") }
  private var weights: String { folder.file("model.safetensors") }
  private static let mixed = "Copy the folder again; configuration and weights do not belong to the same model."

  /// - Parameters:
  ///   - change: of the fields of config.json.
  ///   - tensors: of what the header says of each tensor.
  private func refusal(
    _ name: String, _ change: (inout [String: JSONValue]) -> Void = { _ in },
    tensors: ((inout [String: JSONValue]) -> Void)? = nil, data: ((inout [UInt8]) -> Void)? = nil
  ) throws -> String? {
    let golden = try Golden(name)
    var fields = try JSONFile.read(
      [String: JSONValue].self, from: "\(golden.path)/config.json", .configuration)
    change(&fields)
    try folder.write(JSON.encode(fields), to: "config.json")
    let bytes = try Files.read("\(golden.path)/model.safetensors")
    let length = (0..<8).reduce(0) { $0 | Int(bytes[$1]) << (8 * $1) }
    var header = try JSON.decode(
      [String: JSONValue].self, from: Array(bytes[8..<8 + length]), at: "header")
    tensors?(&header)
    var rest = Array(bytes[(8 + length)...])
    data?(&rest)
    let text = String(decoding: try JSON.encode(header), as: UTF8.self)
    try folder.write(RawSafetensors(header: text, data: rest).bytes(), to: "model.safetensors")
    return error { _ = try Imported(folder.path) }
  }

  @Test("what is not changed is imported")
  func sound() throws {
    for name in ["gpt2", "neox-parallel", "llama-rope", "qwen3"] { #expect(try refusal(name) == nil) }
  }

  @Test("a folder without a configuration, or with one of a gigabyte")
  func configurations() throws {
    try folder.write("{}", to: "other.json")
    #expect(
      error { _ = try HuggingFaceModel(folder: folder.path) }
        == "\(folder.path): has no config.json. Name the folder of a model in Hugging Face's form.")
    try folder.write("{}", to: "config.json")
    try folder.write("{}", to: "model.safetensors")
    try folder.resize("config.json", to: 1 << 30)
    #expect(
      error { _ = try HuggingFaceModel(folder: folder.path) }
        == "\(config): has 1073741824 bytes; the limit for such a file is 1048576. Name another file.")
    try folder.write("{\"vocab_size\":1,\"vocab_size\":2}", to: "config.json")
    #expect(
      error { _ = try HuggingFaceModel(folder: folder.path) }
        == "\(config), byte 16: the key \"vocab_size\" appears twice in one object. Leave one of the two out.")
  }

  @Test("an architecture that is unknown, missing, ambiguous or contradicted")
  func architectures() throws {
    #expect(
      try refusal("llama-rope") { $0["architectures"] = .array([.string("MambaForCausalLM")]) }
        == "\(config): the architecture MambaForCausalLM is unknown. Supported: GPT2LMHeadModel, GPTNeoXForCausalLM, "
        + "LlamaForCausalLM, Qwen2ForCausalLM, Qwen3ForCausalLM, MistralForCausalLM, SmolLM3ForCausalLM, "
        + "Olmo2ForCausalLM, GraniteForCausalLM, Gemma2ForCausalLM, Gemma3ForCausalLM, Phi3ForCausalLM, "
        + "and the same families' …ForSequenceClassification with one label.")
    let nameless = "\(config): \"architectures\" does not name one class. Copy the file again, or add the class."
    #expect(try refusal("llama-rope") { $0["architectures"] = nil } == nameless)
    #expect(
      try refusal("llama-rope") {
        $0["architectures"] = .array([.string("LlamaForCausalLM"), .string("Qwen2ForCausalLM")])
      } == nameless)
    #expect(
      try refusal("llama-rope") { $0["model_type"] = .string("qwen2") }
        == "\(config): the architecture is LlamaForCausalLM, but \"model_type\" is \"qwen2\". "
        + "Correct one of the two.")
  }

  /// Golden, field, value, what is wrong, remedy.
  private static let unsupported: [(String, String, JSONValue, String, String)] = {
    let never = "Such a model cannot be imported."
    let activations = "Supported: gelu, gelu_new, gelu_fast, gelu_pytorch_tanh and silu."
    let again = "Copy the file again, or correct it."
    let one = "Correct one of the two."
    return [
      ("llama-rope", "hidden_act", .string("relu"), "the activation \"relu\" (\"hidden_act\") is unknown",
        activations),
      ("llama-rope", "hidden_act", .string("gelu"),
        "the activation \"gelu\" (\"hidden_act\") does not suit this architecture", never),
      ("gpt2", "activation_function", .string("tanh"),
        "the activation \"tanh\" (\"activation_function\") is unknown", activations),
      ("gpt2", "scale_attn_weights", .bool(false), "\"scale_attn_weights\" is false", never),
      ("gpt2", "scale_attn_by_inverse_layer_idx", .bool(true),
        "\"scale_attn_by_inverse_layer_idx\" is true", never),
      ("gpt2", "add_cross_attention", .bool(true), "\"add_cross_attention\" is true", never),
      ("gpt2", "n_head", .number(5), "\"n_embd\" 36 is not divisible by \"n_head\" 5", one),
      ("llama-rope", "num_key_value_heads", .number(4),
        "\"num_attention_heads\" 6 is not divisible by \"num_key_value_heads\" 4", one),
      ("llama-rope", "quantization_config", .object(["bits": .number(4)]),
        "the weights are quantised (\"quantization_config\")",
        "Import the float model, with --int8 for a quantised one."),
      ("llama-rope", "partial_rotary_factor", .number(0.5), "\"partial_rotary_factor\" is 0.5", never),
      ("llama-rope", "vocab_size", .string("277"),
        "\"vocab_size\" is not a whole number in 1…16,777,216", again),
      ("llama-rope", "vocab_size", .number(0.5),
        "\"vocab_size\" is not a whole number in 1…16,777,216", again),
      ("llama-rope", "hidden_size", .null, "the key \"hidden_size\" is missing", "Copy the file again, or add it."),
      ("llama-rope", "tie_word_embeddings", .number(1), "\"tie_word_embeddings\" is not true or false", again),
      ("qwen2", "use_sliding_window", .bool(true), "a sliding window is in use (\"use_sliding_window\")", never),
      ("qwen3", "layer_types", .array([.string("full_attention"), .string("sliding_attention")]),
        "a layer's attention is \"sliding_attention\" (\"layer_types\")", never),
      ("neox-parallel", "rotary_pct", .number(0.4),
        "\"partial_rotary_factor\" is 0.25, but the rope that the other keys describe has 0.4",
        "Remove the one that the model was not trained with."),
      ("neox-parallel", "rope_scaling", .object(["type": .string("linear"), "factor": .number(2)]),
        "the rope type \"linear\" is unknown", "Supported: default and llama3."),
      ("llama-reward", "id2label", .object(["0": .string("a"), "1": .string("b")]),
        "the classifier has 2 labels, but a reward model has one", "Import a model with one label."),
      ("llama-reward", "tinyrlhf_reward", .object(["head_bias": .number(1e300)]),
        "\"head_bias\" is not a float32 number", again),
    ]
  }()

  @Test("a field that changes what is computed is refused by its name", arguments: unsupported.indices)
  func fields(index: Int) throws {
    let (name, field, value, what, remedy) = Self.unsupported[index]
    let place = field == "tinyrlhf_reward" ? ", \"tinyrlhf_reward\"" : value["type"] != nil ? ", \"rope_scaling\"" : ""
    if name == "qwen2" {
      // It is sharded.
      var fields = try JSONFile.read(
        [String: JSONValue].self, from: "\(Golden(name).path)/config.json", .configuration)
      fields[field] = value
      fields["layer_types"] = nil
      fields["max_window_layers"] = .number(1)
      fields["sliding_window"] = .number(8)
      #expect(
        error { _ = try HuggingFaceConfiguration(ConfigurationFields(fields, at: config)) }
          == "\(config): \(what). \(remedy)")
      return
    }
    #expect(try refusal(name) { $0[field] = value } == "\(config)\(place): \(what). \(remedy)")
  }

  @Test("a share of a head that is no even number of elements is refused")
  func share() throws {
    let message = try refusal("neox-parallel") {
      for key in ["rotary_pct", "partial_rotary_factor"] { $0[key] = .number(0.4) }
    }
    #expect(
      message
        == "\(config): the rotary share 0.4 of a head of 8 is not an even number of elements. "
        + "Such a model cannot be imported.")
  }

  @Test("an unembedding that is missing names the key that says whether there is one")
  func unembedding() throws {
    #expect(
      try refusal("llama-rope", tensors: { $0["model.extra.weight"] = $0.removeValue(forKey: "lm_head.weight") })
        == "\(weights): the tensor \"lm_head.weight\" [279, 36] is missing. If the model multiplies with its token "
        + "embedding there, set \"tie_word_embeddings\" to true in config.json; else copy the folder again.")
  }

  @Test("a pad token that the embedding has not is warned of, and a classifier's is kept")
  func padTokens() throws {
    func read(_ name: String, _ pad: Double) throws -> HuggingFaceConfiguration {
      var fields = try JSONFile.read(
        [String: JSONValue].self, from: "\(Golden(name).path)/config.json", .configuration)
      fields["pad_token_id"] = .number(pad)
      return try HuggingFaceConfiguration(ConfigurationFields(fields, at: config))
    }
    #expect(try read("llama-rope", 5).padToken == nil && read("llama-rope", 5).warnings.isEmpty)
    #expect(try read("llama-reward", 5).padToken == 5)
    for pad in [279.0, -1] {
      let read = try read("llama-reward", pad)
      #expect(
        read.padToken == nil && read.warnings == [
          "\(config): \"pad_token_id\" is \(Int(pad)), but the embedding has 279 rows: the token is left out."
        ])
    }
  }

  @Test("ropes of both forms are read, and a type that is unknown is refused by name")
  func ropes() throws {
    let together: JSONValue = .object([
      "rope_type": .string("llama3"), "rope_theta": .number(500), "factor": .number(8),
      "low_freq_factor": .number(1), "high_freq_factor": .number(4),
      "original_max_position_embeddings": .number(16),
    ])
    let golden = try Golden("llama-rope")
    let fields = try JSONFile.read(
      [String: JSONValue].self, from: "\(golden.path)/config.json", .configuration)
    let expected = try HuggingFaceConfiguration(ConfigurationFields(fields, at: config)).architecture
    #expect(expected.ropeScaling?.originalContext == 16 && expected.rotaryTheta == 500)
    var other = fields
    other["rope_theta"] = nil
    other["rope_scaling"] = nil
    other["rope_parameters"] = together
    #expect(
      try HuggingFaceConfiguration(ConfigurationFields(other, at: config)).architecture == expected)
    #expect(
      try refusal("llama-rope") { $0["rope_scaling"] = .object(["rope_type": .string("yarn")]) }
        == "\(config), \"rope_scaling\": the rope type \"yarn\" is unknown. Supported: default and llama3.")
    #expect(
      try refusal("llama-rope") { $0["rope_scaling"] = .object(["rope_type": .string("llama3")]) }
        == "\(config), \"rope_scaling\": the key \"factor\" is missing. Copy the file again, or add it.")
  }

  @Test("a tensor that is missing, of another shape, of another type, or superfluous")
  func tensors() throws {
    let norm = "model.norm.weight"
    #expect(
      try refusal("llama-rope", tensors: { $0["other"] = $0.removeValue(forKey: norm) })
        == "\(weights): the tensor \"\(norm)\" [36] is missing. \(Self.mixed)")
    #expect(
      try refusal("llama-rope", { $0["intermediate_size"] = .number(51) })
        == "\(weights), tensor \"model.layers.0.mlp.gate_proj.weight\": its shape is [50, 36], but the "
        + "configuration says [51, 36]. \(Self.mixed)")
    #expect(
      try refusal("llama-rope", { $0["vocab_size"] = .number(999) })
        == "\(weights), tensor \"model.embed_tokens.weight\": its shape is [279, 36], but the "
        + "configuration says [999, 36]. \(Self.mixed)")
    #expect(
      try refusal("llama-rope", tensors: { header in
        guard case .object(var record) = header[norm] else { return }
        record["dtype"] = .string("I32")
        header[norm] = .object(record)
      })
        == "\(weights), tensor \"\(norm)\": its type is I32, but the supported types are F32, F16 and BF16. "
        + "Convert it to one of them.")
    #expect(
      try refusal("llama-rope", { $0["num_hidden_layers"] = .number(1) })
        == "\(weights), tensor \"model.layers.1.input_layernorm.weight\": it belongs to no part of a "
        + "LlamaForCausalLM with this configuration. \(Self.mixed)")
  }

  @Test("a configuration that no file of this size can hold is refused before its names are listed")
  func forged() throws {
    for (field, value) in [("num_hidden_layers", 1 << 24), ("vocab_size", 1 << 24)] {
      let message = try refusal("neox-parallel") { $0[field] = .number(Double(value)) }
      #expect(message?.hasPrefix("\(weights): the configuration needs more than the 28 tensors of ") == true)
      #expect(message?.hasSuffix(" bytes that are there. \(Self.mixed)") == true)
    }
    #expect(
      try refusal("neox-parallel") {
        for key in ["hidden_size", "intermediate_size"] { $0[key] = .number(16_777_216) }
        $0["num_attention_heads"] = .number(4_194_304)
        for key in ["rotary_pct", "partial_rotary_factor"] { $0[key] = .number(1) }
      }?.contains("the configuration needs more") == true)
  }

  @Test("an unembedding that the configuration ties must be the embedding")
  func tied() throws {
    #expect(
      try refusal("llama-rope", { $0["tie_word_embeddings"] = .bool(true) })
        == "\(weights), tensor \"lm_head.weight\": it differs from the token embedding, but the configuration "
        + "says that the two are tied. Set \"tie_word_embeddings\" to what the model was trained with.")
    // The same bytes under both names are one tensor twice.
    #expect(
      try refusal("llama-rope", { $0["tie_word_embeddings"] = .bool(true) }, tensors: { _ in }, data: { bytes in
        let count = 279 * 36 * 4
        bytes.replaceSubrange(count..<2 * count, with: bytes[..<count])
      }) == nil)
  }

  @Test("a value that is not finite is refused when it is read, with file and tensor")
  func values() throws {
    #expect(
      try refusal("llama-rope", data: { $0.replaceSubrange(0..<4, with: [0, 0, 0xC0, 0x7F]) })
        == "\(weights), tensor \"lm_head.weight\": a value is nan. "
        + "Copy the file again; such a value is not usable.")
  }

  @Test("a context that the model does not have is a wrong use")
  func context() throws {
    let golden = try Golden("gpt2")
    for context in [0, 41] {
      #expect(
        error { _ = try HuggingFaceModel(folder: golden.path, context: context) }
          == "--context \(context) is not in 1…40, the range of the model. Choose a number in this range.")
    }
  }
}
