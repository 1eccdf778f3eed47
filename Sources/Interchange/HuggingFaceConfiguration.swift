import Models
import Support
import Tensors

/// What a `config.json` says of a model: every field that changes what is computed is read, and what
/// this program does not compute is refused by name.
struct HuggingFaceConfiguration {
  let family: Family
  let architecture: Architecture
  /// A sequence-classification model with one label.
  let isReward: Bool
  /// What our own exports of reward models say beyond the head's weight; see `RewardHead`.
  let rewardHead: RewardHead?

  /// - Throws: `Failure(.badData)` naming the field.
  init(_ fields: ConfigurationFields) throws {
    (family, isReward) = try Self.classes(fields)
    try Self.refuseEverywhere(fields)
    architecture =
      switch family {
      case .gpt2: try fields.gpt2()
      case .gptNeoX: try fields.gptNeoX()
      case .llama, .qwen2, .qwen3: try fields.llama(family)
      }
    try architecture.validate(at: fields.place)
    if isReward { try Self.requireOneLabel(fields) }
    rewardHead = isReward ? try RewardHead(fields) : nil
  }

  private static func classes(_ fields: ConfigurationFields) throws -> (Family, isReward: Bool) {
    guard let names = try fields.optionalList("architectures")?.map(\.string), names.count == 1,
      let name = names[0]
    else {
      throw fields.failure(
        "\"architectures\" does not name one class", "Copy the file again, or add the class.")
    }
    let type = try fields.optionalText("model_type")
    for family in Family.allCases where [family.languageModel, family.classifier].contains(name) {
      guard type == nil || type == family.modelType else {
        throw fields.failure(
          "the architecture is \(name), and \"model_type\" is \"\(type!)\"", "Correct one of the two.")
      }
      return (family, name == family.classifier)
    }
    let known = Family.allCases.map(\.languageModel).joined(separator: ", ")
    throw fields.failure(
      "the architecture \(name) is unknown",
      "These can be imported, and the same …ForSequenceClassification with one label: \(known).")
  }

  private static func refuseEverywhere(_ fields: ConfigurationFields) throws {
    if fields["quantization_config"] != nil {
      throw fields.failure(
        "the weights are quantised (\"quantization_config\")",
        "Import the float model, with --int8 for a quantised one.")
    }
    for key in ["add_cross_attention", "is_encoder_decoder"] where try fields.bool(key, default: false) {
      throw fields.unsupported("\"\(key)\" is true")
    }
  }

  private static func requireOneLabel(_ fields: ConfigurationFields) throws {
    var labels = 2
    if let names = try fields.optionalFields("id2label") { labels = names.object.count }
    labels = try fields.optionalCount("num_labels") ?? labels
    guard labels == 1 else {
      throw fields.failure(
        "the classifier has \(labels) labels, and a reward model has one",
        "Import a model with one label.")
    }
  }
}

