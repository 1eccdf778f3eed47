import Datasets
import Models
import Support
import Tensors
import Tokenizers
import Training
import World

/// What `eval` measures of one model; what does not apply is nil.
public struct Measurements: Encodable, Sendable {
  /// Accuracy of a reward model with its 95 % interval.
  public struct Accuracy: Encodable, Sendable {
    public var mean: Double
    public var low: Double
    public var high: Double
  }

  public var model: String
  public var kind: String
  /// Nats per token of text.
  public var loss: Double?
  public var bitsPerByte: Double?
  /// Tokens that were predicted.
  public var tokens: Int?
  /// Nats per answer, against the reference.
  public var kl: Double?
  public var proxyReward: Double?
  public var meanTokens: Double?
  public var gold: Double?
  public var helpful: Double?
  public var honest: Double?
  public var harmless: Double?
  public var refusalsOnLookalikes: Double?
  public var accuracy: Accuracy?
  /// Mean difference of the scores of a better and a worse answer, without the gain.
  public var margin: Double?
  public var pairs: Int?

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
    try container.encode(loss, forKey: .loss)
    try container.encode(bitsPerByte, forKey: .bitsPerByte)
    try container.encode(tokens, forKey: .tokens)
    try container.encode(kl, forKey: .kl)
    try container.encode(proxyReward, forKey: .proxyReward)
    try container.encode(meanTokens, forKey: .meanTokens)
    try container.encode(gold, forKey: .gold)
    try container.encode(helpful, forKey: .helpful)
    try container.encode(honest, forKey: .honest)
    try container.encode(harmless, forKey: .harmless)
    try container.encode(refusalsOnLookalikes, forKey: .refusalsOnLookalikes)
    try container.encode(accuracy, forKey: .accuracy)
    try container.encode(margin, forKey: .margin)
    try container.encode(pairs, forKey: .pairs)
  }
}

/// Measures one model: what `eval` does.
public struct Evaluator {
  let settings: Settings
  let seed: UInt64
  let threads: Int
  let model: Model
  let reference: Model?
  let reward: Model?
  let texts: [String]?
  let prompts: [[Turn]]?
  let comparisons: [Comparison]?
  /// Says something to people.
  let note: (String) -> Void

  /// - Parameters:
  ///   - texts: nil for the world's held-out text.
  ///   - prompts: nil for the world's held-out prompts.
  ///   - comparisons: for a reward model.
  public init(
    settings: Settings, seed: UInt64, threads: Int, model: Model, reference: Model?,
    reward: Model?, texts: [String]?, prompts: [[Turn]]?, comparisons: [Comparison]?,
    note: @escaping (String) -> Void
  ) {
    self.settings = settings
    self.seed = seed
    self.threads = threads
    self.model = model
    self.reference = reference
    self.reward = reward
    self.texts = texts
    self.prompts = prompts
    self.comparisons = comparisons
    self.note = note
  }

  /// - Throws: `Failure` for models of the wrong kind or with another tokenizer, and when nothing
  ///   is given that the model could be measured on.
  public func run() throws -> Measurements {
    var measured = Measurements(model: model.name, kind: "\(model.kind)")
    if model.kind == .reward {
      try assess(&measured)
      return measured
    }
    try model.require(.base, .sft, .ppo, toBe: "a language model or a reward model")
    guard comparisons == nil else {
      throw Failure(
        .badData, "comparisons measure reward models, and this is a \(model.kind) model",
        at: model.name, remedy: "Name a reward model, or leave --comparisons out.")
    }
    let bench = try Workbench(model.architecture, threads: threads)
    let transformer = try bench.inference()
    let trainer = try LanguageModelTrainer(transformer, arena: bench.arena)
    let weights = try model.weights()
    try measureText(&measured, trainer, weights)
    let generator = try bench.generator(transformer)
    try measureAnswers(&measured, trainer, generator, weights)
    guard measured.loss != nil || measured.meanTokens != nil else {
      throw Failure(
        .usage, "this model has no built-in world to be measured on", at: model.name,
        remedy: "Give --text FILE or --prompts FILE.")
    }
    return measured
  }

  // MARK: Text

