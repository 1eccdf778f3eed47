import Models
import Support

extension Family {
  /// The fields of `config.json`, in the form that `transformers` 4 writes and 5 also reads.
  func configuration(_ a: Architecture, rewardHead: RewardHead?) -> [String: JSONValue] {
    var fields: [String: JSONValue] =
      switch self {
      case .gpt2: gpt2(a)
      case .gptNeoX: gptNeoX(a)
      case .llama, .qwen2, .qwen3: llama(a)
      }
    fields["architectures"] = .array([.string(rewardHead == nil ? languageModel : classifier)])
    fields["model_type"] = .string(modelType)
    fields["vocab_size"] = .count(a.vocabulary)
    fields["tie_word_embeddings"] = .bool(a.tiedEmbeddings)
    fields["use_cache"] = .bool(true)
    if let rewardHead {
      fields["id2label"] = .object(["0": .string("reward")])
      fields["label2id"] = .object(["reward": .number(0)])
      fields[RewardHead.key] = rewardHead.json
    }
    return fields
  }

  private func gpt2(_ a: Architecture) -> [String: JSONValue] {
    [
      "n_layer": .count(a.layers), "n_embd": .count(a.dModel), "n_head": .count(a.heads),
      "n_inner": .count(a.dFF), "n_positions": .count(a.context),
      "layer_norm_epsilon": .decimal(a.normEpsilon), "activation_function": .string(activation(a)),
      // Dropout of 0: this program trained without it.
      "attn_pdrop": .number(0), "embd_pdrop": .number(0), "resid_pdrop": .number(0),
    ]
  }

  private func gptNeoX(_ a: Architecture) -> [String: JSONValue] {
    // `transformers` stores the share and truncates the product; the next larger number compensates for rounding.
    var share = Double(a.rotaryDim) / Double(a.headDim)
    if Int(Double(a.headDim) * share) < a.rotaryDim { share = share.nextUp }
    return [
      "num_hidden_layers": .count(a.layers), "hidden_size": .count(a.dModel),
      "num_attention_heads": .count(a.heads), "intermediate_size": .count(a.dFF),
      "max_position_embeddings": .count(a.context), "layer_norm_eps": .decimal(a.normEpsilon),
      "hidden_act": .string(activation(a)), "rotary_pct": .number(share),
      "rotary_emb_base": .decimal(a.rotaryTheta), "attention_bias": .bool(a.attentionBias),
      "use_parallel_residual": .bool(a.parallelResidual),
    ]
  }

  private func llama(_ a: Architecture) -> [String: JSONValue] {
    var fields: [String: JSONValue] = [
      "num_hidden_layers": .count(a.layers), "hidden_size": .count(a.dModel),
      "num_attention_heads": .count(a.heads), "num_key_value_heads": .count(a.kvHeads),
      "head_dim": .count(a.headDim), "intermediate_size": .count(a.dFF),
      "max_position_embeddings": .count(a.context), "rms_norm_eps": .decimal(a.normEpsilon),
      "hidden_act": .string("silu"), "rope_theta": .decimal(a.rotaryTheta), "rope_scaling": .null,
    ]
    if let scaling = a.ropeScaling {
      fields["rope_scaling"] = .object([
        "rope_type": .string("llama3"), "factor": .decimal(scaling.factor),
        "low_freq_factor": .decimal(scaling.lowFrequencyFactor),
        "high_freq_factor": .decimal(scaling.highFrequencyFactor),
        "original_max_position_embeddings": .count(scaling.originalContext),
      ])
    }
    if self != .qwen2 { fields["attention_bias"] = .bool(a.attentionBias) }
    if self == .llama { fields["mlp_bias"] = .bool(a.mlpBias) }
    if self != .llama { fields["use_sliding_window"] = .bool(false) }
    return fields
  }

  private func activation(_ a: Architecture) -> String { a.mlp == .gelu ? "gelu_new" : "gelu" }
}

extension JSONValue {
  static func count(_ value: Int) -> JSONValue { .number(Double(value)) }

  /// The shortest decimal number that gives this float32: 1e-05, not 9.999999747378752e-06.
  static func decimal(_ value: Float) -> JSONValue { .number(Double("\(value)")!) }
}
