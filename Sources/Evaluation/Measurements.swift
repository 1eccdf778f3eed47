import Inference
import Runs

/// The measurements of one model by `eval`; figures that do not apply are nil.
public struct Measurements: Encodable, Sendable {
  var model: String
  var kind: String
  var text: HeldOutText.Figures?
  /// Figures of a language model's answers.
  var answers = Summary.Model()
  /// Figures of a reward model.
  var assessment: RewardAssessment?

  private enum CodingKeys: String, CodingKey {
    case model, kind, loss, tokens, kl, gold, helpful, honest, harmless, accuracy, margin, pairs, prompts, n
    case tiedScores = "tied_scores"
    case bitsPerByte = "bits_per_byte"
    case proxyReward = "proxy_reward"
    case meanTokens = "mean_tokens"
    case lengthCorrelation = "length_correlation"
    case lengthCorrelationWithinPrompts = "length_correlation_within_prompts"
    case refusalsOnLookalikes = "refusals_on_lookalikes"
  }

  /// Writes every key, so that readers need not check which keys exist.
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
    try container.encode(assessment?.accuracy, forKey: .accuracy)
    try container.encode(assessment?.margin, forKey: .margin)
    try container.encode(assessment?.pairs, forKey: .pairs)
    try container.encode(assessment?.promptCount, forKey: .prompts)
    try container.encode(assessment?.tiedScores, forKey: .tiedScores)
    try container.encode(answers.n, forKey: .n)
    try container.encode(assessment?.lengthCorrelation, forKey: .lengthCorrelation)
    try container.encode(
      assessment?.lengthCorrelationWithinPrompts, forKey: .lengthCorrelationWithinPrompts)
  }
}
