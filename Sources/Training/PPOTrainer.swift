import Models
import Statistics
import Support
import Tensors

/// PPO with a per-token KL penalty and a pretraining mix. An episode is one prompt and one answer.
///
///     E[r(x, y) − β log(π(y|x)/π_SFT(y|x))] + γ_ptx E_pretrain[log π(x)]     Ouyang et al. 2022, eq. 2
///
/// Sampling may be int8. Everything in the objective is float32.
public final class PPOTrainer {
  public let policy: TrainableModel
  public let values: ValueSource
  public let options: PPOOptions
  /// Holds β and, if β is adaptive, changes it.
  public private(set) var controller: KLController
  public private(set) var skippedUpdates = 0
  /// Consecutive iterations with skipped updates, counted back from the latest.
  public private(set) var skipsInARow = 0

  let compute: Compute
  private let reference: (parameters: any StoredParameters, weights: TransformerWeights)
  private let reward: (parameters: any StoredParameters, model: SequencePass.Model)
  /// Turns the reward model's raw scores into rewards.
  public private(set) var normalization: RewardNormalization
  /// Padding token of a reward model from another program; the score is read at the last token before trailing padding.
  public var padToken: Int32?
  private let advantages: any AdvantageEstimator
  /// The pass for learning, and the pass for inference only.
  private let training: SequencePass
  private let inference: SequencePass
  private let languageModel: LanguageModelTrainer
  private let pretrainingGradients: Gradients?
  /// The answers whose activations `assess` kept for the first update.
  private var held: (members: [Int], pass: SequencePass.Held)?

  /// - Parameters:
  ///   - policy: has a scalar head if it computes the values itself.
  ///   - advantages: computes advantages from rewards; nil for generalised advantage estimation.
  ///   - reference: frozen, mapped and shared.
  ///   - training: the transformer for learning.
  ///   - inference: a transformer for forward passes only; it gives the same bits with less memory.
  public init(
    policy: TrainableModel, values: ValueSource, reference: any StoredParameters,
    reward: any StoredParameters,
    normalization: RewardNormalization, options: PPOOptions, advantages: (any AdvantageEstimator)? = nil,
    pretrainingTokens: Int, training: Transformer, inference: Transformer, arena: Arena
  ) throws {
    precondition(
      values.kind == options.valueModel
        && policy.parameters.layout.hasScalarHead == (values.kind == .shared),
      "the options require a \(options.valueModel.rawValue) value model")
    self.policy = policy
    self.values = values
    self.options = options
    self.advantages = advantages ?? GeneralizedAdvantages(gamma: options.gamma, lambda: options.lambda)
    self.reference = (reference, TransformerWeights(reference))
    self.reward = (reward, SequencePass.Model(weights: TransformerWeights(reward), head: reward.scalarHead))
    self.normalization = normalization
    compute = training.compute
    controller = KLController(coefficient: options.klCoefficient, target: options.adaptiveKL)
    if options.averageDecay > 0 {
      try policy.keepAverage(decay: options.averageDecay, name: "policy, average", arena: arena)
    }
    self.training = try SequencePass(training, arena: arena)
    self.inference = try SequencePass(inference, arena: arena)
    languageModel = LanguageModelTrainer(self.training)
    pretrainingGradients =
      options.pretrainingCoefficient > 0
      ? try Gradients(
        policy.parameters.languageModel.layout, tokens: pretrainingTokens, name: "pretraining mix, gradients",
        arena: arena) : nil
  }

  /// Restores the state of a training checkpoint: β, and the counts of skipped updates.
  public func restore(coefficient: Double, skipped: Int, inARow: Int) {
    controller = KLController(coefficient: coefficient, target: options.adaptiveKL)
    skippedUpdates = skipped
    skipsInARow = inARow
  }

  private var inverseTemperature: Float { 1 / options.temperature }

  /// The model whose head computes the values; the policy itself if its trunk is shared.
  public var value: TrainableModel { values.model ?? policy }

  /// Moving average of the policy; nil if none is kept.
  public var average: ParameterSet? { policy.average }

  /// The outputs that one pass of the policy computes.
  private var policyOutputs: HeadOutputs {
    values.model == nil ? [.logprobs, .entropies, .scalars] : [.logprobs, .entropies]
  }

