import Models
import Support

extension Family {
  static let llama: Family = Family(
    name: "Llama", modelType: "llama", ggufName: "llama", tensors: .llama, ggufTensors: .ggufPairs,
    keys: llamaKeys
      + use(["attention_bias", "mlp_bias"]) + ignore(["pretraining_tp", "max_window_layers"])
      + [("use_sliding_window", .off), ("sliding_window", .must([]))],
    features: [.ropeScaling, .attentionBias, .attentionOutputBias, .mlpBias],
    refusal: { a in
      // Since version 5, `transformers` does not load such a Llama, but it loads such a Mistral or Granite.
      a.dModel % a.heads == 0 ? unequalBiases(a) : "a width that is not divisible by the number of heads"
    },
    read: { fields, warnings in
      try fields.refuseLayerTypes()
      var a = try fields.likeLlama(.llama, &warnings)
      try fields.readAttentionBias(&a)
      a.mlpBias = try fields.bool("mlp_bias", default: false)
      return a
    },
    write: { a in
      likeLlama(a).merging(["attention_bias": .bool(a.attentionBias), "mlp_bias": .bool(a.mlpBias)]) { $1 }
    },
    readGGUF: { shape, a in
      try shape.likeLlama(&a)
      a.attentionBias = shape.has("blk.0.attn_q.bias")
      a.attentionOutputBias = shape.has("blk.0.attn_output.bias")
      a.mlpBias = shape.has("blk.0.ffn_up.bias")
    })

  static let qwen2: Family = Family(
    name: "Qwen2", modelType: "qwen2", ggufName: "qwen2", tensors: .llama, ggufTensors: .gguf,
    keys: llamaKeys + qwenKeys + [("attention_bias", .must([.bool(true)]))],
    features: [.ropeScaling, .attentionBias],
    refusal: { $0.attentionBias ? nil : "attention without biases" },
    read: { fields, warnings in
      try fields.refuseSlidingWindow()
      var a = try fields.likeLlama(.qwen2, keyValueHeads: 32, &warnings)
      a.attentionBias = true
      return a
    },
    write: { likeLlama($0).merging(["use_sliding_window": .bool(false)]) { $1 } },
    readGGUF: { shape, a in
      try shape.likeLlama(&a)
      a.attentionBias = true
    },
    ggufRefusal: { $0.ropeScaling == nil ? nil : "qwen2 with a scaled rope" })

  static let qwen3: Family = Family(
    name: "Qwen3", modelType: "qwen3", ggufName: "qwen3", tensors: .llama, ggufTensors: .gguf,
    keys: llamaKeys + qwenKeys + use(["attention_bias"]),
    features: [.ropeScaling, .attentionBias, .attentionOutputBias, .headNorms],
    refusal: { a in
      if !a.queryKeyNorm { return "heads without norms" }
      return a.attentionBias == a.attentionOutputBias ? nil : "norms of queries and keys with these biases"
    },
    read: { fields, warnings in
      try fields.refuseSlidingWindow()
      var a = try fields.likeLlama(.qwen3, keyValueHeads: 32, headDim: 128, &warnings)
      try fields.readAttentionBias(&a)
      a.queryKeyNorm = true
      return a
    },
    write: { a in
      likeLlama(a).merging(["use_sliding_window": .bool(false), "attention_bias": .bool(a.attentionBias)]) { $1 }
    },
    readGGUF: { shape, a in
      try shape.likeLlama(&a)
      a.queryKeyNorm = true
    },
    ggufRefusal: { a in
      if a.ropeScaling != nil { return "qwen3 with a scaled rope" }
      return a.attentionBias ? "Qwen3 with biases" : nil
    })

  static let llamaKeys: Keys =
    use([
      "num_hidden_layers", "hidden_size", "num_attention_heads", "num_key_value_heads", "head_dim",
      "intermediate_size", "max_position_embeddings", "rms_norm_eps", "hidden_act", "layer_types",
    ]) + ignore(["attention_dropout"]) + rotaryKeys

  private static let qwenKeys: Keys =
    use(["use_sliding_window", "sliding_window", "max_window_layers"]) + [("mlp_bias", .off)]

  /// Refuses a bias of the attention's output without one of queries, keys and values, or the reverse: one key of
  /// `config.json` says both.
  static let unequalBiases: @Sendable (Architecture) -> String? = { a in
    a.attentionBias == a.attentionOutputBias ? nil : "biases of queries, keys, values and the MLP alone"
  }

