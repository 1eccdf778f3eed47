import Checkpoints
import Dialogues
import Evaluation
import Inference
import Models
import Runs
import Support
import Tokenizers
import Training

/// PPO with a KL penalty and a pretraining mix: starts from the SFT model and maximises the reward model's score.
public struct PPOStage {
  public static let file = EvaluatedModel.ppo.file
  /// A hint for messages about missing text.
  static let textHint = "With --ptx-coef 0, no text is needed."

  let context: StageContext
  let policy: Model
  let reference: Model
  let reward: Model
  let data: Data
  let precision: RolloutPrecision?
  let probe: Probe?

  /// - Parameters:
  ///   - policy: the model to train: the SFT model, or the policy of the previous round. It is mapped copy-on-write
  ///     and trained in place.
  ///   - reference: the SFT model, from which KL is measured in every round; mapped read-only and shared.
  ///   - precision: precision of rollouts; nil for int8, or float32 if this model's int8 form is too far from float32.
  public init(
    _ context: StageContext, policy: Model, reference: Model, reward: Model, data: Data,
    precision: RolloutPrecision?, probe: Probe? = nil
  ) {
    self.context = context
    self.policy = policy
    self.reference = reference
    self.reward = reward
    self.data = data
    self.precision = precision
    self.probe = probe
  }

  /// Prompts, and text for the pretraining mix.
  public struct Data {
    let prompts: [Tokenized<Prompt>]
    /// The pretraining text; nil if there is no mix and no text.
    let pretraining: DocumentSource?
    /// Whether there is pretraining text, from the user or from the world.
    public var hasText: Bool { pretraining != nil }
    /// The file of the prompts.
    let place: String?
    let source: Provenance.Source

    /// - Parameters:
    ///   - prompts, texts: the user's own; nil for the built-in world's.
    ///   - place: the file of the prompts.
    /// - Throws: `Failure(.usage)` if data are missing and the base has no world to supply them.
    public init(
      prompts: [Tokenized<Prompt>]?, at place: String?, texts: [Tokenized<String>]?, sft: Model,
      settings: Settings, threads: Int
    ) throws {
      self.place = place
      let needsText = texts == nil && settings[.ptxCoefficient] > 0
      let missing = [prompts == nil ? "--prompts" : nil, needsText ? "--pretraining-text" : nil]
      try sft.requireWorld(insteadOf: missing.compactMap { $0 }, hints: needsText ? [PPOStage.textHint] : [])
      self.prompts =
        try prompts
        ?? RecipeData.prompts(try sft.world(insteadOf: "--prompts")).tokenized(sft.tokenizer, threads: threads)
      let isMixed = try settings[.ptxCoefficient] > 0 || texts != nil || sft.world() != nil
      pretraining = isMixed ? try DocumentSource.choose(texts, model: sft) : nil
      source = try .init(
        name: prompts == nil ? "world" : "prompts", records: self.prompts.map(\.record.turns), threads: threads)
    }
  }

  /// Everything that exists for the duration of the stage.
  private struct Machine {
    let memory: PPOMemory
    let sizes: PPOMemory.Sizes
    /// The prompts that leave room for an answer.
    let prompts: [[Int32]]
  }

