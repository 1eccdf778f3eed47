import Models
import Support

/// The model that a `config.json` describes. Every field that affects the computation is read; what this program does
/// not compute is refused by name.
struct HuggingFaceConfiguration {
  let family: Family
  let architecture: Architecture
  /// Whether this is a sequence-classification model with one label.
  let isReward: Bool
  /// The additional values that our own exports of reward models contain; see `RewardHead`.
  let rewardHead: RewardHead?
  /// For a classifier: the padding token of batches, after which no score is read.
  let padToken: Int?
  /// Ignored fields, and fields with two different values; one sentence each.
  let warnings: [String]

  /// - Throws: `Failure(.badData)` naming the field.
  init(_ fields: ConfigurationFields) throws {
    (family, isReward) = try Self.classes(fields)
    let family = self.family
    var warnings = try fields.requireKnown { ConfigurationKey.named($0, of: family)?.use }
    architecture =
      switch family {
      case .gpt2: try fields.gpt2()
      case .gptNeoX: try fields.gptNeoX(&warnings)
      case .llama, .qwen2, .qwen3: try fields.llama(family, &warnings)
      }
    try architecture.validate(at: fields.place)
    if isReward { try Self.requireOneLabel(fields) }
    rewardHead = isReward ? try RewardHead(fields) : nil
    padToken = try fields.padToken(vocabulary: architecture.vocabulary, isReward: isReward, &warnings)
    self.warnings = warnings
  }

  private static func classes(_ fields: ConfigurationFields) throws -> (Family, isReward: Bool) {
    guard let names = try fields.optionalList("architectures")?.map(\.string), names.count == 1,
      let name = names[0]
    else {
      throw fields.failure(
        "\"architectures\" does not name one class", remedy: "Copy the file again, or add the class.")
    }
    let type = try fields.optionalText("model_type")
    for family in Family.allCases where [family.languageModel, family.classifier].contains(name) {
      guard type == nil || type == family.modelType else {
        throw fields.failure(
          "the architecture is \(name), but \"model_type\" is \"\(type!)\"", remedy: "Correct one of the two.")
      }
      return (family, name == family.classifier)
    }
    let known = Family.allCases.map(\.languageModel).joined(separator: ", ")
    throw fields.failure(
      "the architecture \(name) is unknown",
      remedy: "Supported: \(known), and the same …ForSequenceClassification with one label.")
  }

  private static func requireOneLabel(_ fields: ConfigurationFields) throws {
    var labels = 2
    if let names = try fields.optionalFields("id2label") { labels = names.object.count }
    labels = try fields.optionalCount("num_labels") ?? labels
    guard labels == 1 else {
      throw fields.failure(
        "the classifier has \(labels) labels, but a reward model has one",
        remedy: "Import a model with one label.")
    }
  }
}

extension ConfigurationFields {
  private func heads(_ key: String, of width: Int, named widthKey: String) throws -> Int {
    let heads = try count(key)
    try requireDivisible(width, named: widthKey, by: heads, named: key)
    return heads
  }

  private func requireDivisible(_ whole: Int, named wholeKey: String, by part: Int, named key: String) throws {
    guard whole % part == 0 else {
      throw failure(
        "\"\(wholeKey)\" \(whole) is not divisible by \"\(key)\" \(part)", remedy: "Correct one of the two.")
    }
  }

  /// A count with two names; `transformers` accepts both.
  private func alias(_ key: String, or other: String) throws -> Int {
    guard let second = try optionalCount(other) else { return try count(key) }
    guard let first = try optionalCount(key), first != second else { return second }
    throw failure(
      "\"\(key)\" is \(first), but \"\(other)\", another name for it, is \(second)",
      remedy: "Correct one of the two.")
  }

  /// - Returns: nil for a language model, or if there is no such token in the embedding.
  fileprivate func padToken(
    vocabulary: Int, isReward: Bool, _ warnings: inout [String]
  ) throws -> Int? {
    guard let number = try optionalNumber("pad_token_id") else { return nil }
    guard let token = Int(exactly: number) else {
      throw failure("\"pad_token_id\" is not a whole number", remedy: "Copy the file again, or correct it.")
    }
    guard (0..<vocabulary).contains(token) else {
      warnings.append(
        "\(place): \"pad_token_id\" is \(token), but the embedding has \(vocabulary) rows: the token is left out.")
      return nil
    }
    return isReward ? token : nil
  }

  fileprivate func activation(_ key: String, default standard: String) throws -> Architecture.MLPKind {
    let name = try optionalText(key) ?? standard
    switch name {
    case "gelu_new", "gelu_pytorch_tanh", "gelu_fast": return .gelu
    case "gelu": return .geluExact
    case "silu", "swish": return .swiglu
    default:
      throw failure(
        "the activation \"\(name)\" (\"\(key)\") is unknown",
        remedy: "Supported: gelu, gelu_new, gelu_fast, gelu_pytorch_tanh and silu.")
    }
  }

