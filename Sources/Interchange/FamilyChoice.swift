import Models
import Support

extension Family {
  /// The architecture of `transformers` that computes the same as ours.
  /// - Throws: `Failure(.badData)` with the feature that none of them supports.
  init(of a: Architecture, at place: String) throws {
    func refusal(_ what: String) -> Failure {
      Failure(
        .badData, "\(what) cannot be exported", at: place,
        remedy: "Export a model with the architecture of GPT-2, GPT-NeoX, Llama, Qwen2 or Qwen3.")
    }
    if a.mlp == .swiglu {
      guard a.norm == .rmsNorm, !a.normBias else { throw refusal("a gated MLP with LayerNorm") }
      guard a.position == .rotary, a.rotaryDim == a.headDim else {
        throw refusal("a gated MLP without rotary positions over whole heads")
      }
      guard !a.parallelResidual else { throw refusal("a gated MLP parallel to the attention") }
      if a.queryKeyNorm {
        guard a.attentionBias == a.attentionOutputBias, !a.mlpBias else {
          throw refusal("norms of queries and keys with these biases")
        }
        self = .qwen3
      } else if a.attentionBias == a.attentionOutputBias {
        self = .llama
      } else {
        guard !a.mlpBias else { throw refusal("biases of queries, keys, values and the MLP alone") }
        self = .qwen2
      }
      return
    }
    guard a.norm == .layerNorm, a.normBias else { throw refusal("an MLP without a gate but with RMSNorm") }
    guard a.kvHeads == a.heads, a.headDim * a.heads == a.dModel else {
      throw refusal("LayerNorm with heads that are grouped or do not add up to the width")
    }
    guard a.mlpBias, a.attentionBias == a.attentionOutputBias, !a.queryKeyNorm, a.ropeScaling == nil
    else { throw refusal("LayerNorm with these biases, norms of heads or a scaled rope") }
    if a.position == .rotary {
      self = .gptNeoX
    } else {
      guard a.attentionBias, !a.parallelResidual else {
        throw refusal("learned positions without biases, or with the MLP parallel to the attention")
      }
      self = .gpt2
    }
  }
}