  /// Runs or continues the stage; writes `ppo.trlhf`.
  public func run() throws -> StageResult {
    try policy.requireLanguageModel("a language model to improve")
    try reward.requireRewardModel()
    try reward.requireSameTokenizer(as: policy)
    try reward.requireSameArchitecture(as: policy)
    let machine = try build()
    let settings = context.settings
    let iterations = context.round.share(of: Self.iterations(settings))
    let total = iterations.count
    // Iterations over all rounds, so that later rounds continue the schedule instead of warming up again.
    let whole = Self.iterations(settings)
    let schedule = Schedule(
      .constant, peak: settings[.ppoRate], warmup: min(10, whole / 2), warmupStart: 0.1)
    let trainer = machine.memory.trainer
    if let coefficient = try coefficientOfLastRound() {
      trainer.restore(coefficient: coefficient, skipped: 0, inARow: 0)
    }
    let snapshot = Snapshot(trainer, threads: context.threads)
    var draft = try context.draft(
      .ppo, kind: .ppo, policy.architecture, policy.tokenizer, step: total, parents: parents,
      data: data.source, configuration: ["rollout-precision": .string(machine.memory.precision.rawValue)])

    let loop = TrainingLoop(
      context: context, stage: .ppo, total: total,
      shown: [
        (EpisodeFigures.score, "reward", 2), (EpisodeFigures.meanKL, "kl", 2),
        (EpisodeFigures.entropy, "entropy", 2),
      ], measure: probe.map { _ in Retention.Measure(metric: Probe.gold) })
    try loop.run(
      snapshot,
      restore: { path in
        let state = try snapshot.restore(from: path, as: draft)
        trainer.restore(
          coefficient: state.klCoefficient ?? settings[.klCoefficient],
          skipped: state.skippedUpdates, inARow: state.skipsInARow ?? 0)
        return state
      },
      save: { state, path in
        var state = state
        state.klCoefficient = trainer.controller.coefficient
        state.skippedUpdates = trainer.skippedUpdates
        state.skipsInARow = trainer.skipsInARow > 0 ? trainer.skipsInARow : nil
        try snapshot.write(draft, state: state, to: path)
      },
      step: { step in
        let number = iterations.lowerBound + step
        let rate = Double(schedule.learningRate(step: number, total: whole))
        var metrics = try iterate(machine, step: number, learningRate: rate)
        if let probe, probe.isDue(after: step, of: total, whole: whole) {
          let figures = try probe.run(
            trainer, machine.memory.generator, options: sampling(), model: policy, seed: context.seed)
          metrics.merge(figures) { _, new in new }
        }
        return metrics
      })
    if try reward.normalization() == nil {
      let scale = trainer.normalization
      draft.provenance.notes["reward_scale"] = .object([
        "gain": .number(Double(scale.gain)), "bias": .number(Double(scale.bias)),
      ])
    }
    if trainer.options.adaptiveKL != nil {
      draft.provenance.notes[Provenance.klCoefficientNote] = .number(trainer.controller.coefficient)
    }
    return try context.finish(draft, trainer.result.sources(.policy), as: Self.file)
  }

  /// The adaptive β at the end of the previous round; nil in the first round, or if β is fixed.
  private func coefficientOfLastRound() throws -> Double? {
    guard context.round.previous != nil, Self.options(context.settings).adaptiveKL != nil else { return nil }
    return try JSON.decode(
      Provenance.self, from: policy.checkpoint.provenance, at: "\(policy.checkpoint.path), provenance"
    ).notes[Provenance.klCoefficientNote]?.number
  }

  /// The models from which the result is made.
  private var parents: [Model] {
    policy.checkpoint.identity == reference.checkpoint.identity
      ? [policy, reward] : [policy, reference, reward]
  }

  /// Number of iterations over all rounds; the last iteration has the remaining episodes.
  static func iterations(_ settings: Settings) -> Int {
    let (total, batch) = (settings.count(.totalEpisodes), batch(settings))
    return max(1, (total + batch - 1) / batch)
  }

  /// The episodes of an iteration, numbered over all rounds.
  static func episodes(_ step: Int, _ settings: Settings) -> Range<Int> {
    let batch = batch(settings)
    let first = step * batch
    return first..<max(first + 1, min(first + batch, settings.count(.totalEpisodes)))
  }

  private static func batch(_ settings: Settings) -> Int {
    min(settings.count(.ppoBatch), settings.count(.totalEpisodes))
  }