  // MARK: One iteration

  /// Scores sampled episodes, applies the KL penalty, estimates advantages, and updates policy and value model.
  ///
  /// - Parameters:
  ///   - episodes: fresh samples of the current policy.
  ///   - learningRate: learning rate of policy and value model.
  ///   - random: draws the minibatches.
  ///   - pretraining: returns sequences for the mix; called once per update.
  /// - Returns: metrics by name (RECIPE.md).
  /// - Throws: `Failure(.failed)` if a number is not finite, before the update that it would spoil, or if updates
  ///   keep exploding. If the iteration has made no update before the error, nothing has changed.
  public func learn(
    from episodes: Episodes, learningRate: Double, random: inout RandomStream,
    pretraining: () -> [TrainingSequence]
  ) throws -> [Metric: Double] {
    var episodes = episodes
    let minibatches = drawMinibatches(of: episodes.count, &random)
    var metrics = assess(&episodes, first: minibatches.first ?? [])
    try requireFinite(episodes)
    let before = (controller, skippedUpdates, skipsInARow)
    do {
      metrics.merge(estimateAdvantages(&episodes)) { _, new in new }
      metrics.merge(
        try update(episodes, minibatches, learningRate: learningRate, pretraining: pretraining)
      ) { _, new in new }
    } catch {
      (controller, skippedUpdates, skipsInARow) = before
      throw error
    }
    metrics[.learningRate] = learningRate
    return metrics
  }

  /// - Throws: `Failure(.failed)` with the name of a model whose outputs are not finite.
  private func requireFinite(_ episodes: Episodes) throws {
    let assessments: [(what: String, values: [Float], of: any StoredParameters)] = [
      ("the policy's log-probabilities are", episodes.logprobs, policy.parameters),
      ("the reference policy's log-probabilities are", episodes.reference, reference.parameters),
      (
        "the \(values.model == nil ? "policy" : "value model")'s values are", episodes.values,
        value.parameters
      ),
      ("the reward model's scores are", episodes.scores, reward.parameters),
    ]
    for (what, values, parameters) in assessments where !values.allSatisfy(\.isFinite) {
      throw policy.optimizer.refusal(what, of: parameters)
    }
  }

  /// Draws the episodes of every update, epoch by epoch.
  private func drawMinibatches(of count: Int, _ random: inout RandomStream) -> [[Int]] {
    var order = Array(0..<count)
    let size = options.miniBatch(of: count)
    return (0..<options.epochs).flatMap { _ in
      random.shuffle(&order)
      return stride(from: 0, to: count, by: size).map { Array(order[$0..<min($0 + size, count)]) }
    }
  }

  /// Fills in the models' outputs for the episodes before any update: log-probabilities, entropies, values, scores and
  /// importance weights.
  ///
  /// - Parameter first: the episodes of the first update. If these are all episodes and fit one pass, the activations
  ///   of that pass are kept, and the first update reuses them.
  /// - Returns: the metrics of the importance weights, by name.
  public func assess(_ episodes: inout Episodes, first: [Int] = []) -> [Metric: Double] {
    let old = readPolicy(episodes, first)
    episodes.logprobs = old.logprobs
    episodes.entropies = old.entropies
    episodes.reference = logprobs(reference.weights, episodes)
    episodes.values =
      values.model.map { inference.read(.scalars, of: $0.view, episodes.passSequences, as: "scoring").scalars }
      ?? old.scalars
    score(&episodes)
    var correction = ImportanceWeights(cap: options.importanceCap)
    episodes.weights = correction.add(float32: episodes.logprobs, sampled: episodes.sampled)
    if !options.correctsRollouts {
      episodes.weights = Array(repeating: 1, count: episodes.weights.count)
    }
    return correction.metrics
  }

