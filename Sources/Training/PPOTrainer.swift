import Models
import Statistics
import Support
import Tensors

/// PPO with a per-token KL penalty and a pretraining mix, on one prompt, one answer, end.
///
///     E[r(x, y) − β log(π(y|x)/π_SFT(y|x))] + γ_ptx E_pretrain[log π(x)]     Ouyang et al. 2022, eq. 2
///
/// Sampling may be int8; everything the objective is made of is float32.
public final class PPOTrainer: @unchecked Sendable {
  public let policy: TrainableModel
  /// The policy itself where values come from its own trunk.
  public let value: TrainableModel
  public let options: PPOOptions
  /// β; moves when it is adaptive.
  public private(set) var controller: KLController
  /// Moving average of the policy.
  public let average: ParameterSet?
  public private(set) var skippedUpdates = 0
  /// Iterations with skipped updates up to the latest, none without between them.
  public private(set) var skipsInARow = 0

  let compute: Compute
  private let reference: (parameters: ParameterSet, weights: TransformerWeights)
  private let reward: (parameters: ParameterSet, weights: TransformerWeights)
  /// Of the reward model.
  public private(set) var normalization: RewardNormalization
  /// Of the reward model, if it was another program's: its score is read before this token.
  public var padToken: Int32?
  private let policyPass: PolicyPass
  /// nil where the policy's pass brings the values.
  private let valuePass: ScalarPass?
  private let scorer: RewardTrainer
  private let evaluator: PolicyPass
  private let valueEvaluator: ScalarPass?
  private let languageModel: LanguageModelTrainer
  private let pretrainingGradients: Gradients?

  /// - Parameters:
  ///   - policy, value: take turns, so that their gradients may share memory; or one and the same, a
  ///     language model with a scalar head.
  ///   - reference: frozen, mapped and shared.
  ///   - training: the transformer that learns.
  ///   - inference: one that only computes; the same bits with less memory.
  public init(
    policy: TrainableModel, value: TrainableModel, reference: ParameterSet, reward: ParameterSet,
    normalization: RewardNormalization, options: PPOOptions, pretrainingTokens: Int,
    training: Transformer, inference: Transformer, arena: Arena
  ) throws {
    let sharesTrunk = options.valueModel == .shared
    precondition(
      (value === policy) == sharesTrunk && policy.parameters.layout.hasScalarHead == sharesTrunk,
      "a \(options.valueModel.rawValue) value model is asked for")
    self.policy = policy
    self.value = value
    self.options = options
    self.reference = (reference, TransformerWeights(reference))
    self.reward = (reward, TransformerWeights(reward))
    self.normalization = normalization
    compute = training.compute
    controller = KLController(coefficient: options.klCoefficient, target: options.adaptiveKL)
    average =
      options.averageDecay > 0
      ? try ParameterSet(
        policy.parameters.languageModel.layout, name: "policy, average", arena: arena) : nil
    if !arena.isPlan { average?.copy(from: policy.parameters) }
    policyPass = try PolicyPass(training, arena: arena)
    valuePass = sharesTrunk ? nil : try ScalarPass(training, arena: arena)
    evaluator = try PolicyPass(inference, arena: arena)
    valueEvaluator = sharesTrunk ? nil : try ScalarPass(inference, arena: arena)
    scorer = try RewardTrainer(inference, arena: arena)
    languageModel = try LanguageModelTrainer(training, arena: arena)
    pretrainingGradients =
      options.pretrainingCoefficient > 0
      ? try Gradients(
        policy.parameters.languageModel.layout, tokens: pretrainingTokens, name: "pretraining mix, gradients",
        arena: arena) : nil
  }

  /// Continues where a training checkpoint was written.
  public func restore(coefficient: Double, skipped: Int, inARow: Int) {
    controller = KLController(coefficient: coefficient, target: options.adaptiveKL)
    skippedUpdates = skipped
    skipsInARow = inARow
  }

  private var inverseTemperature: Float { 1 / options.temperature }

  /// The policy's parameters, whose head gives the values; nil where another model does.
  private var valueHead: ParameterSet? { value === policy ? policy.parameters : nil }

  // MARK: One iteration

