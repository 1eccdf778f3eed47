import Models
import Support

extension Family {
  /// GPT-NeoX and Pythia.
  static let gptNeoX: Family = Family(
    name: "GPTNeoX", languageModel: "GPTNeoXForCausalLM", modelType: "gpt_neox", ggufName: "gptneox",
    tensors: TensorNames(
      prefix: "gpt_neox.",
      outer: ["token_embedding": "embed_in", "final_norm": "final_layer_norm", "unembedding": "embed_out"],
      layers: "layers",
      inner: [
        "norm1": ["input_layernorm"], "norm2": ["post_attention_layernorm"],
        "attention.qkv": ["attention.query_key_value"], "attention.output": ["attention.dense"],
        "mlp.up": ["mlp.dense_h_to_4h"], "mlp.down": ["mlp.dense_4h_to_h"],
      ],
      buffers: [".attention.bias", ".attention.masked_bias", ".rotary_emb.inv_freq"],
      arrangements: ["attention.qkv": .interleavedHeads]),
    ggufTensors: .ggufFused,
    keys: use([
      "num_hidden_layers", "hidden_size", "num_attention_heads", "intermediate_size",
      "max_position_embeddings", "layer_norm_eps", "hidden_act", "attention_bias",
      "use_parallel_residual", "rotary_pct", "rotary_emb_base",
    ]) + ignore(["attention_dropout", "hidden_dropout", "classifier_dropout"]) + rotaryKeys,
    ggufKeys: use(["attention.layer_norm_epsilon", "use_parallel_residual"]) + GGUFKeys.rotary,
    isLikeLlama: false,
    features: [.layerNorm, .partialRotary, .parallelResidual],
    refusal: likeGPT2,
    rope: RopeNames(base: "rotary_emb_base", share: "rotary_pct", standardShare: 0.25),
    read: { try $0.gptNeoX(&$1) },
    write: { a in
      [
        "num_hidden_layers": .count(a.layers), "hidden_size": .count(a.dModel),
        "num_attention_heads": .count(a.heads), "intermediate_size": .count(a.dFF),
        "max_position_embeddings": .count(a.context), "layer_norm_eps": .decimal(a.normEpsilon),
        "hidden_act": .string(gelu(a)), "rotary_pct": .number(rotaryShare(a)),
        "rotary_emb_base": .decimal(a.rotaryTheta), "attention_bias": .bool(a.attentionBias),
        "use_parallel_residual": .bool(a.parallelResidual),
      ]
    },
    readGGUF: { shape, a in
      try shape.layerNorm(&a)
      try shape.rotary(&a)
      a.parallelResidual = try shape.fields.bool(shape.key("use_parallel_residual"), default: true)
    },
    writeGGUF: { a, name, gguf in
      gguf.add("\(name).attention.layer_norm_epsilon", .float32(a.normEpsilon))
      gguf.add("\(name).use_parallel_residual", .bool(a.parallelResidual))
      // llama.cpp supports only one GELU; this key tells this program which one the model was trained with.
      gguf.add(GGUFConfiguration.activationKey, gelu(a))
    },
    repeatsTiedUnembedding: true, ggufRefusal: { $0.attentionBias ? nil : "GPT-NeoX without biases" })

  /// The share of a head that is rotated. `transformers` truncates its product with the head's width; the next larger
  /// number compensates for rounding.
  static func rotaryShare(_ a: Architecture) -> Double {
    let share = Double(a.rotaryDim) / Double(a.headDim)
    return Int(Double(a.headDim) * share) < a.rotaryDim ? share.nextUp : share
  }
}

extension ConfigurationFields {
  fileprivate func gptNeoX(_ warnings: inout [String]) throws -> Architecture {
    let width = try count("hidden_size")
    let heads = try heads("num_attention_heads", of: width, named: "hidden_size")
    let (rope, found) = try rope(.gptNeoX)
    warnings += found
    guard rope.scaling == nil else { throw unsupported("GPT-NeoX with a scaled rope") }
    let bias = try bool("attention_bias", default: true)
    return Architecture(
      layers: try count("num_hidden_layers"), dModel: width, heads: heads,
      dFF: try count("intermediate_size"), vocabulary: try count("vocab_size"),
      context: try count("max_position_embeddings"),
      normEpsilon: Float(try optionalNumber("layer_norm_eps") ?? 1e-5), position: .rotary,
      rotaryDim: try rotaryDim(rope.share, of: width / heads), rotaryTheta: Float(rope.theta),
      mlp: try mlp("hidden_act", default: "gelu", isGated: false, allowed: [.geluTanh, .geluExact]),
      attentionBias: bias,
      tiedEmbeddings: try bool("tie_word_embeddings", default: false),
      parallelResidual: try bool("use_parallel_residual", default: true))
  }
}
