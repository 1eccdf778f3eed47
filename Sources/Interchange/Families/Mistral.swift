import Models
import Support

extension Family {
  /// Llama without biases, with a sliding window in every layer or in none.
  static let mistral: Family = Family(
    name: "Mistral", modelType: "mistral", ggufName: "llama", isOwnGGUF: false, tensors: .llama,
    ggufTensors: .ggufPairs,
    keys: llamaKeys + use(["sliding_window"]) + [("attention_bias", .off), ("mlp_bias", .off)],
    features: [.ropeScaling, .window],
    read: { fields, warnings in
      var a = try fields.likeLlama(.mistral, keyValueHeads: 8, &warnings)
      // A missing key means the class's default; null means no window.
      a.window = try fields.optionalCount("sliding_window") ?? (fields.object["sliding_window"] == nil ? 4096 : 0)
      let hasWindow = a.window > 0
      // With such a list, `transformers` loads another class, Ministral.
      guard try fields.slidingLayers(default: { _ in hasWindow }).allSatisfy({ $0 == hasWindow }) else {
        throw fields.unsupported("\"layer_types\" contradicts \"sliding_window\"")
      }
      return a
    },
    write: { a in likeLlama(a).merging(["sliding_window": a.window == 0 ? .null : .count(a.window)]) { $1 } },
    readGGUF: { try $0.likeLlama(&$1) },
    ggufRefusal: { $0.window == 0 || $0.window >= $0.context ? nil : "a sliding window in the architecture llama" })

  /// Llama without positions in some layers, which can also have a sliding window.
  static let smolLM3: Family = Family(
    name: "SmolLM3", modelType: "smollm3", ggufName: "smollm3", tensors: .llama, ggufTensors: .ggufPairs,
    keys: llamaKeys
      + use([
        "attention_bias", "mlp_bias", "no_rope_layers", "no_rope_layer_interval", "use_sliding_window",
        "sliding_window",
      ]) + ignore(["max_window_layers", "pretraining_tp"]),
    features: [.ropeScaling, .attentionBias, .attentionOutputBias, .mlpBias, .layersWithoutPositions],
    refusal: { $0.attentionBias == $0.attentionOutputBias ? nil : "biases of queries, keys, values and the MLP alone" },
    rope: RopeNames(standardBase: 2_000_000), standardPad: 128_004,
    read: { fields, warnings in
      var a = try fields.likeLlama(.smolLM3, keyValueHeads: 4, tiesEmbeddings: true, &warnings)
      a.attentionBias = try fields.bool("attention_bias", default: false)
      a.attentionOutputBias = a.attentionBias
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

  /// Whether each layer has a sliding window: as `layer_types` says, or as `standard` does if the key is missing.
  func slidingLayers(default standard: (Int) -> Bool) throws -> [Bool] {
    let layers = try count("num_hidden_layers")
    guard let kinds = try optionalList("layer_types") else { return (0..<layers).map(standard) }
    guard kinds.count == layers else {
      throw failure(
        "\"layer_types\" has \(kinds.count) entries for \(layers) layers",
        remedy: "Copy the file again, or correct it.")
    }
    return try kinds.map { kind in
      guard kind == .string("full_attention") || kind == .string("sliding_attention") else {
        throw unsupported("a layer's attention is \(Self.text(kind)) (\"layer_types\")")
      }
      return kind == .string("sliding_attention")
    }
  }

  /// Gives some layers another window and other positions; or all layers, if all are chosen.
  /// - Parameter theta: 0 for layers without positions.
  func setOtherLayers(_ chosen: [Bool], of a: inout Architecture, window: Int, theta: Float) throws {
    guard chosen.contains(true) else { return }
    if !chosen.contains(false), theta > 0 {
      (a.window, a.rotaryTheta) = (window, theta)
      return
    }
    guard var others = Architecture.OtherLayers(chosen) else {
      throw unsupported(
        "the kinds of the layers follow no pattern of at most \(Architecture.OtherLayers.longestPeriod) layers")
    }
    others.window = window
    others.rotaryTheta = theta
    a.otherLayers = others
  }
}