  private func build() throws -> Machine {
    let settings = context.settings
    let responseLength = settings.count(.responseLength)
    let fit = ContextFit(policy.architecture.context)
    let fitting = fit.prompts(data.prompts, responseLength: responseLength)
    try requireUsable(
      fitting.count, of: data.prompts.count,
      "prompts leave room for \(responseLength) tokens in a context of \(fit.context)",
      at: data.place, remedy: "Lower --response-length, or use shorter prompts.",
      note: context.note)
    let sizes = Self.sizes(
      settings, longest: fitting.map { $0.tokens.count + responseLength }.max()!,
      document: data.pretraining?.longest(context: policy.architecture.context))
    var options = Self.options(settings)
    // The next round continues with the newest policy; only the last round needs the average.
    if context.round.number < context.round.count { options.averageDecay = 0 }
    let rewardParameters = try reward.parameters()
    let normalization = try reward.normalization()
    var memory = try PPOMemory(
      PPOMemory.Models(
        policy: try policy.parameters(), reference: try reference.file.parameters(),
        reward: rewardParameters,
        normalization: normalization ?? RewardNormalization(gain: 1, bias: 0)),
      sizes, options: options, precision: precision ?? .int8, threads: context.threads)
    try memory.balance()
    try measureInt8(&memory, fitting.map(\.tokens))
    memory.trainer.padToken = try reward.padToken()
    let machine = Machine(memory: memory, sizes: sizes, prompts: fitting.map(\.tokens))
    if normalization == nil { try scale(machine) }
    if let value = memory.trainer.values.model?.parameters {
      value.copy(from: rewardParameters)
      // The value model predicts normalised rewards from its first step on.
      let scale = memory.trainer.normalization
      value.scaleHead(gain: scale.gain, bias: scale.bias)
    }
    // A value head on the policy's trunk starts at 0. The reward model's head was trained on another trunk, so it
    // would mean nothing on this one. 0 is the average score of demonstrations, adds no noise to the advantages,
    // and sends no gradient into the trunk until the head has learnt something.
    return machine
  }

  /// Number of answers that are compared in both precisions. If there are fewer prompts, they are repeated.
  private static let compared = 64

  /// Measures and prints how far int8 rollouts are from the float32 policy, on answers of the policy that the stage
  /// starts from; so the result is the same if the stage is resumed. If they are too far, rollouts use float32, unless
  /// the user asked for int8.
  private func measureInt8(_ memory: inout PPOMemory, _ prompts: [[Int32]]) throws {
    guard memory.quantized != nil else { return }
    let prompts = (0..<Self.compared).map { prompts[$0 % prompts.count] }
    let samples = try sample(prompts.enumerated().map { ($0, $1) }, memory, purpose: "ppo/int8")
    let float32 = memory.trainer.logprobs(Episodes(prompts: prompts, samples: samples))
    let gap = Int8Gap(float32: [float32], int8: [samples.flatMap { $0.flatMap(\.logprobs) }])
    let sentence = gap.text(of: "that \(policy.name) samples")
    guard !gap.isNear else { return context.note("Rollouts: \(sentence)") }
    guard precision == nil else {
      return context.note(
        "warning: \(sentence) That is more than \(Int8Gap.tolerated), but --rollout-precision int8 is given.")
    }
    context.note(
      "warning: \(sentence) That is more than \(Int8Gap.tolerated), so rollouts go on in float32. "
        + "--rollout-precision int8 keeps int8.")
    try memory.leaveInt8()
  }

  /// Maximum number of answers for scaling a reward model without a normalisation.
  private static let scaling = 256

  /// Normalises the scores of a reward model from another program, because β has no meaning without a known scale. The
  /// scale is measured on answers of the policy that the stage starts from, so it is the same if the stage is resumed.
  private func scale(_ machine: Machine) throws {
    let prompts = machine.prompts.prefix(Self.scaling)
    let samples = try sample(prompts.enumerated().map { ($0, $1) }, machine.memory, purpose: "ppo/scale")
    let trainer = machine.memory.trainer
    do {
      try trainer.normalize(by: Episodes(prompts: Array(prompts), samples: samples))
    } catch let failure as Failure where failure.kind == .badData {
      context.note(
        "\(reward.name) has no normalisation, and gives all \(prompts.count) answers of "
          + "\(policy.name) the same score: PPO uses its raw logits.")
      return
    }
    let (gain, bias) = (trainer.normalization.gain, trainer.normalization.bias)
    context.note(
      "\(reward.name) has no normalisation: PPO uses the score \(gain) · logit + (\(bias)), so that "
        + "\(prompts.count) answers of \(policy.name) have mean 0 and standard deviation 1.")
  }