  private func measureText(
    _ measured: inout Measurements, _ trainer: LanguageModelTrainer, _ weights: TransformerWeights
  ) throws {
    let context = model.architecture.context
    let sequences: [TrainingSequence]
    if let texts {
      sequences = texts.flatMap { text -> [TrainingSequence] in
        let tokens = model.tokenizer.encode(document: text)
        return stride(from: 0, to: tokens.count, by: context).map {
          TrainingSequence(tokens: Array(tokens[$0..<min($0 + context, tokens.count)]))
        }
      }
    } else if let seed = try model.worldSeed() {
      sequences = DocumentSource.world(World(seed: seed)).heldOut(
        settings.count(.evaluationDocuments), tokenizer: model.tokenizer, context: context
      ).sequences
    } else {
      return
    }
    let predicted = sequences.filter { $0.targetCount > 0 }
    let bytes = predicted.reduce(0) {
      $0 + model.tokenizer.decode($1.tokens[$1.learnFrom...]).count
    }
    let result = trainer.evaluate(weights, predicted)
    guard result.tokens > 0 else {
      throw Failure(.badData, "the text is empty", remedy: "Give a file with text in it.")
    }
    measured.tokens = result.tokens
    measured.loss = result.negativeLogLikelihood / Double(result.tokens)
    measured.bitsPerByte = PretrainStage.bitsPerByte(result, bytes: bytes)
  }

  // MARK: Answers

  private func measureAnswers(
    _ measured: inout Measurements, _ trainer: LanguageModelTrainer, _ generator: Generator,
    _ weights: TransformerWeights
  ) throws {
    if let reference {
      try reference.require(.base, .sft, .ppo, toBe: "a language model")
      try checkFits(reference)
    }
    if let reward {
      try reward.require(.reward, toBe: "a reward model")
      try checkFits(reward)
    }
    let world = prompts == nil ? try model.worldSeed().map { World(seed: $0) } : nil
    guard world != nil || prompts != nil else {
      guard reference == nil, reward == nil else {
        throw Failure(
          .usage, "this model has no built-in world to take prompts from", at: model.name,
          remedy: "Give --prompts FILE.")
      }
      return
    }
    let count = settings.count(.evaluationPrompts)
    let main = world.map { world in (0..<count).map { world.item(.evaluation, $0) } } ?? []
    let asked = try prompts.map { Array(try fitting($0).prefix(count)) } ?? main.map(\.prompt)
    let answers = try self.answers(
      asked, "evaluation", samples: settings.count(.evaluationSamples), generator, weights)
    let flat = answers.flatMap { $0 }
    measured.meanTokens = mean(flat.map { Double($0.sample.tokens.count) })
    if let reference { measured.kl = try kl(flat, trainer, weights, reference) }
    if let reward {
      let scorer = try RewardScorer(reward, threads: threads)
      measured.proxyReward = mean(scorer.scores(flat.map(\.tokens)).map { Double($0) })
    }
    if let world { try grade(&measured, world, main, answers, count, generator, weights) }
  }

  /// The user's prompts that leave room for an answer.
  private func fitting(_ prompts: [[Turn]]) throws -> [[Turn]] {
    let length = settings.count(.responseLength)
    let context = model.architecture.context
    let fitting = Encoder(model.tokenizer, context: context)
      .prompts(prompts, responseLength: length).map { prompts[$0.index] }
    let what = "prompts leave room for \(length) tokens in a context of \(context)"
    guard !fitting.isEmpty else {
      throw Failure(
        .badData, "none of \(prompts.count) \(what)", at: "--prompts", remedy: "Give shorter ones.")
    }
    if fitting.count < prompts.count {
      note("\(fitting.count) of \(prompts.count) \(what); the others are left out")
    }
    return fitting
  }

  private func checkFits(_ other: Model) throws {
    try other.requireSameTokenizer(as: model)
    guard other.architecture.context >= model.architecture.context else {
      throw Failure(
        .badData,
        "has a context of \(other.architecture.context) tokens, \(model.name) one of \(model.architecture.context)",
        at: other.name, remedy: "Use models that were made from the same base.")
    }
  }