  /// The activation of an MLP with or without a gate; the wrong kind is refused.
  private func activation(
    _ key: String, default standard: String, gated: Bool
  ) throws -> Architecture.MLPKind {
    let kind = try activation(key, default: standard)
    guard (kind == .swiglu) == gated else {
      throw unsupported(
        "the activation \"\(try optionalText(key) ?? standard)\" (\"\(key)\") does not suit this architecture")
    }
    return kind
  }

  fileprivate func gpt2() throws -> Architecture {
    let width = try alias("n_embd", or: "hidden_size")
    let heads = try alias("n_head", or: "num_attention_heads")
    try requireDivisible(width, named: "n_embd", by: heads, named: "n_head")
    return Architecture(
      layers: try alias("n_layer", or: "num_hidden_layers"), dModel: width, heads: heads,
      dFF: try optionalCount("n_inner") ?? 4 * width, vocabulary: try count("vocab_size"),
      context: try alias("n_positions", or: "max_position_embeddings"),
      normEpsilon: Float(try optionalNumber("layer_norm_epsilon") ?? 1e-5),
      mlp: try activation("activation_function", default: "gelu_new", gated: false),
      tiedEmbeddings: try bool("tie_word_embeddings", default: true))
  }

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
      mlp: try activation("hidden_act", default: "gelu", gated: false), attentionBias: bias,
      tiedEmbeddings: try bool("tie_word_embeddings", default: false),
      parallelResidual: try bool("use_parallel_residual", default: true))
  }

  fileprivate func llama(_ family: Family, _ warnings: inout [String]) throws -> Architecture {
    try refuseSlidingWindow(family)
    let width = try count("hidden_size")
    let heads = try count("num_attention_heads")
    let groups = try keyValueHeads(family, heads)
    let headDim = try headDim(family, width)
    let (rope, found) = try rope(family)
    warnings += found
    guard rope.share == 1 else { throw unsupported("\"partial_rotary_factor\" is \(rope.share)") }
    let bias = family == .qwen2 ? true : try bool("attention_bias", default: false)
    return Architecture(
      layers: try count("num_hidden_layers"), dModel: width, heads: heads, kvHeads: groups,
      headDim: headDim, dFF: try count("intermediate_size"), vocabulary: try count("vocab_size"),
      context: try count("max_position_embeddings"), norm: .rmsNorm,
      normEpsilon: Float(try optionalNumber("rms_norm_eps") ?? 1e-6), position: .rotary,
      rotaryDim: headDim, rotaryTheta: Float(rope.theta), ropeScaling: rope.scaling,
      mlp: try activation("hidden_act", default: "silu", gated: true), attentionBias: bias,
      attentionOutputBias: bias && family != .qwen2,
      mlpBias: family == .llama ? try bool("mlp_bias", default: false) : false, normBias: false,
      tiedEmbeddings: try bool("tie_word_embeddings", default: false),
      queryKeyNorm: family == .qwen3)
  }

  /// The defaults of `transformers` for a missing key: Qwen's classes have their own.
  private func keyValueHeads(_ family: Family, _ heads: Int) throws -> Int {
    let standard = family != .llama && object["num_key_value_heads"] == nil ? 32 : heads
    let groups = try optionalCount("num_key_value_heads") ?? standard
    try requireDivisible(heads, named: "num_attention_heads", by: groups, named: "num_key_value_heads")
    return groups
  }

  private func headDim(_ family: Family, _ width: Int) throws -> Int {
    if let stated = try optionalCount("head_dim") { return stated }
    return family == .qwen3 ? 128 : width / (try heads("num_attention_heads", of: width, named: "hidden_size"))
  }

  /// If a file lists the kinds of its layers, only the list counts.
  private func refuseSlidingWindow(_ family: Family) throws {
    let layers = try count("num_hidden_layers")
    let kinds = try optionalList("layer_types")
    for kind in kinds ?? [] where kind != .string("full_attention") {
      throw unsupported("a layer's attention is \(Self.text(kind)) (\"layer_types\")")
    }
    guard family != .llama else { return }
    // If the key is missing, there is a window too, because Qwen's classes have a default size.
    let hasWindow = try optionalCount("sliding_window") != nil || object["sliding_window"] == nil
    // Only the layers from `max_window_layers` on use the window.
    let full = try optionalNumber("max_window_layers") ?? 28
    guard try bool("use_sliding_window", default: false), hasWindow, kinds == nil, full < Double(layers)
    else { return }
    throw unsupported("a sliding window is in use (\"use_sliding_window\")")
  }

  private func rotaryDim(_ share: Double, of headDim: Int) throws -> Int {
    let count = share > 0 && share <= 1 ? Double(headDim) * share : 0
    guard Int(count) >= 2, Int(count) % 2 == 0 else {
      throw unsupported("the rotary share \(share) of a head of \(headDim) is not an even number of elements")
    }
    return Int(count)
  }
}
