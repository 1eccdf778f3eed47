import Dialogues
import Inference
import Models
import Support
import Tokenizers
import Training
import World

/// The world's prompts on which a model is measured.
public enum EvaluationSplit: String, CaseIterable, Sendable {
  /// The prompts of a run's report.
  case evaluation
  /// Prompts for tuning hyper-parameters, so that the evaluation prompts stay unseen.
  case validation

  /// The main set comes first.
  var sets: [Split] {
    switch self {
    case .evaluation: [.evaluation, .truthfulness, .harmlessness]
    case .validation: [.validation]
    }
  }
}

/// Measures one model, for the command `eval`.
public struct ModelEvaluator {
  let options: EvaluationOptions
  let seed: UInt64
  let threads: Int
  let model: Model
  let reference: Model?
  let reward: Model?
  let texts: [Tokenized<String>]?
  let windows: [[Int32]]?
  let prompts: [Tokenized<Prompt>]?
  let split: EvaluationSplit
  let bestOf: Int
  let comparisons: [Tokenized<Comparison>]?
  /// Prints a message for people.
  let note: (String) -> Void

  /// - Parameters:
  ///   - texts: text for the loss; nil for `windows`, or the world's held-out text if these are nil too.
  ///   - windows: sequences of tokens for the loss; all tokens except the first of each are predicted.
  ///   - prompts: nil for the world's held-out prompts of `split`.
  ///   - bestOf: number of samples from which the reward model chooses each answer; 1 for no best-of-n.
  ///   - comparisons: rankings on which a reward model is measured.
  public init(
    options: EvaluationOptions, seed: UInt64, threads: Int, model: Model, reference: Model?,
    reward: Model?, texts: [Tokenized<String>]?, windows: [[Int32]]? = nil, prompts: [Tokenized<Prompt>]?,
    split: EvaluationSplit, bestOf: Int = 1, comparisons: [Tokenized<Comparison>]?, note: @escaping (String) -> Void
  ) {
    self.options = options
    self.seed = seed
    self.threads = threads
    self.model = model
    self.reference = reference
    self.reward = reward
    self.texts = texts
    self.windows = windows
    self.prompts = prompts
    self.split = split
    self.bestOf = bestOf
    self.comparisons = comparisons
    self.note = note
  }

  /// - Throws: `Failure` for models of the wrong kind or with different tokenizers, and if there are no data to measure
  ///   the model on.
  public func run() throws -> Measurements {
    var measured = Measurements(model: model.name, kind: "\(model.kind)")
    if model.kind == .reward {
      measured.assessment = try assess()
      return measured
    }
    try model.requireLanguageModel("a language model or a reward model")
    guard comparisons == nil else {
      throw Failure(
        .badData, "comparisons measure reward models, and this is a \(model.kind) model",
        at: model.name, remedy: "Give a reward model, or leave --comparisons out.")
    }
    let memory = try EvaluationMemory(model.architecture, threads: threads)
    let evaluator = try evaluator(memory)
    let sets = try sets()
    if let text = try text() {
      let figures = text.figures(memory.pass, evaluator.weights)
      guard figures.tokens > 0 else {
        throw Failure(.badData, "the text is empty", remedy: "Give a file with text in it.")
      }
      measured.text = figures
    }
    if !sets.isEmpty { measured.answers = evaluator.figures(try sets.map(evaluator.answers)) }
    if let text = measured.text { measured.answers.count(text.bytes, of: .bitsPerByte) }
    guard measured.text != nil || !sets.isEmpty else {
      throw Failure(
        .usage, "this model has no built-in world, so there is no data to measure it on", at: model.name,
        remedy: "Give --text FILE, --tokens FILE or --prompts FILE.")
    }
    return measured
  }

  private func assess() throws -> RewardAssessment {
    guard let comparisons else {
      throw Failure(
        .usage, "a reward model is measured on ranked answers", at: model.name,
        remedy: "Give --comparisons FILE.")
    }
    let assessment = try RewardAssessment(RewardScorer(model, threads: threads), comparisons)
    guard !assessment.isEmpty else {
      throw Failure(
        .badData,
        "none of \(comparisons.count) comparisons fits the context of "
          + "\(model.architecture.context) tokens", at: "--comparisons", remedy: "Give shorter ones.")
    }
    return assessment
  }

  private func text() throws -> HeldOutText? {
    let context = model.architecture.context
    if let windows {
      return HeldOutText(windows.map { TrainingSequence(tokens: $0) }, model.tokenizer)
    }
    if let texts { return HeldOutText(texts, model.tokenizer, context: context) }
    return try model.world().map {
      DocumentSource.world($0).heldOut(
        options.documents, tokenizer: model.tokenizer, context: context)
    }
  }

  /// The sets of prompts; empty if there are none.
  private func sets() throws -> [PromptSet] {
    if let prompts { return [PromptSet(own: try fitting(prompts), options)] }
    if let world = try model.world() {
      return split.sets.map { PromptSet($0, of: world, options) }
    }
    guard reference == nil, reward == nil else {
      throw Failure(
        .usage, "this model has no built-in world to take prompts from", at: model.name,
        remedy: "Give --prompts FILE.")
    }
    return []
  }

  /// The user's prompts that leave room for an answer.
  private func fitting(_ prompts: [Tokenized<Prompt>]) throws -> [Prompt] {
    let length = options.responseLength
    let context = model.architecture.context
    let fitting = ContextFit(context)
      .prompts(prompts, responseLength: length).map { prompts[$0.index].record }
    try requireUsable(
      fitting.count, of: prompts.count,
      "prompts leave room for \(length) tokens in a context of \(context)", at: "--prompts",
      remedy: "Give shorter ones.", note: note)
    return fitting
  }

  private func evaluator(_ memory: EvaluationMemory) throws -> AnswerEvaluator {
    for other in [reference, reward].compactMap({ $0 }) { try other.requireToRead(model) }
    let scorer = try reward.map { try RewardScorer($0, threads: threads) }
    return AnswerEvaluator(
      model: model, weights: try model.weights(), generator: memory.generator,
      pass: memory.pass, options: options, seed: seed,
      rubric: prompts == nil ? try model.world().map(Rubric.init) : nil,
      reference: try reference.map {
        try LogProbabilityScorer($0, threads: threads, precision: .float32)
      },
      reward: scorer, bestOf: try chooser(scorer))
  }

  private func chooser(_ reward: RewardScorer?) throws -> BestOf? {
    guard bestOf > 1 else { return nil }
    guard let reward else {
      throw Failure(
        .usage, "--best-of requires --reward-model MODEL", remedy: "Give it, or leave --best-of out.")
    }
    guard reference == nil else {
      throw Failure(
        .usage, "KL to --reference cannot be measured for best-of-\(bestOf), which has no log-probabilities",
        remedy: "Leave --reference out: \"kl\" is then the bound on KL to the model itself.")
    }
    return BestOf(n: bestOf, reward: reward)
  }
}
