import Models
import Support

extension Family {
  /// Phi-3 and Phi-4-mini: Mistral with one matrix for queries, keys and values, and one for gate and up.
  static let phi3: Family = Family(
    name: "Phi3", modelType: "phi3", ggufName: "phi3",
    tensors: .llama.with(["attention.qkv": ["self_attn.qkv_proj"], "mlp.gate_up": ["mlp.gate_up_proj"]]),
    ggufTensors: .ggufFused.with(["mlp.gate_up": ["ffn_up"]]),
    keys: llamaKeys.filter { $0.name != "original_max_position_embeddings" }
      + use(["sliding_window"])
      + ignore(["original_max_position_embeddings", "resid_pdrop", "embd_pdrop"])
      + [("attention_bias", .off), ("mlp_bias", .off)],
    ggufKeys: use(["attention.sliding_window"]),
    features: [.window, .partialRotary], standardPad: 32_000,
    read: { fields, warnings in
      try fields.refuseLayerTypes()
      var a = try fields.likeLlama(.phi3, epsilon: 1e-5, &warnings)
      a.window = try fields.optionalCount("sliding_window") ?? 0
      return a
    },
    write: { a in
      var fields = likeLlama(a)
      fields["partial_rotary_factor"] = .number(rotaryShare(a))
      fields["sliding_window"] = a.window == 0 ? .null : .count(a.window)
      fields["original_max_position_embeddings"] = .count(a.context)
      return fields
    },
    readGGUF: { shape, a in
      try shape.likeLlama(&a, partialRotary: true)
      a.window = try shape.window("attention.sliding_window")
    },
    writeGGUF: { a, name, gguf in
      likeLlamaGGUF(a, name, &gguf)
      gguf.add("\(name).rope.scaling.original_context_length", .uint32(a.context))
      gguf.add("\(name).attention.sliding_window", .uint32(0))
    },
    ggufRefusal: { a in
      // llama.cpp reads the window, but does not compute it.
      if a.window > 0, a.window < a.context { return "phi3 with a sliding window" }
      return a.headDim * a.heads == a.dModel ? nil : "phi3 with heads that do not add up to the width"
    })
}
