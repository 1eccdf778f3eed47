import Models

/// The architectures of Hugging Face's `transformers` that this program supports.
enum Family: String, CaseIterable {
  case gpt2 = "GPT2"
  case gptNeoX = "GPTNeoX"
  case llama = "Llama"
  case qwen2 = "Qwen2"
  case qwen3 = "Qwen3"

  /// The class of the language model.
  var languageModel: String { self == .gpt2 ? "GPT2LMHeadModel" : "\(rawValue)ForCausalLM" }
  /// The class of the reward model.
  var classifier: String { "\(rawValue)ForSequenceClassification" }
  var modelType: String { self == .gptNeoX ? "gpt_neox" : rawValue.lowercased() }

  /// The prefix of the names of the trunk's tensors.
  var prefix: String {
    switch self {
    case .gpt2: "transformer."
    case .gptNeoX: "gpt_neox."
    case .llama, .qwen2, .qwen3: "model."
    }
  }

  /// A tensor of the trunk that every model has; used to detect the prefix in a file.
  var tokenEmbedding: String {
    switch self {
    case .gpt2: "wte.weight"
    case .gptNeoX: "embed_in.weight"
    case .llama, .qwen2, .qwen3: "embed_tokens.weight"
    }
  }

  var unembedding: String { self == .gptNeoX ? "embed_out.weight" : "lm_head.weight" }
  static let scoreHead = "score.weight"

  /// Whether a tensor is not a parameter but a table that some versions of `transformers` save: causal masks and
  /// rotary frequencies.
  func isBuffer(_ name: String) -> Bool {
    let buffers: [String]
    switch self {
    case .gpt2: buffers = [".attn.bias", ".attn.masked_bias"]
    case .gptNeoX: buffers = [".attention.bias", ".attention.masked_bias", ".rotary_emb.inv_freq"]
    case .llama, .qwen2, .qwen3: buffers = [".rotary_emb.inv_freq"]
    }
    return buffers.contains { name.hasSuffix($0) }
  }

  /// The module of the other program that corresponds to one of ours, for instance `h.3.ln_1` for `layers.3.norm1`,
  /// without the trunk's prefix. Several modules if ours is one matrix and theirs are separate.
  func modules(of ours: String) -> [String] {
    guard ours.hasPrefix("layers.") else { return outer(ours).map { [$0] } ?? [] }
    let parts = ours.split(separator: ".", maxSplits: 2)
    let layers = self == .gpt2 ? "h" : "layers"
    return inner(String(parts[2])).map { "\(layers).\(parts[1]).\($0)" }
  }

  private func outer(_ module: String) -> String? {
    switch (self, module) {
    case (_, "token_embedding"): String(tokenEmbedding.dropLast(".weight".count))
    case (.gpt2, "position_embedding"): "wpe"
    case (.gpt2, "final_norm"): "ln_f"
    case (.gptNeoX, "final_norm"): "final_layer_norm"
    case (_, "final_norm"): "norm"
    default: nil
    }
  }

  private func inner(_ module: String) -> [String] {
    switch self {
    case .gpt2:
      [
        "norm1": ["ln_1"], "norm2": ["ln_2"], "attention.qkv": ["attn.c_attn"],
        "attention.output": ["attn.c_proj"], "mlp.up": ["mlp.c_fc"], "mlp.down": ["mlp.c_proj"],
      ][module] ?? []
    case .gptNeoX:
      [
        "norm1": ["input_layernorm"], "norm2": ["post_attention_layernorm"],
        "attention.qkv": ["attention.query_key_value"], "attention.output": ["attention.dense"],
        "mlp.up": ["mlp.dense_h_to_4h"], "mlp.down": ["mlp.dense_4h_to_h"],
      ][module] ?? []
    case .llama, .qwen2, .qwen3:
      [
        "norm1": ["input_layernorm"], "norm2": ["post_attention_layernorm"],
        "attention.qkv": ["q", "k", "v"].map { "self_attn.\($0)_proj" },
        "attention.query_norm": ["self_attn.q_norm"], "attention.key_norm": ["self_attn.k_norm"],
        "attention.output": ["self_attn.o_proj"],
        "mlp.gate_up": ["mlp.gate_proj", "mlp.up_proj"], "mlp.down": ["mlp.down_proj"],
      ][module] ?? []
    }
  }
}
