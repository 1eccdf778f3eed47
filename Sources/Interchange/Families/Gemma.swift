import Models
import Support

extension Family {
  private static let gemmaTensors = TensorNames.llama.with([
    "output_norm1": ["post_attention_layernorm"], "norm2": ["pre_feedforward_layernorm"],
    "output_norm2": ["post_feedforward_layernorm"],
  ])
  private static let gemmaGGUF: TensorNames = {
    var names = TensorNames.gguf
    names.addsOneToNorms = true
    return names
  }()
  private static let gemmaKeys: Keys =
    llamaKeys.filter { $0.name != "hidden_act" }
    + use([
      "hidden_activation", "attention_bias", "query_pre_attn_scalar", "sliding_window", "final_logit_softcapping",
    ]) + ignore(["hidden_act", "cache_implementation"]) + [("use_bidirectional_attention", .off)]
  private static let gemmaFeatures: Set<Feature> = [
    .attentionBias, .attentionOutputBias, .geluGate, .unitOffset, .outputNorms, .attentionScale, .embeddingScale,
    .window, .otherWindows, .logitCap,
  ]

  static let gemma2: Family = Family(
    name: "Gemma2", modelType: "gemma2", ggufName: "gemma2", tensors: gemmaTensors, ggufTensors: gemmaGGUF,
    keys: gemmaKeys + use(["attn_logit_softcapping"]),
    ggufKeys: use(["attention.sliding_window", "attn_logit_softcapping", "final_logit_softcapping"]),
    features: gemmaFeatures.union([.ropeScaling, .attentionCap]),
    refusal: gemmaRefusal,
    activationKey: "hidden_activation", activation: .geluTanh, standardPad: 0,
    read: { fields, warnings in
      var a = try fields.gemma(.gemma2, logitCap: 30, &warnings)
      a.attentionCap = try fields.cap("attn_logit_softcapping", default: 50)
      let slides = try fields.slidingLayers { $0 % 2 == 0 }
      try fields.setWindow(slides, of: &a, theta: a.rotaryTheta)
      // The rope of `otherLayers` is not scaled.
      guard a.ropeScaling == nil || a.otherLayers == nil else {
        throw fields.unsupported("a scaled rope of all layers")
      }
      return a
    },
    write: { a in
      gemma(a).merging(["attn_logit_softcapping": a.attentionCap == 0 ? .null : .point(a.attentionCap)]) { $1 }
    },
    readGGUF: { shape, a in
      try shape.gemma(&a, oddLayers: 46)
      a.attentionCap = try shape.cap("attn_logit_softcapping") ?? 50
      a.logitCap = try shape.cap("final_logit_softcapping") ?? 30
      try shape.windows(&a, theta: a.rotaryTheta, window: 4096) { $0 % 2 == 0 }
    },
    writeGGUF: { a, name, gguf in
      likeLlamaGGUF(a, name, &gguf)
      gguf.add("\(name).attn_logit_softcapping", .float32(a.attentionCap))
      gguf.add("\(name).final_logit_softcapping", .float32(a.logitCap))
      gguf.add("\(name).attention.sliding_window", .uint32(a.otherLayers?.window ?? a.window))
    },
    ggufRefusal: { a in
      if !a.tiedEmbeddings { return "gemma2 with an unembedding of its own" }
      if a.attentionCap == 0 || a.logitCap == 0 { return "gemma2 without caps" }
      return gemmaGGUFRefusal(a, "gemma2", oddLayers: 46) { $0 % 2 == 0 }
    })

  /// The text model of Gemma 3.
  static let gemma3: Family = Family(
    name: "Gemma3", classifier: .other("Gemma3TextForSequenceClassification"), modelType: "gemma3_text",
    ggufName: "gemma3", tensors: gemmaTensors, ggufTensors: gemmaGGUF,
    // Its class reads a cap of the scores, but does not use it.
    keys: gemmaKeys + use(["rope_local_base_freq", "sliding_window_pattern"])
      + ignore(["_sliding_window_pattern", "attn_logit_softcapping"]),
    ggufKeys: use([
      "attention.sliding_window", "attention.sliding_window_pattern", "rope.freq_base_swa", "rope.dimension_count_swa",
      "final_logit_softcapping",
    ]),
    features: gemmaFeatures.union([.headNorms, .ropeScaling, .otherBases]),
    refusal: { a in
      if !a.queryKeyNorm { return "heads without norms" }
      // In `transformers`, the rope of layers with a window is never scaled.
      return a.ropeScaling != nil && a.window > 0 ? "a scaled rope of layers with a window" : gemmaRefusal(a)
    },
    rope: RopeNames(standardBase: 1_000_000, isByLayer: true), activationKey: "hidden_activation",
    activation: .geluTanh, standardPad: 0,
    read: { fields, warnings in
      var a = try fields.gemma(.gemma3, logitCap: 0, &warnings)
      a.queryKeyNorm = true
      let pattern = try fields.optionalCount("sliding_window_pattern") ?? 6
      let slides = try fields.slidingLayers { ($0 + 1) % pattern != 0 }
      try fields.setWindow(slides, of: &a, theta: fields.localBase())
      if !slides.contains(false) { a.ropeScaling = nil }
      return a
    },
    write: { a in
      gemma(a).merging(["rope_local_base_freq": .decimal(a.otherLayers?.rotaryTheta ?? a.rotaryTheta)]) { $1 }
    },
    readGGUF: { shape, a in
      a.rotaryTheta = 1_000_000
      try shape.gemma(&a, oddLayers: 62)
      a.queryKeyNorm = true
      a.logitCap = try shape.cap("final_logit_softcapping") ?? 0
      try shape.requireWholeHead("rope.dimension_count_swa", a)
      let pattern = try shape.fields.optionalCount(shape.key("attention.sliding_window_pattern")) ?? gemma3Pattern
      try shape.windows(&a, theta: shape.number("rope.freq_base_swa") ?? 10_000) { $0 % pattern < pattern - 1 }
    },
    writeGGUF: { a, name, gguf in
      likeLlamaGGUF(a, name, &gguf)
      gguf.add("\(name).attention.sliding_window", .uint32(a.otherLayers?.window ?? a.window))
      gguf.add("\(name).rope.freq_base_swa", .float32(a.otherLayers?.rotaryTheta ?? a.rotaryTheta))
      if a.logitCap > 0 { gguf.add("\(name).final_logit_softcapping", .float32(a.logitCap)) }
    },
    ggufRefusal: { a in gemmaGGUFRefusal(a, "gemma3", oddLayers: 62) { $0 % gemma3Pattern < gemma3Pattern - 1 } })

