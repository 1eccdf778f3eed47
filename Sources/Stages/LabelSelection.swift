import Dialogues
import Inference
import Models
import Runs
import Statistics
import Support
import Training

/// Which prompts of a round are worth a labeler's time: of four times as many, those on whose answers the reward
/// model's heads disagree most.
///
/// The heads (`RewardHeads`) stand on the trunk of the round before's reward model and learn from the rankings
/// that it has learnt from. Rewards are that model's own; `reward-heads.jsonl` holds the heads, so that
/// anyone can look into a choice.
package struct LabelSelection {
  private static let byDisagreement = "disagreement"
  static let headsFile = "reward-heads.jsonl"
  /// Prompts to choose from, for each that is chosen.
  static let pool = 4

  /// Whether a round chooses its prompts.
  package static func isMade(_ settings: Settings, _ round: Round) -> Bool {
    settings.choice(.labelSelection) == byDisagreement && round.previous != nil
  }

  /// - Throws: `Failure(.usage)` for settings that want a choice which nobody can make, or no choice.
  static func check(_ settings: Settings) throws {
    let heads = settings.count(.rewardHeads)
    guard settings.choice(.labelSelection) == byDisagreement else {
      guard heads > 1 else { return }
      throw Failure(
        .usage, "--reward-heads \(heads) have nothing to choose",
        remedy: "Give --label-selection \(byDisagreement) too, or leave them out.")
    }
    guard settings.count(.rounds) > 1 else {
      throw Failure(
        .usage, "--label-selection \(byDisagreement) needs a reward model of the round before",
        remedy: "Give --rounds 2 or more.")
    }
    guard heads > 1 else {
      throw Failure(
        .usage, "--label-selection \(byDisagreement) needs heads that can disagree",
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
  private let parameters: ParameterSet
  private let scorer: SequencePass
  private let encoder: RecordEncoder
  private let heads: RewardHeads

  /// Trains the heads.
  /// - Parameters:
  ///   - reward: the round before's.
  ///   - rankings: those that it has learnt from.
  ///   - scorer: of the model's architecture.
  init(
    _ context: StageContext, reward: Model, rankings: [Comparison], scorer: SequencePass
  ) throws {
    try reward.requireRewardModel()
    self.context = context
    self.reward = reward
    self.scorer = scorer
    parameters = try reward.parameters()
    encoder = RecordEncoder(reward.tokenizer, context: reward.architecture.context)
    let ranked = try encoder.ranked(rankings).sequences
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

  /// Prompts whose answers' features are in memory together.
  private static let batch = 64

  /// Leaves the heads in the run folder, beside the reward model on whose trunk they stand.
  func write() throws {
    guard let round = context.round.previous else { preconditionFailure("no reward model before") }
    try context.run.writeLines(
      heads.weights.enumerated().map { Line(head: $0 + 1, weights: $1) },
      to: round.file(Self.headsFile))
  }

  /// The `count` of the prompts on whose answers the heads disagree most, in order; of equal ones the first.
  /// What does not fit the reward model's context is not chosen before everything else is.
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
        try encoder.sequences(
          Comparison(
            prompt: prompt.turns, completions: prompt.answers, ranks: prompt.answers.map { _ in 1 }))
      }
      let fitting = groups.filter(encoder.fits)
      let features = scorer.features(weights, fitting.flatMap(\.sequences))
      var next = 0
      for group in groups {
        guard encoder.fits(group) else {
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
