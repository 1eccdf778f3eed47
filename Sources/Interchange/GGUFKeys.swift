import Support

/// What this program does with a key of a GGUF file's metadata. `CONFIGURATION.md` gives the reasons; a test compares
/// the two.
enum GGUFKeys {
  /// Keys of the model, without the architecture's name that precedes them. A family's own use of a key replaces that
  /// of every family.
  static let model: [ConfigurationKey] =
    everywhere.compactMap { key in
      let families = readable.filter { !$0.ggufKeys.map(\.name).contains(key.name) }
      return families.isEmpty ? nil : ConfigurationKey(name: key.name, families: families, use: key.use)
    }
    + readable.flatMap { family in
      family.ggufKeys.map { ConfigurationKey(name: $0.name, families: [family], use: $0.use) }
    }

  /// The families that a GGUF file can name.
  static let readable = Family.all.filter(\.isOwnGGUF)

  static func use(_ name: String, of family: Family) -> ConfigurationKey.Use? {
    let name = name.dropFirst(family.ggufName.count + 1)
    return model.first { $0.name == name && $0.families.contains(family) }?.use
  }

  private static let zero: ConfigurationKey.Use = .must([.number(0)])
  private static let zeroOrOne: ConfigurationKey.Use = .must([.number(0), .number(1)])

  private static let everywhere: Family.Keys =
    Family.use([
      "vocab_size", "context_length", "embedding_length", "block_count", "feed_forward_length",
      "attention.head_count", "attention.head_count_kv", "attention.key_length", "attention.value_length",
    ])
    + [
      "expert_count", "expert_used_count", "attention.sliding_window", "attention.max_alibi_bias",
      "attention.clamp_kqv", "attention.scale", "attn_logit_softcapping", "final_logit_softcapping",
      "leading_dense_block_count", "nextn_predict_layers", "pooling_type",
    ].map { ($0, zero) }
    + ["logit_scale", "residual_scale", "embedding_scale"].map { ($0, zeroOrOne) }
    + [("attention.causal", .must([.bool(true)])), ("classifier.output_labels", .must([]))]
    + Family.ignore(["tensor_data_layout"])

  /// Keys of families with rotary positions.
  static let rotary: Family.Keys =
    Family.use([
      "rope.dimension_count", "rope.freq_base", "rope.scaling.type", "rope.scaling.factor", "rope.scale_linear",
    ])
    + Family.ignore([
      "rope.scaling.original_context_length", "rope.scaling.finetuned", "rope.scaling.yarn_ext_factor",
      "rope.scaling.yarn_attn_factor", "rope.scaling.yarn_beta_fast", "rope.scaling.yarn_beta_slow",
    ])
    + [
      ("rope.scaling.yarn_log_multiplier", zero), ("rope.scaling.attn_factor", .must([.number(1)])),
      ("rope.scaling.alpha", zeroOrOne), ("rope.dimension_sections", .must([])),
      ("rope.dimension_count_swa", .must([])), ("rope.freq_base_swa", .must([])),
    ]

  // MARK: The tokenizer's

  static let tokenizerPrefix = "tokenizer."
  static let (template, templates) = ("tokenizer.chat_template", "tokenizer.chat_templates")

  static let tokenizer: [String: ConfigurationKey.Use] = {
    var uses: [String: ConfigurationKey.Use] = [template: .used, templates: .used]
    let used = [
      "model", "pre", "tokens", "token_type", "scores", "merges", "bos_token_id", "eos_token_id", "eot_token_id",
      "eom_token_id", "unknown_token_id", "seperator_token_id", "padding_token_id", "mask_token_id", "cls_token_id",
      "add_bos_token", "add_space_prefix",
    ]
    for name in used { uses["tokenizer.ggml.\(name)"] = .used }
    let infill = ["fim_pre", "fim_suf", "fim_mid", "fim_pad", "fim_rep", "fim_sep", "prefix", "suffix", "middle"]
    for name in infill { uses["tokenizer.ggml.\(name)_token_id"] = .ignored }
    uses["tokenizer.ggml.token_type_count"] = .ignored
    uses["tokenizer.huggingface.json"] = .ignored
    uses["tokenizer.ggml.suppress_tokens"] = .warned
    for name in ["add_eos_token", "add_sep_token", "remove_extra_whitespaces"] {
      uses["tokenizer.ggml.\(name)"] = .must([.bool(false)])
    }
    uses["tokenizer.ggml.precompiled_charsmap"] = .must([])
    return uses
  }()
}