  /// The policy's outputs for every token, in the episodes' order. If `first` are all episodes and fit one pass,
  /// their activations are kept for the first update.
  private func readPolicy(_ episodes: Episodes, _ first: [Int]) -> SequencePass.Reading {
    held = nil
    let units = first.lazy.map { episodes.unit($0) }
    guard !first.isEmpty, first.count == episodes.count, training.fits(units) else {
      return inference.read(
        policyOutputs, of: policy.view, episodes.passSequences, inverseTemperature: inverseTemperature,
        as: "reading answers")
    }
    let (reading, pass) = training.hold(
      policyOutputs, of: policy.view, units, inverseTemperature: inverseTemperature)
    held = (first, pass)
    return reading.ordered(by: episodes.tokens(of: first))
  }

  /// Scores episodes sampled from the final policy (`result`): fills in its log-probabilities, the reference policy's
  /// log-probabilities, and the scores.
  public func scoreResult(_ episodes: inout Episodes) {
    episodes.logprobs = logprobs(resultWeights, episodes)
    episodes.reference = logprobs(reference.weights, episodes)
    score(&episodes)
  }

  /// The current policy's log-probabilities of the sampled tokens.
  public func logprobs(_ episodes: Episodes) -> [Float] { logprobs(policy.weights, episodes) }

  /// The final policy: the moving average if one is kept, else the newest policy.
  public var result: ParameterSet { average ?? policy.parameters.languageModel }

  /// Weights of `result`, for sampling.
  public var resultWeights: TransformerWeights { average.map { TransformerWeights($0) } ?? policy.weights }

  private func logprobs(_ weights: TransformerWeights, _ episodes: Episodes) -> [Float] {
    inference.read(
      .logprobs, of: .init(weights: weights), episodes.passSequences, inverseTemperature: inverseTemperature,
      as: "reading answers"
    ).logprobs
  }

  private func score(_ episodes: inout Episodes) {
    episodes.scores = rawScores(episodes).map(normalization.apply)
  }

  private func rawScores(_ episodes: Episodes) -> [Float] {
    inference.scores(
      reward.model,
      (0..<episodes.count).map { RankedSequences.withoutPadding(episodes.sequence($0), padToken) })
  }

  /// Measures a normalisation on these answers for a reward model that has none: they then score 0 on average, with a
  /// standard deviation of 1.
  /// - Throws: `Failure(.badData)` if all scores are equal; nothing has changed then.
  public func normalize(by episodes: Episodes) throws {
    let raw = rawScores(episodes)
    normalization = try RewardNormalization.measure(demonstrations: raw, samples: raw)
  }

  /// Computes rewards per token, advantages and returns, and updates β if it is adaptive.
  ///
  /// - Returns: metrics by name.
  public func estimateAdvantages(_ episodes: inout Episodes) -> [Metric: Double] {
    let scores = Rewards.score(
      episodes.scores, ended: episodes.endedInTime(options.shortestResponse), missingEnd: options.missingEnd,
      clip: options.rewardClip)
    let beta = controller.coefficient
    var rewards = Rewards.perToken(
      logprobs: episodes.logprobs, reference: episodes.reference, lengths: episodes.lengths,
      scores: scores, klCoefficient: beta, estimator: options.klEstimator)
    if options.whitenRewards { rewards = Rewards.whitened(rewards) }
    (episodes.advantages, episodes.returns) = advantages.estimate(rewards: rewards, of: episodes)
    let explained = SampleStatistics.explainedVariance(values: episodes.values, returns: episodes.returns)
    if options.whitenAdvantages { episodes.advantages = Advantages.whitened(episodes.advantages) }

    let figures = EpisodeFigures(
      episodes, scores: scores, klCoefficient: beta, estimator: options.klEstimator,
      importanceCap: options.importanceCap)
    controller.update(kl: figures.klPerEpisode, episodes: episodes.count)
    return figures.metrics.merging([Self.explainedVariance: explained ?? 0]) { own, _ in own }
  }

  private static let explainedVariance = Metric(
    "value/explained_variance", better: .higher,
    chart: .init(
      "Value fit", axis: "explained variance of the returns", place: 60, line: "value model", colour: "ppo",
      includes: [0, 1]))

  // MARK: Updates

  private func update(
    _ episodes: Episodes, _ minibatches: [[Int]], learningRate: Double,
    pretraining: () -> [TrainingSequence]
  ) throws -> [Metric: Double] {
    var record = UpdateRecord()
    for members in minibatches {
      let minibatch = Minibatch(members: members, tokens: episodes.tokens(of: members))
      try updatePolicy(episodes, minibatch, learningRate: learningRate, pretraining: pretraining, into: &record)
      if let value = values.model { try update(value, episodes, minibatch, learningRate: learningRate, into: &record) }
    }
    try guardAgainstExplosion(record)
    return record.metrics(skipped: skippedUpdates)
  }

