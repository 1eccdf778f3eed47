import Dialogues
import Inference
import Models
import Statistics
import Support
import Tokenizers

/// One answer to each of some held-out prompts, and what a reward model thinks of them: InstructGPT's measure
/// of an SFT model, whose validation loss says little about its answers.
struct HeldOutAnswers {
  /// Prompts beyond so many are not asked.
  private static let most = 200

  let prompts: [Prompt]
  private let generator: Generator
  private let tokenizer: Tokenizer
  private let responseLength: Int
  private let seed: UInt64
  private let scorer: RewardScorer

  /// - Parameters:
  ///   - runtime: of `model`'s architecture.
  ///   - place: where the prompts are from.
  /// - Throws: `Failure(.badData)` for a reward model that cannot read the answers, and for prompts that
  ///   leave no room for them; `.usage` when there are no prompts at all.
  init(
    _ runtime: ModelRuntime, _ prompts: [Prompt], at place: String?, of model: Model, by reward: Model,
    _ context: StageContext
  ) throws {
    try reward.requireToRead(model)
    guard !prompts.isEmpty else {
      throw Failure(
        .usage, "there is no held-out prompt by whose answers a reward model could choose",
        remedy: "Give --validation FILE, or at least ten demonstrations.")
    }
    responseLength = context.settings.count(.responseLength)
    tokenizer = model.tokenizer
    seed = context.seed
    let fitting = try RecordEncoder(model.tokenizer, context: model.architecture.context)
      .prompts(prompts, responseLength: responseLength)
    try requireUsable(
      fitting.count, of: prompts.count,
      "held-out prompts leave room for \(responseLength) tokens in a context of "
        + "\(model.architecture.context)",
      at: place, remedy: "Lower --response-length, or use shorter prompts.", note: context.note)
    let asked = fitting.prefix(Self.most)
    self.prompts = asked.map { prompts[$0.index] }
    let memory = try JudgingMemory(
      runtime, reward: reward.architecture,
      longest: responseLength + asked.map(\.tokens.count).max()!)
    generator = memory.generator
    scorer = try RewardScorer(reward, memory.scorer)
  }

  /// The mean normalised score. The random streams are the same each time, so that two models differ by
  /// what they are and not by their luck.
  func score(_ weights: TransformerWeights) throws -> Double {
    var options = SamplingOptions()
    options.maxNewTokens = responseLength
    let answers = try Sampler(
      generator: generator, weights: weights, tokenizer: tokenizer, options: options, seed: seed,
      purpose: "sft/answers"
    ).answers(prompts, samples: 1).map { $0[0].tokens }
    let mean = scorer.scores(answers).map(Double.init).mean ?? .nan
    guard mean.isFinite else {
      throw Failure(
        .failed, "the scores of the answers to held-out prompts are not finite", at: scorer.model.name,
        remedy: "Check the reward model with `tinyrlhf inspect --verify`.")
    }
    return mean
  }
}
