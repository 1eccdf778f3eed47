import Runs
import Training

/// What `eval` measures of one model; what does not apply is nil.
public struct Measurements: Encodable, Sendable {
  var model: String
  var kind: String
  var text: HeldOutText.Figures?
  /// Of the answers of a language model.
  var answers = Summary.Model()
  /// Of a reward model.
  var assessment: RewardAssessment?

  /// Accuracy of a reward model with its 95 % interval.
  private struct Accuracy: Encodable {
    let mean: Double
    let low: Double
    let high: Double
  }

  private enum CodingKeys: String, CodingKey {
    case model, kind, loss, tokens, kl, gold, helpful, honest, harmless, accuracy, margin, pairs
    case bitsPerByte = "bits_per_byte"
    case proxyReward = "proxy_reward"
    case meanTokens = "mean_tokens"
    case refusalsOnLookalikes = "refusals_on_lookalikes"
  }

  /// Every key is there, so that readers need not ask which are.
  public func encode(to encoder: any Swift.Encoder) throws {
    var container = encoder.container(keyedBy: CodingKeys.self)
    try container.encode(model, forKey: .model)
    try container.encode(kind, forKey: .kind)
    try container.encode(text?.loss, forKey: .loss)
    try container.encode(text?.bitsPerByte, forKey: .bitsPerByte)
    try container.encode(text?.tokens, forKey: .tokens)
    try container.encode(answers.kl, forKey: .kl)
    try container.encode(answers.proxyReward, forKey: .proxyReward)
    try container.encode(answers.meanTokens, forKey: .meanTokens)
    try container.encode(answers.gold, forKey: .gold)
    try container.encode(answers.helpful, forKey: .helpful)
    try container.encode(answers.honest, forKey: .honest)
    try container.encode(answers.harmless, forKey: .harmless)
    try container.encode(answers.refusalsOnLookalikes, forKey: .refusalsOnLookalikes)
    let accuracy = assessment.map {
      Accuracy(mean: $0.accuracy.value, low: $0.accuracy.low, high: $0.accuracy.high)
    }
    try container.encode(accuracy, forKey: .accuracy)
    try container.encode(assessment?.margin, forKey: .margin)
    try container.encode(assessment?.pairs, forKey: .pairs)
  }
}