  /// Scores, penalises, estimates advantages and updates policy and value on sampled episodes.
  ///
  /// - Parameters:
  ///   - episodes: fresh samples of the current policy.
  ///   - learningRate: of policy and value.
  ///   - random: draws the minibatches.
  ///   - pretraining: sequences for the mix, asked for once an update.
  /// - Returns: metrics by name, RECIPE 20.
  /// - Throws: `Failure(.failed)` for anything that is not finite, before the update that it would
  ///   spoil, and for updates that keep exploding. Unless updates came before, nothing has changed.
  public func learn(
    from episodes: Episodes, learningRate: Double, random: inout RandomStream,
    pretraining: () -> [TrainingSequence]
  ) throws -> [String: Double] {
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
    metrics["lr"] = learningRate
    return metrics
  }

  /// - Throws: `Failure(.failed)` naming the model that an iteration cannot go on with.
  private func requireFinite(_ episodes: Episodes) throws {
    let assessments: [(what: String, values: [Float], of: ParameterSet)] = [
      ("the policy's log-probabilities are", episodes.logprobs, policy.parameters),
      ("the reference policy's log-probabilities are", episodes.reference, reference.parameters),
      (
        "the \(valueHead == nil ? "value model" : "policy")'s values are", episodes.values,
        value.parameters
      ),
      ("the reward model's scores are", episodes.scores, reward.parameters),
    ]
    for (what, values, parameters) in assessments where !values.allSatisfy(\.isFinite) {
      throw policy.optimizer.refusal(what, of: parameters)
    }
  }

  /// The episodes of every update, epoch by epoch.
  private func drawMinibatches(of count: Int, _ random: inout RandomStream) -> [[Int]] {
    var order = Array(0..<count)
    let size = options.miniBatch(of: count)
    return (0..<options.epochs).flatMap { _ in
      random.shuffle(&order)
      return stride(from: 0, to: count, by: size).map { Array(order[$0..<min($0 + size, count)]) }
    }
  }

  /// Fills in what the models say of the episodes before any update.
  ///
  /// - Parameter first: the episodes of the first update. When they are all and fit one pass, that
  ///   pass is the update's own: its activations wait for the advantages.
  public func assess(_ episodes: inout Episodes, first: [Int] = []) -> [String: Double] {
    let old =
      !first.isEmpty && first.count == episodes.count && policyPass.fits(episodes, first)
      ? policyPass.hold(
        policy.weights, valueHead: valueHead, episodes, first,
        inverseTemperature: inverseTemperature)
      : evaluator.read(
        policy.weights, valueHead: valueHead, episodes, inverseTemperature: inverseTemperature)
    episodes.logprobs = old.logprobs
    episodes.entropies = old.entropies
    episodes.reference = logprobs(reference.weights, episodes)
    episodes.values =
      valueEvaluator?.values(
        value.parameters, value.weights, of: episodes.count, length: episodes.sequenceLength,
        add: { [episodes] in valueEvaluator?.append(episodes, $0) }) ?? old.values
    score(&episodes)
    var correction = ImportanceWeights(cap: options.importanceCap)
    episodes.weights = correction.add(float32: episodes.logprobs, sampled: episodes.sampled)
    if !options.correctsRollouts {
      episodes.weights = Array(repeating: 1, count: episodes.weights.count)
    }
    return Dictionary(uniqueKeysWithValues: correction.metrics.map { ($0.name, $0.value) })
  }

  /// Fills in what answers of the policy that PPO leaves are looked at by: its own log-probabilities and the
  /// reference's, and the scores.
  public func look(at episodes: inout Episodes) {
    episodes.logprobs = logprobs(resultWeights, episodes)
    episodes.reference = logprobs(reference.weights, episodes)
    score(&episodes)
  }

  /// The policy's log-probabilities of what was sampled, as it stands.
  public func logprobs(_ episodes: Episodes) -> [Float] { logprobs(policy.weights, episodes) }

  /// The policy that PPO leaves: the average where one is kept, else the newest.
  public var result: ParameterSet { average ?? policy.parameters.languageModel }

  /// Of `result`, to sample from.
  public var resultWeights: TransformerWeights { average.map { TransformerWeights($0) } ?? policy.weights }

  private func logprobs(_ weights: TransformerWeights, _ episodes: Episodes) -> [Float] {
    evaluator.read(weights, episodes, inverseTemperature: inverseTemperature).logprobs
  }

  private func score(_ episodes: inout Episodes) {
    episodes.scores = rawScores(episodes).map(normalization.apply)
  }

  private func rawScores(_ episodes: Episodes) -> [Float] {
    scorer.scores(
      reward.parameters, reward.weights,
      (0..<episodes.count).map { RankedSequences.withoutPadding(episodes.sequence($0), padToken) })
  }

