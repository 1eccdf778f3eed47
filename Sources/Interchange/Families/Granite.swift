import Models
import Support

extension Family {
  /// Llama with factors of the embeddings, the scores of attention, the residuals and the logits.
  static let granite: Family = Family(
    name: "Granite", classifier: .none, modelType: "granite", ggufName: "granite", tensors: .llama,
    ggufTensors: .ggufPairs,
    keys: llamaKeys
      + use([
        "attention_bias", "mlp_bias", "embedding_multiplier", "attention_multiplier", "residual_multiplier",
        "logits_scaling",
      ]),
    // llama.cpp does not rotate at all if it is false.
    ggufKeys: use(["attention.scale", "embedding_scale", "residual_scale", "logit_scale"])
      + [("rope.scaling.finetuned", .must([.bool(true)]))],
    features: [
      .ropeScaling, .attentionBias, .attentionOutputBias, .mlpBias, .attentionScale, .embeddingScale, .residualScale,
      .logitScale,
    ],
    refusal: unequalBiases,
    read: { fields, warnings in
      try fields.refuseLayerTypes()
      var a = try fields.likeLlama(.granite, &warnings)
      try fields.readAttentionBias(&a)
      a.mlpBias = try fields.bool("mlp_bias", default: false)
      a.setAttentionScale(Float(try fields.optionalNumber("attention_multiplier") ?? 1))
      a.embeddingScale = Float(try fields.optionalNumber("embedding_multiplier") ?? 1)
      a.residualScale = Float(try fields.optionalNumber("residual_multiplier") ?? 1)
      a.logitScale = Float(1 / (try fields.optionalNumber("logits_scaling") ?? 1))
      return a
    },
    write: { a in
      likeLlama(a).merging([
        "attention_bias": .bool(a.attentionBias), "mlp_bias": .bool(a.mlpBias),
        "attention_multiplier": .decimal(a.attentionFactor), "embedding_multiplier": .decimal(a.embeddingScale),
        "residual_multiplier": .decimal(a.residualScale), "logits_scaling": .decimal(divisor(a)),
      ]) { $1 }
    },
    readGGUF: { shape, a in
      try shape.likeLlama(&a)
      a.setAttentionScale(try shape.factor("attention.scale") ?? a.attentionFactor)
      a.embeddingScale = try shape.factor("embedding_scale") ?? 1
      a.residualScale = try shape.factor("residual_scale") ?? 1
      a.logitScale = 1 / (try shape.factor("logit_scale") ?? 1)
    },
    writeGGUF: { a, name, gguf in
      likeLlamaGGUF(a, name, &gguf)
      gguf.add("\(name).attention.scale", .float32(a.attentionFactor))
      gguf.add("\(name).embedding_scale", .float32(a.embeddingScale))
      gguf.add("\(name).residual_scale", .float32(a.residualScale))
      gguf.add("\(name).logit_scale", .float32(divisor(a)))
    },
    ggufRefusal: { a in
      a.attentionBias || a.mlpBias || a.ropeScaling != nil ? "granite with biases or a scaled rope" : nil
    })

  /// The number by which logits are divided: a whole number if it gives the same factor.
  private static func divisor(_ a: Architecture) -> Float {
    let divisor = 1 / a.logitScale
    return 1 / divisor.rounded() == a.logitScale ? divisor.rounded() : divisor
  }
}
