import Dialogues
import Inference
import Models
import Runs
import Statistics
import Support
import Tokenizers
import Training

/// Chooses the prompts that are ranked in a round: from four times as many, those on whose answers the reward model's
/// heads disagree most.
///
/// The heads (`RewardHeads`) use the trunk of the previous round's reward model and are trained on the same rankings.
/// They only choose prompts; rewards come from the reward model itself. `reward-heads.jsonl` stores the heads, so that
/// a choice can be checked later.
package struct LabelSelection {
  private static let byDisagreement = "disagreement"
  static let headsFile = "reward-heads.jsonl"
  /// Number of candidate prompts for each chosen prompt.
  static let pool = 4

  /// Whether a round chooses its prompts.
  package static func isMade(_ settings: Settings, _ round: Round) -> Bool {
    settings.choice(.labelSelection) == byDisagreement && round.previous != nil
  }

  /// Checks that the settings of label selection, reward heads and rounds fit together.
  /// - Throws: `Failure(.usage)` for heads without a selection, and for a selection without heads or rounds.
  static func check(_ settings: Settings) throws {
    let heads = settings.count(.rewardHeads)
    guard settings.choice(.labelSelection) == byDisagreement else {
      guard heads > 1 else { return }
      throw Failure(
        .usage, "--reward-heads \(heads) has no effect without --label-selection \(byDisagreement)",
        remedy: "Give --label-selection \(byDisagreement) too, or leave --reward-heads out.")
    }
    guard settings.count(.rounds) > 1 else {
      throw Failure(
        .usage, "--label-selection \(byDisagreement) needs the reward model of an earlier round",
        remedy: "Give --rounds 2 or more.")
    }
    guard heads > 1 else {
      throw Failure(
        .usage, "--label-selection \(byDisagreement) needs two or more reward heads",
        remedy: "Give --reward-heads 8, for example.")
    }
  }

  /// A line of `reward-heads.jsonl`.
  struct Line: Codable {
    var head: Int
    var weights: [Float]
  }

  private let context: StageContext
  private let reward: Model
  private let parameters: any StoredParameters
  private let scorer: SequencePass
  private let fit: ContextFit
  private let heads: RewardHeads

  /// Trains the heads.
  /// - Parameters:
  ///   - reward: the previous round's reward model.
  ///   - rankings: the rankings that it was trained on.
  ///   - scorer: a trainer of the model's architecture.
  init(
    _ context: StageContext, reward: Model, rankings: [Comparison], scorer: SequencePass
  ) throws {
    try reward.requireRewardModel()
    self.context = context
    self.reward = reward
    self.scorer = scorer
    parameters = try reward.parameters()
    fit = ContextFit(reward.architecture.context)
    let ranked = fit.comparisons(try rankings.tokenized(reward.tokenizer, threads: context.threads)).sequences
    var heads = RewardHeads(
      count: context.settings.count(.rewardHeads), width: reward.architecture.dModel,
      total: ranked.count, seed: context.seed)
    var order = Array(ranked.indices)
    var random = RandomStream(
      seed: context.seed, purpose: "reward/heads/order", index: UInt64(context.round.number))
    random.shuffle(&order)
    let (width, weights) = (reward.architecture.dModel, TransformerWeights(parameters))
    let work = Work("learning heads", of: order.count)
    defer { work.end() }
    for first in stride(from: 0, to: order.count, by: Self.batch) {
      defer { work.advance(by: Self.batch) }
      let prompts = order[first..<min(first + Self.batch, order.count)].map { ranked[$0] }
      let features = scorer.features(weights, prompts.flatMap(\.sequences))
      var next = 0
      for prompt in prompts {
        let end = next + prompt.ranks.count * width
        heads.learn(features[next..<end], ranks: prompt.ranks)
        next = end
      }
      if context.isInterrupted() { throw context.interrupted() }
    }
    self.heads = heads
  }

  /// Number of prompts whose answers' features are in memory at the same time.
  private static let batch = 64

  /// Writes the heads to the run folder, beside the reward model whose trunk they use.
  func write() throws {
    guard let round = context.round.previous else { preconditionFailure("there is no earlier round") }
    try context.run.writeLines(
      heads.weights.enumerated().map { Line(head: $0 + 1, weights: $1) },
      to: round.file(Self.headsFile))
  }

  /// The indices of the `count` prompts on whose answers the heads disagree most, in ascending order; ties go to the
  /// first. Prompts that do not fit the reward model's context are chosen last.
  func choose(_ count: Int, of prompts: [(turns: Prompt, answers: [String])]) throws -> [Int] {
    let disagreements = try self.disagreements(prompts)
    let chosen = prompts.indices.sorted { a, b in
      disagreements[a] == disagreements[b] ? a < b : disagreements[a] > disagreements[b]
    }.prefix(count)
    func mean(_ indices: some Sequence<Int>) -> Double {
      indices.map { disagreements[$0] }.filter(\.isFinite).mean ?? 0
    }
    let stage = context.name(.rankings)
    try context.metrics.truncate(stage: stage, afterStep: 0)
    try context.metrics.append(
      stage: stage, step: 1,
      [(Metric("disagreement/pool"), mean(prompts.indices)), (Metric("disagreement/chosen"), mean(chosen))])
    try context.metrics.synchronize()
    return chosen.sorted()
  }

  private func disagreements(_ prompts: [(turns: Prompt, answers: [String])]) throws -> [Double] {
    let (width, weights) = (reward.architecture.dModel, TransformerWeights(parameters))
    var result: [Double] = []
    let work = Work("choosing prompts", of: prompts.count)
    defer { work.end() }
    for first in stride(from: 0, to: prompts.count, by: Self.batch) {
      defer { work.advance(by: Self.batch) }
      let groups = try prompts[first..<min(first + Self.batch, prompts.count)].map { prompt in
        let comparison = Comparison(
          prompt: prompt.turns, completions: prompt.answers, ranks: prompt.answers.map { _ in 1 })
        return RankedSequences(try Tokenized(comparison, reward.tokenizer))
      }
      let fitting = groups.filter(fit.fits)
      let features = scorer.features(weights, fitting.flatMap(\.sequences))
      var next = 0
      for group in groups {
        guard fit.fits(group) else {
          result.append(-.infinity)
          continue
        }
        let end = next + group.ranks.count * width
        result.append(heads.disagreement(features[next..<end]))
        next = end
      }
      if context.isInterrupted() { throw context.interrupted() }
    }
    return result
  }
}
