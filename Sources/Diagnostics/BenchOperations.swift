import Inference
import Models
import Tensors

/// How much arithmetic a work cannot do without, in multiplications with an addition, two operations
/// each: what its limit is made of.
struct BenchOperations {
  /// Elements of the projections of all layers: what every token is multiplied with.
  let body: Double
  /// Elements of the unembedding: what a token is multiplied with whose successor matters.
  let head: Double
  /// Bytes of the keys and values of a position.
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

  /// A forward pass over `tokens`, of which `logits` have a successor that matters; a value or a
  /// reward model has none.
  func forward(tokens: Int, logits: Int) -> Double {
    2 * (body * Double(tokens) + head * Double(logits))
  }

  /// What an episode of PPO takes with nothing computed twice: the reference and the reward model
  /// forward, policy and value forward and backward in each epoch. The first of these forward passes
  /// is also that of the old policy and its values, unless several minibatches move the weights
  /// between them.
  func ppo(prompt: Int, answer: Int, epochs: Int, miniBatches: Int) -> Double {
    let once =
      forward(tokens: prompt + answer, logits: answer) + forward(tokens: prompt + answer, logits: 0)
    return Double(1 + 3 * epochs + (miniBatches > 1 ? 1 : 0)) * once
  }
}
