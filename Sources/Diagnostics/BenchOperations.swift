import Inference
import Models
import Tensors

/// The minimum arithmetic of a work, from which its limit is computed. A multiplication with an addition counts as two
/// operations.
struct BenchOperations {
  /// Elements of the projections of all layers; every token is multiplied with all of them.
  let body: Double
  /// Elements of the unembedding; only tokens that need logits are multiplied with them.
  let head: Double
  /// Bytes of the keys and values of one position.
  let keyValues: Double

  init(_ layout: ParameterLayout, _ precision: RolloutPrecision) {
    let a = layout.architecture
    body = layout.trunk.reduce(0) {
      if case .projection = $1.role { $0 + Double($1.count) } else { $0 }
    }
    head = Double(a.vocabulary * a.dModel)
    keyValues =
      Double(2 * a.layers * a.kvHeads * precision.keyValues.groupBytes(headDim: a.headDim))
      / Double(KeyValuePrecision.group)
  }

  /// Operations of a forward pass over `tokens` tokens, `logits` of which need logits (0 for a value or reward model).
  func forward(tokens: Int, logits: Int) -> Double {
    2 * (body * Double(tokens) + head * Double(logits))
  }

  /// Minimum operations of a PPO episode: the reference and the reward model forward, and policy and value forward and
  /// backward in each epoch. The first of these forward passes also gives the old policy's log-probabilities and
  /// values, unless there are several minibatches, because then the weights change between the two.
  func ppo(prompt: Int, answer: Int, epochs: Int, miniBatches: Int) -> Double {
    let once =
      forward(tokens: prompt + answer, logits: answer) + forward(tokens: prompt + answer, logits: 0)
    return Double(1 + 3 * epochs + (miniBatches > 1 ? 1 : 0)) * once
  }
}