  /// - Parameters:
  ///   - longest: tokens of the longest prompt with its answer.
  ///   - document: tokens of the longest pretraining document; nil for the context.
  package static func sizes(_ settings: Settings, longest: Int, document: Int?) -> PPOMemory.Sizes {
    let batch = batch(settings)
    let miniBatch = options(settings).miniBatch(of: batch)
    return PPOMemory.Sizes(
      batch: batch, longest: longest, documents: documentsPerUpdate(miniBatch, settings),
      longestDocument: document)
  }

  private static func documentsPerUpdate(_ miniBatch: Int, _ settings: Settings) -> Int {
    guard settings[.ptxCoefficient] > 0 else { return 0 }
    return max(1, Int(settings[.ptxRatio] * Double(miniBatch)))
  }

  /// PPO's options from the hyper-parameters.
  package static func options(_ settings: Settings) -> PPOOptions {
    var options = PPOOptions()
    for parameter in Parameter.all { parameter.assign?(&options, settings[parameter]) }
    return options
  }

  // MARK: One iteration: sample, then learn

  /// - Parameter step: the iteration, counted over all rounds, so that each round continues with new prompts and random
  ///   streams.
  private func iterate(_ machine: Machine, step: Int, learningRate: Double) throws
    -> [Metric: Double]
  {
    let trainer = machine.memory.trainer
    let numbers = Self.episodes(step, context.settings)
    let prompts = prompts(of: numbers, machine)
    let samples = try sample(
      zip(numbers, prompts).map { ($0, $1) }, machine.memory, purpose: "ppo/rollout")
    var random = RandomStream(seed: context.seed, purpose: "ppo/minibatch", index: UInt64(step))
    var update = step * trainer.options.epochs * trainer.options.miniBatches
    var metrics = try trainer.learn(
      from: Episodes(prompts: prompts, samples: samples),
      learningRate: learningRate, random: &random,
      pretraining: {
        defer { update += 1 }
        return pretrainingSequences(update: update, count: machine.sizes.documents)
      })
    metrics[Metric("episode", unit: "episodes")] = Double(numbers.upperBound)
    return metrics
  }

  /// Samples one answer to each prompt; `number` is the prompt's random stream.
  private func sample(
    _ prompts: [(number: Int, tokens: [Int32])], _ memory: PPOMemory, purpose: String
  ) throws -> [[Generator.Sample]] {
    try memory.generator.run(
      prompts.map { Generator.Request(prompt: $0.tokens, stream: UInt64($0.number)) },
      weights: memory.rolloutWeights(), options: sampling(), seed: context.seed, purpose: purpose)
  }

  private func sampling() -> SamplingOptions {
    var options = SamplingOptions()
    options.temperature = Float(context.settings[.temperature])
    options.maxNewTokens = context.settings.count(.responseLength)
    options.endTokens = policy.tokenizer.endTokens
    return options
  }

  /// The prompts of the episodes. Prompts are used in epochs, each with its own random order.
  private func prompts(of episodes: Range<Int>, _ machine: Machine) -> [[Int32]] {
    let count = machine.prompts.count
    var chosen: [[Int32]] = []
    var (epoch, order) = (-1, [Int]())
    for episode in episodes {
      if episode / count != epoch {
        epoch = episode / count
        order = Array(0..<count)
        var random = RandomStream(seed: context.seed, purpose: "ppo/prompts", index: UInt64(epoch))
        random.shuffle(&order)
      }
      chosen.append(machine.prompts[order[episode % count]])
    }
    return chosen
  }

  /// Pretraining text for one update, from a part of the stream that pretraining does not reach, so that the base has
  /// not seen it in the same order.
  private func pretrainingSequences(update: Int, count: Int) -> [TrainingSequence] {
    guard let text = data.pretraining else { return [] }
    return (0..<count).map {
      text.sequence(
        10_000_000 + update * count + $0, tokenizer: policy.tokenizer,
        context: policy.architecture.context, seed: context.seed)
    }
  }
}

extension ParameterSet {
  /// Scales the head so that it returns gain·score + bias.
  func scaleHead(gain: Float, bias: Float) {
    for i in 0..<layout.architecture.dModel { headWeight[i] *= gain }
    headBias[0] = gain * headBias[0] + bias
  }
}
