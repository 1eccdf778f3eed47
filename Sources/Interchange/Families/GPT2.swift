import Models
import Support

extension Family {
  static let gpt2: Family = Family(
    name: "GPT2", languageModel: "GPT2LMHeadModel", modelType: "gpt2", ggufName: "gpt2",
    tensors: TensorNames(
      prefix: "transformer.",
      outer: [
        "token_embedding": "wte", "position_embedding": "wpe", "final_norm": "ln_f", "unembedding": "lm_head",
      ],
      layers: "h",
      inner: [
        "norm1": ["ln_1"], "norm2": ["ln_2"], "attention.qkv": ["attn.c_attn"],
        "attention.output": ["attn.c_proj"], "mlp.up": ["mlp.c_fc"], "mlp.down": ["mlp.c_proj"],
      ],
      buffers: [".attn.bias", ".attn.masked_bias"],
      arrangements: [
        "attention.qkv": .transposed, "attention.output": .transposed, "mlp.up": .transposed, "mlp.down": .transposed,
      ]),
    ggufTensors: .ggufFused,
    keys: use(
      [
        "n_layer", "n_embd", "n_head", "n_positions", "num_hidden_layers", "hidden_size",
        "num_attention_heads", "max_position_embeddings", "n_inner", "layer_norm_epsilon",
        "activation_function",
      ])
      + ignore([
        "n_ctx", "resid_pdrop", "embd_pdrop", "attn_pdrop", "reorder_and_upcast_attn", "summary_type",
        "summary_use_proj", "summary_activation", "summary_proj_to_labels", "summary_first_dropout",
      ])
      + [("scale_attn_weights", .must([.bool(true)])), ("scale_attn_by_inverse_layer_idx", .off)],
    ggufKeys: use(["attention.layer_norm_epsilon"]),
    isLikeLlama: false,
    features: [.learnedPositions, .layerNorm],
    refusal: { a in
      !a.attentionBias || a.parallelResidual
        ? "learned positions without biases, or with the MLP parallel to the attention" : likeGPT2(a)
    },
    read: { fields, _ in try fields.gpt2() },
    write: { a in
      [
        "n_layer": .count(a.layers), "n_embd": .count(a.dModel), "n_head": .count(a.heads),
        "n_inner": .count(a.dFF), "n_positions": .count(a.context),
        "layer_norm_epsilon": .decimal(a.normEpsilon), "activation_function": .string(gelu(a)),
        // Dropout of 0: this program trained without it.
        "attn_pdrop": .number(0), "embd_pdrop": .number(0), "resid_pdrop": .number(0),
      ]
    },
    readGGUF: { try $0.layerNorm(&$1) },
    writeGGUF: { a, name, gguf in
      gguf.add("\(name).attention.layer_norm_epsilon", .float32(a.normEpsilon))
    },
    ggufRefusal: { $0.mlp == .gelu ? nil : "GPT-2 with the exact GELU" })

  /// What families with LayerNorm and without a gate do not compute.
  static func likeGPT2(_ a: Architecture) -> String? {
    if !a.normBias || a.mlp.isGated || a.mlp == .silu { return "LayerNorm without biases, or with a gated MLP" }
    if a.kvHeads != a.heads || a.headDim * a.heads != a.dModel {
      return "LayerNorm with heads that are grouped or do not add up to the width"
    }
    return a.mlpBias && a.attentionBias == a.attentionOutputBias ? nil : "LayerNorm with these biases"
  }

  /// The name of a GELU.
  static func gelu(_ a: Architecture) -> String { a.mlp.activation == .geluTanh ? "gelu_new" : "gelu" }
}

extension ConfigurationFields {
  fileprivate func gpt2() throws -> Architecture {
    let width = try alias("n_embd", or: "hidden_size")
    let heads = try alias("n_head", or: "num_attention_heads")
    try requireDivisible(width, named: "n_embd", by: heads, named: "n_head")
    return Architecture(
      layers: try alias("n_layer", or: "num_hidden_layers"), dModel: width, heads: heads,
      dFF: try optionalCount("n_inner") ?? 4 * width, vocabulary: try count("vocab_size"),
      context: try alias("n_positions", or: "max_position_embeddings"),
      normEpsilon: Float(try optionalNumber("layer_norm_epsilon") ?? 1e-5),
      mlp: try mlp(
        "activation_function", default: "gelu_new", isGated: false, allowed: [.geluTanh, .geluExact]),
      tiedEmbeddings: try bool("tie_word_embeddings", default: true))
  }
}
