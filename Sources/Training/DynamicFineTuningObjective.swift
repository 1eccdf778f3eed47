import Models
import Support

/// Dynamic fine-tuning: the loss of each target token, weighted by the token's own probability, which is a constant in
/// the gradient. Tokens that the model finds improbable, which dominate the gradient of the plain loss, count less
/// (Wu et al. 2025, "On the Generalization of SFT"; TRL's `loss_type="dft"`).
///
///     L = −1/N · Σ π(token) · log π(token),   ∂L/∂log π(token) = −π(token)/N
public struct DynamicFineTuningObjective: TokenObjective {
  public let outputs = HeadOutputs.logprobs
  private let tokens: Int
  private let coefficient: Float
  /// Σ −π log π so far, in nats.
  private var sum = 0.0

  public init(tokens: Int, coefficient: Float = 1) {
    self.tokens = tokens
    self.coefficient = coefficient
  }

  public mutating func add(logprobs chunk: OutputChunk) {
    for (index, logprob) in chunk.values.enumerated() {
      let probability = DeterministicMath.exp(Double(logprob))
      chunk.gradient[index] = -coefficient * Float(probability) / Float(tokens)
      sum -= probability * Double(logprob)
    }
  }

  public var mean: Double { sum / Double(tokens) }
}