  /// Gives a reward model that has no normalisation one by answers that are at hand: they score 0 on average,
  /// with a standard deviation of 1.
  /// - Throws: `Failure(.badData)` when all have the same score; nothing has changed then.
  public func normalize(by episodes: Episodes) throws {
    let raw = rawScores(episodes)
    normalization = try RewardNormalization.measure(demonstrations: raw, samples: raw)
  }

  /// Rewards per token, advantages and returns; moves an adaptive β.
  public func estimateAdvantages(_ episodes: inout Episodes) -> [String: Double] {
    let scores = Rewards.score(
      episodes.scores, ended: episodes.endedInTime(options.shortestResponse), missingEnd: options.missingEnd,
      clip: options.rewardClip)
    let beta = controller.coefficient
    var rewards = Rewards.perToken(
      logprobs: episodes.logprobs, reference: episodes.reference, lengths: episodes.lengths,
      scores: scores, klCoefficient: beta, estimator: options.klEstimator
    ).rewards
    if options.whitenRewards { rewards = Rewards.whitened(rewards) }
    (episodes.advantages, episodes.returns) = Advantages.generalized(
      rewards: rewards, values: episodes.values, lengths: episodes.lengths, gamma: options.gamma,
      lambda: options.lambda)
    let explained = Statistics.explainedVariance(values: episodes.values, returns: episodes.returns)
    if options.whitenAdvantages { episodes.advantages = Advantages.whitened(episodes.advantages) }

    var kl = KLEstimates()
    kl.add(logprobs: episodes.logprobs, reference: episodes.reference)
    let n = Double(episodes.count)
    let perEpisode = kl.k1 / n
    controller.update(kl: perEpisode, episodes: episodes.count)
    let penalty = beta * kl[options.klEstimator] / n
    let meanScore = scores.reduce(0) { $0 + Double($1) } / n
    let tokens = Double(episodes.logprobs.count)
    let weighted = weightedFigures(episodes, scores: scores)
    return [
      "objective/kl": perEpisode, "objective/kl_k3": kl.k3 / n,
      "objective/entropy": episodes.entropies.reduce(0) { $0 + Double($1) } / tokens,
      "objective/non_score_reward": -penalty, "objective/scores": meanScore,
      "objective/rlhf_reward": meanScore - penalty, "objective/kl_coef": beta,
      "value/explained_variance": explained ?? 0, "response/length": tokens / n,
      "val/num_eos_tokens": Double(episodes.ended.filter { $0 }.count),
      "response/without_eos": Double(episodes.ended.filter { !$0 }.count) / n,
    ].merging(weighted) { own, _ in own }
  }

  /// Twins of figures of sampled answers, each answer with its importance weight: what the float32 policy
  /// has, where int8 sampled. Equal to them, up to rounding, for float32 rollouts.
  private func weightedFigures(_ episodes: Episodes, scores: [Float]) -> [String: Double] {
    guard episodes.sampled.count == episodes.logprobs.count else { return [:] }
    let weights = ImportanceWeights.ofAnswers(
      float32: episodes.logprobs, sampled: episodes.sampled, lengths: episodes.lengths,
      cap: options.importanceCap)
    let kl = zip(episodes.starts, episodes.lengths).map { start, length in
      (start..<start + length).reduce(0) {
        $0 + Double(episodes.logprobs[$1]) - Double(episodes.reference[$1])
      }
    }
    return [
      "objective/kl_weighted": Statistics.mean(kl, weights: weights),
      "objective/scores_weighted": Statistics.mean(scores.map { Double($0) }, weights: weights),
    ]
  }

  // MARK: Updates

  private func update(
    _ episodes: Episodes, _ minibatches: [[Int]], learningRate: Double,
    pretraining: () -> [TrainingSequence]
  ) throws -> [String: Double] {
    var record = UpdateRecord()
    for minibatch in minibatches {
      try updatePolicy(episodes, minibatch, learningRate, pretraining, &record)
      if let valuePass {
        try updateValue(valuePass, episodes, minibatch, learningRate, &record)
      }
    }
    try guardAgainstExplosion(record)
    return record.metrics(skipped: skippedUpdates)
  }

