import Support

/// What this program does with a key of a `config.json`. `CONFIGURATION.md` gives the reasons; a test compares the two.
struct ConfigurationKey {
  enum Use: Equatable {
    /// Read; an invalid value is an error that names the key.
    case used
    /// Must be missing, null or one of these values; all others are refused by name.
    case must([JSONValue])
    /// Does not affect what this program computes.
    case ignored
    /// Ignored, and named in a warning.
    case warned

    /// Must be missing, null or false.
    static let off = Use.must([.bool(false)])
  }

  let name: String
  let families: [Family]
  let use: Use

  /// Every known key of every family.
  static let all: [ConfigurationKey] =
    everywhere + Family.all.flatMap { family in family.keys.map { key(family, $0) } }

  static func named(_ name: String, of family: Family) -> ConfigurationKey? {
    table[family]?[name]
  }

  private static let table: [Family: [String: ConfigurationKey]] = Dictionary(
    uniqueKeysWithValues: Family.all.map { family in
      let keys = all.filter { $0.families.contains(family) }.map { ($0.name, $0) }
      return (family, Dictionary(uniqueKeysWithValues: keys))
    })

  private static func key(_ family: Family, _ key: (name: String, use: Use)) -> ConfigurationKey {
    ConfigurationKey(name: key.name, families: [family], use: key.use)
  }

  private static let everywhere: [ConfigurationKey] =
    (Family.use([
      "architectures", "model_type", "vocab_size", "tie_word_embeddings", "num_labels", "id2label",
      "eos_token_id", "pad_token_id", RewardHead.key,
    ]) + refused + Family.ignore(named + generation) + [("auto_map", .warned)])
    .map { ConfigurationKey(name: $0.name, families: Family.all, use: $0.use) }

  private static let refused: Family.Keys = [
    ("quantization_config", .must([])), ("pruned_heads", .must([.object([:])])),
    ("per_layer_config", .must([.object([:])])), ("cross_attention_hidden_size", .must([])),
    ("add_cross_attention", .off), ("is_encoder_decoder", .off), ("tie_encoder_decoder", .off),
    ("use_mrope", .off), ("rope_interleaved", .off),
  ]

  /// Names, versions, how a program stores and runs the model, outputs other than the logits, and keys for training
  /// or other tasks.
  private static let named = [
    "_name_or_path", "name_or_path", "_commit_hash", "transformers_version", "transformers.js_config",
    "torch_dtype", "dtype", "use_bfloat16", "torchscript", "tf_legacy_loss", "use_cache",
    "gradient_checkpointing", "chunk_size_feed_forward", "attn_implementation", "_attn_implementation",
    "_attn_implementation_autoset", "_attn_implementation_internal", "_experts_implementation",
    "_experts_implementation_internal", "experts_implementation", "_flash_attn_2_enabled",
    "output_attentions", "_output_attentions", "output_hidden_states", "return_dict",
    "tie_last_hidden_states", "_post_init_done", "_num_labels", "label2id", "problem_type",
    "finetuning_task", "task_specific_params", "prefix", "tokenizer_class", "tokenizer_padding_side",
    "tokenizer_model_max_length", "model_max_length", "bos_token_id", "sep_token_id",
    "decoder_start_token_id", "is_decoder", "initializer_range", "unsloth_fixed", "unsloth_version",
    "is_llama_config",
  ]

  /// How another program sampled answers; here the command line sets this.
  private static let generation = [
    "max_length", "max_new_tokens", "min_length", "do_sample", "early_stopping", "num_beams",
    "num_beam_groups", "diversity_penalty", "temperature", "top_k", "top_p", "typical_p",
    "repetition_penalty", "length_penalty", "no_repeat_ngram_size", "encoder_no_repeat_ngram_size",
    "bad_words_ids", "num_return_sequences", "output_scores", "return_dict_in_generate",
    "forced_bos_token_id", "forced_eos_token_id", "remove_invalid_values",
    "exponential_decay_length_penalty", "suppress_tokens", "begin_suppress_tokens",
  ]
}

/// Keys that are not in the table: no class of `transformers` uses them, and no folder examined so far has them.
enum UnknownKey {
  /// Parts of names that belong to the computation of a model.
  private static let parts = [
    "rope", "rotary", "attn", "attention", "norm", "scal", "bias", "window", "cap", "multiplier", "factor",
    "expert", "moe", "router", "residual", "clip", "alibi", "position", "activation", "_act", "hidden",
    "layer", "head", "embed", "logit", "mlp", "ffn", "gate", "quant", "adapter", "lora", "parallel", "qk_",
    "kv_", "sink", "sparse", "prune", "mup",
  ]
  /// Parts of names that are harmless, even if one of the other parts is in the name.
  private static let harmless = ["drop", "flash", "implementation", "checkpointing", "capture"]

  /// Whether an unknown key must be refused: its name suggests a computation, and its value does not switch it off
  /// (null, false, 0, an empty text, list or object; for a factor, 1).
  static func mayChangeTheComputation(_ name: String, _ value: JSONValue) -> Bool {
    let name = name.lowercased()
    guard parts.contains(where: name.contains), !harmless.contains(where: name.contains) else {
      return false
    }
    let isFactor = ["scal", "multiplier", "factor"].contains(where: name.contains)
    return !isOff(value) && !(isFactor && value == .number(1))
  }

  private static func isOff(_ value: JSONValue) -> Bool {
    switch value {
    case .null, .bool(false), .number(0), .string("") : true
    case .array(let list): list.isEmpty
    case .object: value == .object([:])
    default: false
    }
  }
}

extension ConfigurationFields {
  /// Checks every key once: refuses what this program does not compute, and collects warnings about unknown keys.
  /// - Returns: warnings, one sentence each.
  /// - Throws: `Failure(.badData)` naming the key.
  func requireKnown(_ use: (String) -> ConfigurationKey.Use?) throws -> [String] {
    var warnings: [String] = []
    for (name, value) in object.sorted(by: { $0.key < $1.key }) where value != .null {
      switch use(name) {
      case .used, .ignored: break
      case .must(let values):
        guard values.contains(value) else { throw refusal(name, value) }
      case .warned: warnings.append("\(stated(name, value)) is ignored.")
      case nil:
        guard !UnknownKey.mayChangeTheComputation(name, value) else { throw unknown(name, value) }
        warnings.append("\(stated(name, value)) is unknown and ignored.")
      }
    }
    return warnings
  }

  private func refusal(_ name: String, _ value: JSONValue) -> Failure {
    guard name != "quantization_config" else {
      return failure(
        "the weights are quantised (\"quantization_config\")",
        remedy: "Import the float model, with --int8 for a quantised one.")
    }
    return unsupported("\"\(name)\" is \(Self.text(value))")
  }

  private func unknown(_ name: String, _ value: JSONValue) -> Failure {
    failure(
      "\"\(shortened(Array(name.utf8)))\" is \(Self.text(value)): the key is unknown, "
        + "and its name suggests that it changes what the model computes",
      remedy: "Remove the key if \(judge) computes the same without it.")
  }

  private func stated(_ name: String, _ value: JSONValue) -> String {
    "\(place): \(quoted(name)), which is \(Self.text(value)),"
  }

  /// A value as JSON, shortened if it is long.
  static func text(_ value: JSONValue) -> String {
    shortened((try? JSON.encode(value)) ?? [], limit: 60)
  }
}
