import Dialogues
import Inference
import Models
import Statistics
import Support
import Tokenizers

/// Samples one answer to each held-out prompt and scores the answers with a reward model. InstructGPT selects SFT
/// models in this way, because the validation loss says little about the answers.
struct HeldOutAnswers {
  /// Maximum number of prompts.
  private static let most = 200

  /// The tokens of each prompt.
  let prompts: [[Int32]]
  private let generator: Generator
  private let tokenizer: Tokenizer
  private let responseLength: Int
  private let seed: UInt64
  private let scorer: RewardScorer

  /// - Parameters:
  ///   - runtime: a runtime of `model`'s architecture.
  ///   - place: the file of the prompts.
  /// - Throws: `Failure(.badData)` for a reward model that cannot read the answers, and if no prompt leaves room for an
  ///   answer; `.usage` if there are no prompts.
  init(
    _ runtime: ModelRuntime, _ prompts: [Prompt], at place: String?, of model: Model, by reward: Model,
    _ context: StageContext
  ) throws {
    try reward.requireToRead(model)
    guard !prompts.isEmpty else {
      throw Failure(
        .usage, "there are no held-out prompts, which --reward-model needs to choose an epoch",
        remedy: "Give --validation FILE, or at least ten demonstrations.")
    }
    responseLength = context.settings.count(.responseLength)
    tokenizer = model.tokenizer
    seed = context.seed
    let fitting = ContextFit(model.architecture.context).prompts(
      try prompts.tokenized(model.tokenizer, threads: context.threads), responseLength: responseLength)
    try requireUsable(
      fitting.count, of: prompts.count,
      "held-out prompts leave room for \(responseLength) tokens in a context of "
        + "\(model.architecture.context)",
      at: place, remedy: "Lower --response-length, or use shorter prompts.", note: context.note)
    let asked = fitting.prefix(Self.most)
    self.prompts = asked.map(\.tokens)
    let memory = try JudgingMemory(
      runtime, reward: reward.architecture,
      longest: responseLength + asked.map(\.tokens.count).max()!)
    generator = memory.generator
    scorer = try RewardScorer(reward, memory.scorer)
  }

  /// The mean normalised score of the answers. The random streams are the same each time, so that differences between
  /// models are not caused by chance.
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