  private func updatePolicy(
    _ episodes: Episodes, _ minibatch: [Int], _ learningRate: Double,
    _ pretraining: () -> [TrainingSequence], _ record: inout UpdateRecord
  ) throws {
    let tokens = minibatch.reduce(0) { $0 + episodes.responses[$1].count }
    var loss = PPOPolicyLoss(clipRange: options.clipRange, tokens: tokens)
    var ownValueLoss = valueHead.map { _ in valueLoss(of: tokens) }
    policy.gradients.reset()
    policyPass.accumulate(
      policy, episodes, minibatch, inverseTemperature: inverseTemperature, loss: &loss,
      valueLoss: &ownValueLoss)
    policy.gradients.finish(compute)
    let own = policy.optimizer.norm(of: policy.gradients.parameters, compute: compute)
    if let pretrainingGradients {
      pretrainingGradients.reset()
      record.pretrainingLoss += languageModel.accumulate(
        policy.weights, into: pretrainingGradients, pretraining(),
        coefficient: Float(options.pretrainingCoefficient))
      pretrainingGradients.finish(compute)
      record.pretrainingNorm += policy.optimizer.norm(
        of: pretrainingGradients.parameters, compute: compute)
      compute.add(
        pretrainingGradients.parameters.trunk, to: policy.gradients.parameters.trunk,
        count: policy.parameters.layout.trunkCount)
    }
    record.add(loss.sums, norm: own)
    if let ownValueLoss { record.add(ownValueLoss.sums, norm: nil) }
    let ratio = loss.sums.ratioMean
    guard !ratio.isNaN else { throw policy.refusal("the policy's log-probabilities are") }
    guard ratio < options.largestMeanRatio, ratio > 1 / options.largestMeanRatio,
      loss.sums.approximateKL < options.largestKL
    else {
      skippedUpdates += 1
      record.skip(loss.sums)
      return
    }
    try policy.optimizer.update(
      policy.parameters, gradients: policy.gradients.parameters, learningRate: learningRate,
      compute: compute)
    updateAverage()
  }

  private func updateAverage() {
    guard let average else { return }
    compute.average(
      policy.parameters.trunk, into: average.trunk, count: policy.parameters.layout.trunkCount,
      decay: Float(MovingAverage.kept(options.averageDecay, at: policy.optimizer.step)))
  }

  private func valueLoss(of tokens: Int) -> PPOValueLoss {
    PPOValueLoss(
      clipRange: options.clipRangeValue, coefficient: options.valueCoefficient, tokens: tokens)
  }

  /// Of a value model of its own.
  private func updateValue(
    _ valuePass: ScalarPass, _ episodes: Episodes, _ minibatch: [Int], _ learningRate: Double,
    _ record: inout UpdateRecord
  ) throws {
    let starts = episodes.starts
    let tokens = minibatch.reduce(0) { $0 + episodes.responses[$1].count }
    var loss = valueLoss(of: tokens)
    value.gradients.reset()
    forEachMicroBatch(
      of: minibatch.count, capacity: valuePass.transformer.rows, as: "learning values",
      length: { episodes.sequenceLength(minibatch[$0]) }
    ) { range in
      let members = minibatch[range]
      valuePass.removeAll()
      for member in members { valuePass.append(episodes, member) }
      let predicted = valuePass.forward(value.parameters, value.weights)
      var next = 0
      for member in members {
        for t in starts[member]..<starts[member] + episodes.responses[member].count {
          valuePass.gradients[next] = loss.add(
            value: predicted[next], oldValue: episodes.values[t], target: episodes.returns[t])
          next += 1
        }
      }
      valuePass.backward(value)
    }
    record.add(loss.sums, norm: try value.step(learningRate: learningRate, compute: compute))
  }

  private func guardAgainstExplosion(_ record: UpdateRecord) throws {
    skipsInARow = record.skipped > 0 ? skipsInARow + 1 : 0
    guard skipsInARow >= options.skipsBeforeStopping else { return }
    throw Failure(
      .failed,
      "PPO's mean ratio left 1/\(options.largestMeanRatio)…\(options.largestMeanRatio), or its "
        + "approximate KL reached \(options.largestKL) nats a token, in \(skipsInARow) iterations "
        + "in a row; at last the ratio was \(Formatting.fixed(record.lastSkipped.ratioMean, 3)) and "
        + "the KL \(Formatting.fixed(record.lastSkipped.approximateKL, 3))",
      remedy: "Lower --learning-rate or --num-ppo-epochs, or raise --kl-coef.")
  }
}