  /// The fields of `config.json` that families which follow Llama share.
  static func likeLlama(_ a: Architecture) -> [String: JSONValue] {
    [
      "num_hidden_layers": .count(a.layers), "hidden_size": .count(a.dModel),
      "num_attention_heads": .count(a.heads), "num_key_value_heads": .count(a.kvHeads),
      "head_dim": .count(a.headDim), "intermediate_size": .count(a.dFF),
      "max_position_embeddings": .count(a.context), "rms_norm_eps": .decimal(a.normEpsilon),
      "hidden_act": .string("silu"), "rope_theta": .decimal(a.rotaryTheta),
      "rope_scaling": a.ropeScaling.map(llama3) ?? .null,
    ]
  }

  /// The keys of a GGUF file that families which follow Llama share.
  static let likeLlamaGGUF: @Sendable (Architecture, String, inout GGUFFile) -> Void = { a, name, gguf in
    gguf.add("\(name).attention.layer_norm_rms_epsilon", .float32(a.normEpsilon))
  }

  private static func llama3(_ scaling: RotaryScaling) -> JSONValue {
    .object([
      "rope_type": .string("llama3"), "factor": .decimal(scaling.factor),
      "low_freq_factor": .decimal(scaling.lowFrequencyFactor),
      "high_freq_factor": .decimal(scaling.highFrequencyFactor),
      "original_max_position_embeddings": .count(scaling.originalContext),
    ])
  }
}

extension ConfigurationFields {
  /// The architecture of a family that follows Llama: RMSNorm, SwiGLU, rotary positions over whole heads, no biases.
  /// - Parameters:
  ///   - keyValueHeads: the default of a missing key; nil for the number of heads, as for a null.
  ///   - headDim: the default; nil for the width divided by the number of heads.
  func likeLlama(
    _ family: Family, keyValueHeads: Int? = nil, headDim: Int? = nil, epsilon: Double = 1e-6,
    tiesEmbeddings: Bool = false, _ warnings: inout [String]
  ) throws -> Architecture {
    let width = try count("hidden_size")
    let heads = try count("num_attention_heads")
    let standard = object["num_key_value_heads"] == nil ? keyValueHeads ?? heads : heads
    let groups = try optionalCount("num_key_value_heads") ?? standard
    try requireDivisible(heads, named: "num_attention_heads", by: groups, named: "num_key_value_heads")
    let headDim = try optionalCount("head_dim") ?? headDim
      ?? width / (self.heads("num_attention_heads", of: width, named: "hidden_size"))
    let (rope, found) = try rope(family)
    warnings += found
    guard rope.share == 1 || family.features.contains(.partialRotary) else {
      throw unsupported("\"partial_rotary_factor\" is \(rope.share)")
    }
    guard rope.scaling == nil || family.features.contains(.ropeScaling) else {
      throw unsupported("\(family.name) with a scaled rope")
    }
    return Architecture(
      layers: try count("num_hidden_layers"), dModel: width, heads: heads, kvHeads: groups,
      headDim: headDim, dFF: try count("intermediate_size"), vocabulary: try count("vocab_size"),
      context: try count("max_position_embeddings"), norm: .rmsNorm,
      normEpsilon: Float(try optionalNumber("rms_norm_eps") ?? epsilon), position: .rotary,
      rotaryDim: try rotaryDim(rope.share, of: headDim), rotaryTheta: Float(rope.theta), ropeScaling: rope.scaling,
      mlp: try mlp(
        family.activationKey, default: family.activation == .silu ? "silu" : "gelu_pytorch_tanh", isGated: true,
        allowed: [family.activation]),
      attentionBias: false, mlpBias: false, normBias: false,
      tiedEmbeddings: try bool("tie_word_embeddings", default: tiesEmbeddings))
  }

  /// Reads whether queries, keys, values and the attention's output have biases.
  func readAttentionBias(_ a: inout Architecture) throws {
    a.attentionBias = try bool("attention_bias", default: false)
    a.attentionOutputBias = a.attentionBias
  }

  /// Refuses the sliding windows of Qwen's classes. If a file lists the kinds of its layers, only the list counts.
  fileprivate func refuseSlidingWindow() throws {
    try refuseLayerTypes()
    let layers = try count("num_hidden_layers")
    // If the key is missing, there is a window too, because Qwen's classes have a default size.
    let hasWindow = try optionalCount("sliding_window") != nil || object["sliding_window"] == nil
    // Only the layers from `max_window_layers` on use the window.
    let full = try optionalNumber("max_window_layers") ?? 28
    guard try bool("use_sliding_window", default: false), hasWindow, self["layer_types"] == nil, full < Double(layers)
    else { return }
    throw unsupported("a sliding window is in use (\"use_sliding_window\")")
  }
}