  /// The answers of one update.
  private struct Minibatch {
    let members: [Int]
    /// Indices of their tokens in the episodes' per-token arrays.
    let tokens: [Int]
  }

  private func updatePolicy(
    _ episodes: Episodes, _ minibatch: Minibatch, learningRate: Double,
    pretraining: () -> [TrainingSequence], into record: inout UpdateRecord
  ) throws {
    let tokens = minibatch.tokens
    var objective = ClippedPolicyObjective(
      episodes, tokens: tokens, policy: PPOPolicyLoss(clipRange: options.clipRange, tokens: tokens.count),
      value: values.model == nil ? valueLoss(of: tokens.count) : nil)
    policy.gradients.reset()
    training.learn(
      &objective, policy.view, into: policy.gradients, minibatch.members.lazy.map { episodes.unit($0) },
      inverseTemperature: inverseTemperature,
      held: held.flatMap { $0.members == minibatch.members ? $0.pass : nil },
      as: "learning")
    held = nil
    if let pretrainingGradients {
      pretrainingGradients.reset()
      record.pretrainingLoss += languageModel.accumulate(
        policy.weights, into: pretrainingGradients, pretraining(),
        coefficient: Float(options.pretrainingCoefficient))
    }
    _ = try policy.step(learningRate: learningRate, mixing: pretrainingGradients, compute: compute) { norms in
      record.pretrainingNorm += norms.mixed
      record.add(objective.policy.sums, norm: norms.norm)
      if let value = objective.value { record.add(value.sums, norm: nil) }
      return try accept(objective.policy.sums, &record)
    }
  }

  /// Whether a policy update is small enough to be taken. Counts the update as skipped if not.
  private func accept(_ sums: PPOPolicyLoss.Sums, _ record: inout UpdateRecord) throws -> Bool {
    let ratio = sums.ratioMean
    guard !ratio.isNaN else { throw policy.refusal("the policy's log-probabilities are") }
    guard ratio < options.largestMeanRatio, ratio > 1 / options.largestMeanRatio,
      sums.approximateKL < options.largestKL
    else {
      skippedUpdates += 1
      record.skip(sums)
      return false
    }
    return true
  }

  private func valueLoss(of tokens: Int) -> PPOValueLoss {
    PPOValueLoss(
      clipRange: options.clipRangeValue, coefficient: options.valueCoefficient, tokens: tokens)
  }

  /// Updates the separate value model.
  private func update(
    _ value: TrainableModel, _ episodes: Episodes, _ minibatch: Minibatch, learningRate: Double,
    into record: inout UpdateRecord
  ) throws {
    var objective = ClippedValueObjective(
      episodes, tokens: minibatch.tokens, loss: valueLoss(of: minibatch.tokens.count))
    value.gradients.reset()
    training.learn(
      &objective, value.view, into: value.gradients, minibatch.members.lazy.map { episodes.unit($0) },
      as: "learning values")
    let norm = try value.step(learningRate: learningRate, compute: compute).norm
    record.add(objective.loss.sums, norm: norm)
  }

  private func guardAgainstExplosion(_ record: UpdateRecord) throws {
    skipsInARow = record.skipped > 0 ? skipsInARow + 1 : 0
    guard skipsInARow >= options.skipsBeforeStopping else { return }
    throw Failure(
      .failed,
      "PPO's mean ratio was outside 1/\(options.largestMeanRatio)…\(options.largestMeanRatio), or its "
        + "approximate KL reached \(options.largestKL) nats per token, in \(skipsInARow) consecutive iterations; "
        + "the last skipped update had the ratio \(Formatting.fixed(record.lastSkipped.ratioMean, 3)) and "
        + "the KL \(Formatting.fixed(record.lastSkipped.approximateKL, 3))",
      remedy: "Lower --learning-rate or --num-ppo-epochs, or raise --kl-coef or --max-update-kl.")
  }
}