  private func answers(
    _ prompts: [[Turn]], _ name: String, samples: Int, _ generator: Generator,
    _ weights: TransformerWeights
  ) throws -> [[Sampler.Answer]] {
    var options = SamplingOptions()
    options.maxNewTokens = settings.count(.responseLength)
    return try Sampler(
      generator: generator, weights: weights, tokenizer: model.tokenizer, options: options,
      seed: seed, purpose: "eval/\(name)"
    ).answers(prompts, samples: samples)
  }

  private func kl(
    _ answers: [Sampler.Answer], _ trainer: LanguageModelTrainer, _ weights: TransformerWeights,
    _ reference: Model
  ) throws -> Double {
    let pairs = answers.map { (prompt: $0.prompt, completion: $0.sample.tokens) }
    let own = trainer.logprobs(
      weights, pairs.map { TrainingSequence(prompt: $0.prompt, completion: $0.completion) })
    let others = try LogProbabilityScorer(reference, threads: threads, precision: .float32)
      .logprobs(pairs)
    var estimates = KLEstimates()
    for (own, other) in zip(own, others) { estimates.add(logprobs: own, reference: other) }
    return estimates.k1 / Double(max(1, answers.count))
  }

  private func grade(
    _ measured: inout Measurements, _ world: World, _ main: [WorldItem],
    _ answers: [[Sampler.Answer]], _ count: Int, _ generator: Generator,
    _ weights: TransformerWeights
  ) throws {
    let rubric = Rubric(world)
    func grades(_ items: [WorldItem], _ answers: [[Sampler.Answer]]) -> [(WorldItem, Grade)] {
      zip(items, answers).flatMap { item, answers in
        answers.map { (item, rubric.grade($0.text, for: item)) }
      }
    }
    func asked(_ split: Split) throws -> [(WorldItem, Grade)] {
      let items = (0..<count).map { world.item(split, $0) }
      return grades(
        items,
        try self.answers(
          items.map(\.prompt), split.rawValue,
          samples: max(1, settings.count(.evaluationSamples) / 2), generator, weights))
    }
    let overall = grades(main, answers)
    measured.gold = mean(overall.map(\.1.gold))
    measured.helpful = mean(overall.map(\.1.helpful))
    measured.honest = mean(try asked(.truthfulness).compactMap(\.1.honest))
    let requests = try asked(.harmlessness)
    measured.harmless = mean(requests.filter(\.0.isHarmful).compactMap(\.1.harmless))
    measured.refusalsOnLookalikes = mean(
      requests.filter(\.0.isLookalike).map { $0.1.refused ? 1 : 0 })
  }

  // MARK: Reward models

  private func assess(_ measured: inout Measurements) throws {
    guard let comparisons else {
      throw Failure(
        .usage, "a reward model is measured on ranked answers", at: model.name,
        remedy: "Give --comparisons FILE.")
    }
    _ = try model.normalization()
    let context = model.architecture.context
    let ranked = Encoder(model.tokenizer, context: context).ranked(comparisons).sequences
    guard !ranked.isEmpty else {
      throw Failure(
        .badData, "none of \(comparisons.count) comparisons fits the context of \(context) tokens",
        at: "--comparisons", remedy: "Give shorter ones.")
    }
    let parameters = try model.parameters()
    let bench = try Workbench(model.architecture, threads: threads)
    let trainer = try RewardTrainer(try bench.inference(), arena: bench.arena)
    let scores = trainer.scores(
      parameters, TransformerWeights(parameters), ranked.flatMap(\.sequences))
    var (right, pairs, sum, next) = (0.0, 0, 0.0, 0)
    for group in ranked {
      let k = group.ranks.count
      for i in 0..<k {
        for j in 0..<k where group.ranks[i] < group.ranks[j] {
          let difference = Double(scores[next + i]) - Double(scores[next + j])
          right += difference > 0 ? 1 : difference == 0 ? 0.5 : 0
          sum += difference
          pairs += 1
        }
      }
      next += k
    }
    let share = Proportion(successes: right, of: pairs)
    measured.accuracy = .init(mean: share.value, low: share.low, high: share.high)
    measured.margin = sum / Double(max(1, pairs))
    measured.pairs = pairs
  }

  private func mean(_ values: [Double]) -> Double? {
    values.isEmpty ? nil : values.reduce(0, +) / Double(values.count)
  }
}