  /// llama.cpp's period of Gemma 3's layers: the last one has no window.
  private static let gemma3Pattern = 6

  private static func gemmaRefusal(_ a: Architecture) -> String? {
    if a.mlp != .geglu { return "a gated MLP that is not Gemma's" }
    if a.normPlacement != .both || !a.normUnitOffset { return "norms that are not those of Gemma" }
    if let others = a.otherLayers, a.window > 0 || others.window == 0 {
      return "layers that differ otherwise than by a window"
    }
    if a.dModel % a.heads != 0 { return "a width that is not divisible by the number of heads" }
    if 1 / Float(queryScalar(a)).squareRoot() != a.attentionFactor {
      return "a scale of attention that is not 1/√ of a whole number"
    }
    if a.embeddingScale != Float(a.dModel).squareRoot() { return "embeddings that are not scaled by √d_model" }
    return a.attentionBias == a.attentionOutputBias ? nil : "these biases"
  }

  /// - Parameters:
  ///   - oddLayers: the number of layers for which llama.cpp has another scale of attention.
  ///   - slides: whether a layer has a window in llama.cpp's architecture.
  private static func gemmaGGUFRefusal(
    _ a: Architecture, _ name: String, oddLayers: Int, slides: (Int) -> Bool
  ) -> String? {
    if a.attentionBias || a.ropeScaling != nil { return "\(name) with biases or a scaled rope" }
    if a.attentionScale != nil || a.layers == oddLayers {
      return "\(name) with another scale of attention than 1/√head_dim, or with \(oddLayers) layers"
    }
    guard (0..<a.layers).allSatisfy({ (a.window(of: $0) > 0) == slides($0) }) else {
      return "\(name) with a window in other layers"
    }
    return nil
  }

  /// The whole number whose root divides the scores of attention.
  private static func queryScalar(_ a: Architecture) -> Int {
    Int(nearest: (1 / Double(a.attentionFactor * a.attentionFactor)).rounded())
  }

  private static func gemma(_ a: Architecture) -> [String: JSONValue] {
    let slides = (0..<a.layers).map { a.window(of: $0) > 0 }
    var fields = likeLlama(a)
    fields["hidden_act"] = nil
    fields["hidden_activation"] = .string("gelu_pytorch_tanh")
    fields["attention_bias"] = .bool(a.attentionBias)
    fields["query_pre_attn_scalar"] = .count(queryScalar(a))
    let window = a.otherLayers?.window ?? a.window
    fields["sliding_window"] = .count(window == 0 ? 4096 : window)
    fields["layer_types"] = .array(slides.map { .string($0 ? "sliding_attention" : "full_attention") })
    fields["final_logit_softcapping"] = a.logitCap == 0 ? .null : .point(a.logitCap)
    return fields
  }
}

extension ConfigurationFields {
  /// What Gemma 2 and Gemma 3 have in common.
  fileprivate func gemma(
    _ family: Family, logitCap: Float, _ warnings: inout [String]
  ) throws -> Architecture {
    var a = try likeLlama(family, keyValueHeads: 4, headDim: 256, tiesEmbeddings: true, &warnings)
    try requireDivisible(a.dModel, named: "hidden_size", by: a.heads, named: "num_attention_heads")
    try readAttentionBias(&a)
    a.normPlacement = .both
    a.normUnitOffset = true
    a.embeddingScale = Float(a.dModel).squareRoot()
    a.setAttentionScale(1 / Float(try optionalNumber("query_pre_attn_scalar") ?? 256).squareRoot())
    a.logitCap = try cap("final_logit_softcapping", default: logitCap)
    return a
  }

  /// A cap; null means none.
  fileprivate func cap(_ key: String, default standard: Float) throws -> Float {
    guard self[key] != nil else { return object[key] == nil ? standard : 0 }
    let cap = try float(key)
    guard cap > 0 else { throw unsupported("\"\(key)\" is \(cap)") }
    return cap
  }

  /// Windows of the layers that slide.
  fileprivate func setWindow(_ slides: [Bool], of a: inout Architecture, theta: Float) throws {
    guard slides.contains(true) else { return }
    let window = object["sliding_window"] == nil ? 4096 : try count("sliding_window")
    try setOtherLayers(slides, of: &a, window: window, theta: theta)
  }
}
