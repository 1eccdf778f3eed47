import Models
import Support

extension Family {
  /// Llama without positions in some layers, which can also have a sliding window.
  static let smolLM3: Family = Family(
    name: "SmolLM3", modelType: "smollm3", ggufName: "smollm3", tensors: .llama, ggufTensors: .ggufPairs,
    keys: llamaKeys
      + use([
        "attention_bias", "mlp_bias", "no_rope_layers", "no_rope_layer_interval", "use_sliding_window",
        "sliding_window",
      ]) + ignore(["max_window_layers", "pretraining_tp"]),
    features: [.ropeScaling, .attentionBias, .attentionOutputBias, .mlpBias, .layersWithoutPositions],
    refusal: unequalBiases, rope: RopeNames(standardBase: 2_000_000), standardPad: 128_004,
    read: { fields, warnings in
      var a = try fields.likeLlama(.smolLM3, keyValueHeads: 4, tiesEmbeddings: true, &warnings)
      try fields.readAttentionBias(&a)
      a.mlpBias = try fields.bool("mlp_bias", default: false)
      try fields.smolLM3Layers(&a)
      return a
    },
    write: { a in
      let rotates = (0..<a.layers).map { a.otherLayers?.contains($0) != true }
      let window = a.otherLayers?.window ?? 0
      return likeLlama(a).merging([
        "attention_bias": .bool(a.attentionBias), "mlp_bias": .bool(a.mlpBias),
        "no_rope_layers": .array(rotates.map { .number($0 ? 1 : 0) }), "use_sliding_window": .bool(window > 0),
        "sliding_window": window == 0 ? .null : .count(window),
        "layer_types": .array(rotates.map { .string($0 || window == 0 ? "full_attention" : "sliding_attention") }),
      ]) { $1 }
    },
    readGGUF: { shape, a in
      try shape.likeLlama(&a)
      a.otherLayers = .everyFourthWithoutPositions(of: a.layers)
    },
    ggufRefusal: { a in
      if a.ropeScaling != nil || a.attentionBias || a.mlpBias { return "smollm3 with biases or a scaled rope" }
      return a.otherLayers == .everyFourthWithoutPositions(of: a.layers)
        ? nil : "smollm3 with positions in other layers than all but every fourth"
    })
}

extension Architecture.OtherLayers {
  /// llama.cpp's layers of smollm3; nil if there are too few layers for one without positions.
  fileprivate static func everyFourthWithoutPositions(of layers: Int) -> Self? {
    Self((0..<layers).map { $0 % 4 == 3 })
  }
}

extension ConfigurationFields {
  /// Layers without positions, of which all or none have a window.
  fileprivate func smolLM3Layers(_ a: inout Architecture) throws {
    let interval = try optionalCount("no_rope_layer_interval") ?? 4
    let rotates = try flags("no_rope_layers", count: a.layers) ?? (0..<a.layers).map { ($0 + 1) % interval != 0 }
    let window = try optionalCount("sliding_window")
    let isOn = try bool("use_sliding_window", default: false)
    // `use_sliding_window` only makes the default of `layer_types`.
    let slides = try slidingLayers { isOn && window != nil && !rotates[$0] }
    guard slides.contains(true) else { return try setOtherLayers(rotates.map(!), of: &a, window: 0, theta: 0) }
    guard zip(rotates, slides).allSatisfy({ $0 != $1 }) else {
      throw unsupported("the layers with a window are not those without a rope (\"layer_types\", \"no_rope_layers\")")
    }
    try setOtherLayers(rotates.map(!), of: &a, window: count("sliding_window"), theta: 0)
  }

  /// A list of `count` values that are 0 or 1; nil if the key is missing.
  private func flags(_ key: String, count: Int) throws -> [Bool]? {
    guard let list = try optionalList(key) else { return nil }
    // `transformers` allows longer lists, whose end it does not read.
    guard list.count >= count, list.allSatisfy({ $0 == .number(0) || $0 == .number(1) }) else {
      throw failure(
        "\"\(key)\" is not a 0 or 1 for each of \(count) layers", remedy: "Copy the file again, or correct it.")
    }
    return list.prefix(count).map { $0 == .number(1) }
  }
}
