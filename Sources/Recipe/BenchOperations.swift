import Models

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
    body = QuantizedWeights.projections(of: layout).reduce(0) {
      $1.name.hasPrefix("layers.") ? $0 + Double($1.count) : $0
    }
    head = Double(a.vocabulary * a.dModel)
    keyValues = Double(2 * a.layers * a.keyValueWidth * precision.keyValues.bytes)
  }

  /// Computing a prompt whose last token alone has a successor to be drawn.
  func prompt(_ tokens: Int) -> Double { 2 * (body * Double(tokens) + head) }

  /// One position of a sequence that is being generated.
  var position: Double { 2 * (body + head) }

  /// One forward pass over a prompt with its answer, of a model that says something of each token of
  /// the answer (`logits`) or one number (a value, a reward).
  func forward(_ prompt: Int, _ answer: Int, logits: Bool) -> Double {
    2 * (body * Double(prompt + answer) + (logits ? head * Double(answer) : 0))
  }

  /// What an episode of PPO takes with nothing computed twice: the reference and the reward model
  /// forward, policy and value forward and backward in each epoch. The first of these forward passes
  /// is also that of the old policy and its values, unless several minibatches move the weights
  /// between them.
  func ppo(prompt: Int, answer: Int, epochs: Int, miniBatches: Int) -> Double {
    let (policy, scalar) = (
      forward(prompt, answer, logits: true), forward(prompt, answer, logits: false)
    )
    let passes = Double(3 * epochs + (miniBatches > 1 ? 1 : 0))
    return policy + scalar + passes * (policy + scalar)
  }
}