extension ConfigurationFields {
  fileprivate func heads(_ key: String, of width: Int, _ widthKey: String) throws -> Int {
    let heads = try count(key)
    guard width % heads == 0 else {
      throw failure(
        "\"\(widthKey)\" \(width) is not divisible by \"\(key)\" \(heads)", "Correct one of the two.")
    }
    return heads
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
        "gelu, gelu_new, gelu_fast and gelu_pytorch_tanh can be imported, and silu.")
    }
  }

  /// An activation of an MLP with or without a gate; the other kind is refused.
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
    for (key, standard) in [("scale_attn_weights", true), ("scale_attn_by_inverse_layer_idx", false)]
    where try bool(key, default: standard) != standard {
      throw unsupported("\"\(key)\" is \(!standard)")
    }
    let width = try count("n_embd")
    return Architecture(
      layers: try count("n_layer"), dModel: width, heads: try heads("n_head", of: width, "n_embd"),
      dFF: try optionalCount("n_inner") ?? 4 * width, vocabulary: try count("vocab_size"),
      context: try optionalCount("n_positions") ?? count("n_ctx"),
      normEpsilon: Float(try optionalNumber("layer_norm_epsilon") ?? 1e-5),
      mlp: try activation("activation_function", default: "gelu_new", gated: false),
      tiedEmbeddings: try bool("tie_word_embeddings", default: true))
  }

  fileprivate func gptNeoX() throws -> Architecture {
    let width = try count("hidden_size")
    let heads = try heads("num_attention_heads", of: width, "hidden_size")
    let rope = try rope(theta: "rotary_emb_base", share: ["rotary_pct"])
    guard rope.scaling == nil else { throw unsupported("GPT-NeoX with a scaled rope") }
    let bias = try bool("attention_bias", default: true)
    return Architecture(
      layers: try count("num_hidden_layers"), dModel: width, heads: heads,
      dFF: try count("intermediate_size"), vocabulary: try count("vocab_size"),
      context: try count("max_position_embeddings"),
      normEpsilon: Float(try optionalNumber("layer_norm_eps") ?? 1e-5), position: .rotary,
      rotaryDim: try rotaryDim(rope.share ?? 0.25, of: width / heads), rotaryTheta: Float(rope.theta),
      mlp: try activation("hidden_act", default: "gelu", gated: false), attentionBias: bias,
      tiedEmbeddings: try bool("tie_word_embeddings", default: false),
      parallelResidual: try bool("use_parallel_residual", default: true))
  }

  fileprivate func llama(_ family: Family) throws -> Architecture {
    try refuseSlidingWindow()
    let width = try count("hidden_size")
    let heads = try count("num_attention_heads")
    let groups = try optionalCount("num_key_value_heads") ?? heads
    guard heads % groups == 0 else {
      throw failure(
        "\"num_attention_heads\" \(heads) is not divisible by \"num_key_value_heads\" \(groups)",
        "Correct one of the two.")
    }
    let headDim: Int
    if let stated = try optionalCount("head_dim") {
      headDim = stated
    } else {
      // What `transformers` takes where a file says nothing.
      headDim = family == .qwen3 ? 128 : width / (try self.heads("num_attention_heads", of: width, "hidden_size"))
    }
    let rope = try rope(theta: "rope_theta", share: ["partial_rotary_factor"])
    guard (rope.share ?? 1) == 1 else {
      throw unsupported("\"partial_rotary_factor\" is \(rope.share!)")
    }
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

  private func refuseSlidingWindow() throws {
    let kinds = try optionalList("layer_types")?.compactMap(\.string) ?? []
    if let kind = kinds.first(where: { $0 != "full_attention" }) {
      throw unsupported("a layer's attention is \"\(kind)\" (\"layer_types\")")
    }
    guard try bool("use_sliding_window", default: false) else { return }
    // Only layers from `max_window_layers` on look through the window.
    let full = try optionalNumber("max_window_layers") ?? 28
    let layers = try count("num_hidden_layers")
    guard object["sliding_window"] == .null || full >= Double(layers) else {
      throw unsupported("a sliding window is in use (\"use_sliding_window\")")
    }
  }

  private func rotaryDim(_ share: Double, of headDim: Int) throws -> Int {
    let count = Double(headDim) * share
    guard share > 0, share <= 1, Int(count) >= 2, Int(count) % 2 == 0 else {
      throw unsupported("a share \(share) of a head of \(headDim) is turned")
    }
    return Int(count)
  }

  /// Rotary positions in both forms: `rope_parameters`, or a field of its own for each with
  /// `rope_scaling`.
  private func rope(
    theta key: String, share shareKeys: [String]
  ) throws -> (theta: Double, share: Double?, scaling: RotaryScaling?) {
    let together = try optionalFields("rope_parameters")
    let scaling = try optionalFields("rope_scaling")
    var share = try together?.optionalNumber("partial_rotary_factor")
    for key in shareKeys where share == nil { share = try optionalNumber(key) }
    let theta = try together?.optionalNumber("rope_theta") ?? optionalNumber(key)
      ?? optionalNumber("rope_theta") ?? 10_000
    return (theta, share, try together?.ropeScaling() ?? scaling?.ropeScaling())
  }

  /// nil for a rope that is not scaled.
  private func ropeScaling() throws -> RotaryScaling? {
    let type = try optionalText("rope_type") ?? optionalText("type") ?? "default"
    switch type {
    case "default": return nil
    case "llama3":
      return RotaryScaling(
        factor: Float(try number("factor")),
        lowFrequencyFactor: Float(try number("low_freq_factor")),
        highFrequencyFactor: Float(try number("high_freq_factor")),
        originalContext: try count("original_max_position_embeddings"))
    default:
      throw failure("the rope type \"\(type)\" is unknown", "default and llama3 can be imported.")
    }
  }
}
