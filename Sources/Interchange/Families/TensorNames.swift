/// Names of a family's tensors, by ours. A name of ours is that of a module: `layers.3.norm1` has a weight, and perhaps
/// a bias.
struct TensorNames: Sendable {
  /// Before the names of the trunk's tensors, except the unembedding.
  var prefix = ""
  /// Names of the modules outside of layers, by ours.
  var outer: [String: String]
  /// What comes before a layer's number.
  var layers: String
  /// Names of the modules in a layer, by ours. Several names mean that ours is one matrix and theirs are separate.
  var inner: [String: [String]]
  /// Endings of names that are tables, not parameters: causal masks and rotary frequencies.
  var buffers: [String] = []
  /// How the rows of a projection are arranged, by our module; a missing one has our arrangement.
  var arrangements: [String: Arrangement] = [:]
  /// Whether their norms' weights are ours plus 1, if ours are offsets from 1.
  var addsOneToNorms = false

  enum Arrangement: Sendable {
    /// [inputs, outputs]
    case transposed
    /// Query, key and value of one head together.
    case interleavedHeads
    /// Neighbouring elements of a query's or key's head are rotated together, instead of one element of each half.
    case neighbouringPairs
  }

  /// The names that correspond to one of our modules, without the prefix.
  func modules(of ours: String) -> [String] {
    guard ours.hasPrefix("layers.") else { return outer[ours].map { [$0] } ?? [] }
    let parts = ours.split(separator: ".", maxSplits: 2)
    return (inner[String(parts[2])] ?? []).map { "\(layers).\(parts[1]).\($0)" }
  }

  /// The name of the token embedding, without the prefix.
  var tokenEmbedding: String { "\(outer["token_embedding"]!).weight" }
  var unembedding: String { "\(outer["unembedding"]!).weight" }
  func isBuffer(_ name: String) -> Bool { buffers.contains { name.hasSuffix($0) } }

  /// The same names, with other modules in a layer.
  func with(_ modules: [String: [String]]) -> TensorNames {
    var names = self
    names.inner.merge(modules) { $1 }
    names.inner = names.inner.filter { !$0.value.isEmpty }
    return names
  }

  /// Names that Llama and many other families have in `transformers`.
  static let llama = TensorNames(
    prefix: "model.", outer: ["token_embedding": "embed_tokens", "final_norm": "norm", "unembedding": "lm_head"],
    layers: "layers",
    inner: [
      "norm1": ["input_layernorm"], "norm2": ["post_attention_layernorm"],
      "attention.qkv": ["q", "k", "v"].map { "self_attn.\($0)_proj" },
      "attention.query_norm": ["self_attn.q_norm"], "attention.key_norm": ["self_attn.k_norm"],
      "attention.output": ["self_attn.o_proj"],
      "mlp.gate_up": ["mlp.gate_proj", "mlp.up_proj"], "mlp.down": ["mlp.down_proj"],
    ],
    buffers: [".rotary_emb.inv_freq"])

  /// llama.cpp's names.
  static let gguf = TensorNames(
    outer: [
      "token_embedding": "token_embd", "position_embedding": "position_embd", "final_norm": "output_norm",
      "unembedding": "output",
    ],
    layers: "blk",
    inner: [
      "norm1": ["attn_norm"], "norm2": ["ffn_norm"], "attention.qkv": ["q", "k", "v"].map { "attn_\($0)" },
      "attention.output": ["attn_output"], "attention.query_norm": ["attn_q_norm"],
      "attention.key_norm": ["attn_k_norm"], "output_norm1": ["post_attention_norm"], "mlp.up": ["ffn_up"],
      "mlp.gate_up": ["ffn_gate", "ffn_up"], "mlp.down": ["ffn_down"], "output_norm2": ["post_ffw_norm"],
    ])

  /// llama.cpp's names where one matrix holds queries, keys and values.
  static let ggufFused = gguf.with(["attention.qkv": ["attn_qkv"]])

  /// llama.cpp's names where heads are rotated in neighbouring pairs, as in Llama's first program.
  static let ggufPairs: TensorNames = {
    var names = gguf
    names.arrangements["attention.qkv"] = .neighbouringPairs
    return names
  }()
}
