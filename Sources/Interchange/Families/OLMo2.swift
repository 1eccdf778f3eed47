import Models
import Support

extension Family {
  /// Llama with norms on the outputs of the sub-layers instead of their inputs, and with norms that span all queries
  /// and all keys.
  static let olmo2: Family = Family(
    name: "Olmo2", modelType: "olmo2", ggufName: "olmo2",
    tensors: .llama.with([
      "norm1": [], "output_norm1": ["post_attention_layernorm"], "norm2": [],
      "output_norm2": ["post_feedforward_layernorm"],
    ]),
    ggufTensors: .gguf,
    keys: llamaKeys + use(["attention_bias"]),
    features: [
      .ropeScaling, .attentionBias, .attentionOutputBias, .outputNorms, .noInputNorms, .headNorms, .wideHeadNorms,
    ],
    refusal: { a in
      if a.normPlacement != .after || !a.queryKeyNormSpansHeads { return "norms that are not those of OLMo 2" }
      return a.attentionBias == a.attentionOutputBias ? nil : "norms of queries and keys with these biases"
    },
    standardPad: 1,
    read: { fields, warnings in
      try fields.refuseLayerTypes()
      var a = try fields.likeLlama(.olmo2, epsilon: 1e-5, &warnings)
      try fields.readAttentionBias(&a)
      norms(&a)
      return a
    },
    write: { likeLlama($0).merging(["attention_bias": .bool($0.attentionBias)]) { $1 } },
    readGGUF: { shape, a in
      try shape.likeLlama(&a)
      norms(&a)
    },
    repeatsTiedUnembedding: true,
    ggufRefusal: { a in
      if a.ropeScaling != nil || a.attentionBias { return "olmo2 with biases or a scaled rope" }
      return a.headDim * a.heads == a.dModel ? nil : "olmo2 with heads that do not add up to the width"
    })

  private static func norms(_ a: inout Architecture) {
    a.normPlacement = .after
    a.queryKeyNorm = true
    a.queryKeyNormSpansHeads = true
  }
}
